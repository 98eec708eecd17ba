"""Departures from a rule's result (突破规则): with a reason, marked for ever, listed for audit."""
