"""Finance: the city's money for the plan, and the proof that it moved once.

Owns budget lines, the ledger of transfers, the aid ledger (own awards and what other levels gave),
awards and payment batches. Decides how much of what was proposed can be reserved, from which line
and why not more. Announces the whole state of an award whenever it changes.
"""
