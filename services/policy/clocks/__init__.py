"""The clocks of a case: limits in working days, what pauses them, and who is reminded."""
