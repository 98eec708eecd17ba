"""Recusals: who does not act on a case, said by himself or by an approver."""
