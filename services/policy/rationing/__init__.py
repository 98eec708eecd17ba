"""How a budget that is too small is shared out."""
