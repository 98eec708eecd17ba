"""Lists of firms in versions: who is on one, and whether all others are known not to be."""
