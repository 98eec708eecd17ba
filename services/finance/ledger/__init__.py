"""The ledger: accounts of each budget line, and the transfers between them, only ever added."""
