"""Who does what by when, as the measures ask it of departments."""
