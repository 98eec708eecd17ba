"""What a case is filled with before anybody is asked, and what of it rests on a firm's word."""
