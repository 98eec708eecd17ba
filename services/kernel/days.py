"""Days as the contract writes them."""

import re
from datetime import date, datetime
from typing import Annotated

from pydantic import BeforeValidator

from services.kernel.errors import FieldFault

FIRST_DAY = date(1900, 1, 1)
LAST_DAY = date(2199, 12, 31)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def parse_day(value: object) -> date:
    """Read a day as the contract writes it, YYYY-MM-DD and nothing else."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            day = date.fromisoformat(value)
        except ValueError:
            day = None
        if day is not None and FIRST_DAY <= day <= LAST_DAY:
            return day
    raise FieldFault(
        "date-format",
        "日期须为YYYY-MM-DD，且确有此日。",
        "The date must be YYYY-MM-DD, and such a day must exist.",
    )


# For bodies and query parameters; `Day | None` where it may be left out.
Day = Annotated[date, BeforeValidator(parse_day)]
