"""Money is an integer of fen; its texts are made by integer arithmetic alone."""

from typing import Annotated

from pydantic import Field

FEN_PER_YUAN = 100
FEN_PER_WAN_YUAN = 1_000_000
FEN_MAX = 10**15

PositiveFen = Annotated[int, Field(strict=True, ge=1, le=FEN_MAX, description="Integer fen")]


def yuan(fen: int) -> str:
    """Write an amount as an official reads it: in whole 万元 where it is that, else in 元."""
    if fen and fen % FEN_PER_WAN_YUAN == 0:
        return f"{fen // FEN_PER_WAN_YUAN:,}万元"
    return f"{_decimal(fen)}元"


def yuan_in_english(fen: int) -> str:
    return f"CNY {_decimal(fen)}"


def _decimal(fen: int) -> str:
    sign = "-" if fen < 0 else ""
    whole, rest = divmod(abs(fen), FEN_PER_YUAN)
    return f"{sign}{whole:,}.{rest:02d}"
