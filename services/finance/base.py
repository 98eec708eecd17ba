"""The base of finance's tables."""

from services.kernel.database import service_base

Base = service_base("finance")
