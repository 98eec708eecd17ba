from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.policy.base import Base


class CaseBatchAnswer(Base):
    """What became of one item of a batch, by its place in the request; given once."""

    __tablename__ = "case_batch_answer"
    __table_args__ = ({"info": {"append_only": True}},)
    operation_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    answer: Mapped[dict[str, Any]] = mapped_column(JSONB)
