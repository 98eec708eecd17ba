"""What follows a decision: which matters are open, their history, and days as law counts them."""
