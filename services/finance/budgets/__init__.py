"""Budget lines: what may be spent on a measure or a programme in a year."""
