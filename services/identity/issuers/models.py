from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from services.identity.base import Base


class TrustedIssuer(Base):
    """An OpenID Connect provider whose tokens say who a person is."""

    __tablename__ = "trusted_issuer"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    issuer: Mapped[str] = mapped_column(unique=True)
    audience: Mapped[str]
    jwks: Mapped[dict[str, Any]]
    sealed_demo_key: Mapped[str | None]
    version: Mapped[int]
    created_at: Mapped[datetime]
