"""Batches by which the entitled receive what they did not apply for (免申即享)."""
