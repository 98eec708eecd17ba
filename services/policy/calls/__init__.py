"""Calls for applications (申报批次): when, for what, with which proofs, for how many."""
