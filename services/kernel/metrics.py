"""Prometheus metrics of a service process; labels never hold an id."""

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("liangxin_requests", "Requests answered", ["service", "method", "status"])
REQUEST_SECONDS = Histogram("liangxin_request_seconds", "Time to answer", ["service"])
PUBLISHED = Counter("liangxin_events_published", "Outbox rows published", ["service"])
PUBLISH_FAILURES = Counter(
    "liangxin_events_publish_failures", "Publish attempts that failed", ["service"]
)
OUTBOX_PENDING = Gauge("liangxin_outbox_pending", "Outbox rows not yet published", ["service"])
REACTED = Counter("liangxin_reactions", "Events reacted to", ["service", "reaction"])
REACTION_FAILURES = Counter(
    "liangxin_reaction_failures", "Reactions that failed", ["service", "reaction"]
)
PARKED = Counter("liangxin_events_parked", "Events parked after the last delivery", ["service"])
TIMERS_FIRED = Counter("liangxin_timers_fired", "Timers fired", ["service", "kind"])
AUDIT_LAG_SECONDS = Gauge(
    "liangxin_audit_lag_seconds", "Age of the oldest unsealed audit row", ["service"]
)
