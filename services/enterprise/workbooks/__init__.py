"""Workbooks: packed files, of which a small one may hold far more than it seems."""
