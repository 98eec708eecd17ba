"""What the cases of a call hold of its places and its budget."""
