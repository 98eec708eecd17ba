"""Accepting an import, reading its file into rows, and answering for each row."""
