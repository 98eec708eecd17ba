from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from services.identity.base import Base


class SigningKey(Base):
    """A key that signs tokens until it is retired, and verifies them until `usable_until`."""

    __tablename__ = "signing_key"
    kid: Mapped[str] = mapped_column(primary_key=True)
    public_jwk: Mapped[dict[str, Any]]
    sealed_private_jwk: Mapped[str]
    created_at: Mapped[datetime]
    usable_until: Mapped[datetime | None]
    version: Mapped[int]
