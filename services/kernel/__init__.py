"""What every service stands on, with no noun of the city inside.

Database and unit of work, outbox and inbox, bus, verification of identity, errors, clock, calendar,
timers, long operations, audit. A service describes itself as a `Service` (service.py); the kernel
builds its HTTP app (app.py) and its worker (worker.py) from that description.
"""
