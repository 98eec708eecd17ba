"""Closed sets of values with their Chinese and English names."""

from dataclasses import dataclass, field
from typing import Any

from services.kernel.actors import Anyone
from services.kernel.unit import noun_router


@dataclass(frozen=True)
class CodeList:
    """One closed set; `entries` maps a code to its names."""

    id: str
    zh: str
    en: str
    entries: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    source: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "title": self.zh,
            "title_en": self.en,
            "source": self.source,
            "entries": [
                {"code": code, "title": zh, "title_en": en}
                for code, (zh, en) in self.entries.items()
            ],
        }


def code_list_router(service: str, code_lists: tuple[CodeList, ...]) -> Any:
    """Serve a service's code lists."""
    router = noun_router(service, "code-lists")
    body: dict[str, Any] = {"items": [c.to_json() for c in code_lists], "next_cursor": None}

    @router.get("")
    async def list_code_lists(_: Anyone) -> dict[str, Any]:
        """List every closed set of values of this service, with Chinese and English names."""
        return body

    return router
