"""The API document as it is committed; `test_documents.py` holds it against the code."""

from functools import cache
from typing import Any

import orjson

from services.launch.commands.documents import FOLDER


@cache
def api_document() -> dict[str, Any]:
    """Read it once: to build it from the code takes a hundred times as long."""
    return orjson.loads((FOLDER / "openapi.json").read_bytes())
