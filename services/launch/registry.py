"""The services of this platform, in the order in which they start."""

from services.enterprise.service import SERVICE as ENTERPRISE
from services.finance.service import SERVICE as FINANCE
from services.identity.service import SERVICE as IDENTITY
from services.kernel.service import Service
from services.policy.service import SERVICE as POLICY

SERVICES: dict[str, Service] = {s.name: s for s in (IDENTITY, ENTERPRISE, POLICY, FINANCE)}
