"""Rows of files that are being imported; each is gone once it has been answered for."""

from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.enterprise.base import Base


class ImportRow(Base):
    """A row waiting for its step, so that a large file is read once and not at every step."""

    __tablename__ = "import_row"
    operation_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    line: Mapped[int]
    cells: Mapped[dict[str, Any]] = mapped_column(JSONB)
    fault: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
