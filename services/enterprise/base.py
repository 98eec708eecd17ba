"""The base of this service's tables."""

from services.kernel.database import service_base

Base = service_base("enterprise")
