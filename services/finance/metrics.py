"""Finance's own metrics; labels never hold an id."""

from prometheus_client import Gauge

LEDGER_BREACHES = Gauge(
    "liangxin_finance_ledger_breaches", "Accounts whose balance differs from their transfers"
)
