"""Official documents: decisions, payment documents of many payees, and the codes to verify them."""
