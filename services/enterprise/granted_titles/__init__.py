"""Titles that a case or an upper level granted elsewhere: recorded once, and taken back."""
