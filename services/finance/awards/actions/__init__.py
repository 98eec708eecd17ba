"""Every change of an award, one verb a file, in the order of its life."""
