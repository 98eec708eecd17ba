"""Firms: who they are, with their history; every change announces the whole current state."""
