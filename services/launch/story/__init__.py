"""The demonstration's story: what outside clients do, over public HTTP, and what must come of it."""
