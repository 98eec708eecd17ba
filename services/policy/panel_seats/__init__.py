"""Seats on panels (评审席位): what an expert may see of the cases he judges, and his sheets."""
