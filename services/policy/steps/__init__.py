"""The steps of a case under review: whose they are, one after the other, and how they end."""
