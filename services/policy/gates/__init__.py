"""What a plan and a programme must have before anything goes live under them."""
