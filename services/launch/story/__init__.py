"""The demonstration's story: what outside clients do, and what must come of it."""
