"""Policy: the plan as data, what it entitles a firm to and why, and the cases that follow from it.

Owns the plan's rules and parameters, cases with their frozen situations, and public notices;
decides who is entitled to what; announces awards proposed, cases decided and cases ended. Facts
are heard from enterprise and reservations from finance, never asked for.
"""
