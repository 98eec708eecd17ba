"""Proposals to revoke an award and recover its money: grounds, hearing, a second person's word."""
