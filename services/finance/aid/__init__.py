"""The aid ledger: what was granted for one matter by every level, our own awards included."""
