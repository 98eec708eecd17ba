"""What applicants say against facts that are held of them, and what the owners answer."""
