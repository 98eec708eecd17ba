"""The wordings of each programme that this installation has run, and what changed between them."""
