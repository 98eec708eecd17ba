"""What a case is filled with before anybody is asked, and what of it is provisional."""
