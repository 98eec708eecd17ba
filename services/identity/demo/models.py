from sqlalchemy.orm import Mapped, mapped_column

from services.identity.base import Base


class DemoClock(Base):
    """What the business clock was moved by; one row."""

    __tablename__ = "demo_clock"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    offset_s: Mapped[int]
    version: Mapped[int]
