"""Joint meetings (联席会议): what they decide becomes tasks."""
