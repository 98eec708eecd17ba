"""What a call says as a notice that people read."""
