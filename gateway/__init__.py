"""The one door: routing, limits, one API document and its pages; it holds no state of its own.

It verifies no token (every service does that itself), reads no body and keeps nothing that outlives
the process: rate counters, breakers and the caches below are per process and bounded.
"""
