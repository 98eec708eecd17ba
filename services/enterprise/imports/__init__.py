"""Imports: files of firms, facts and recognitions, as long work that answers for each row."""
