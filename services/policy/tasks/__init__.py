"""The task board: who does what by when, how far it is, and what proves it."""
