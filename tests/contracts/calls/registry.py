"""How each route of the matrix is called on a real object."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from tests.contracts.matrix import Cell
from tests.contracts.world import World


@dataclass
class Call:
    """A request for one cell.

    `finds` is what a list must show to those who may see it, as (field, value); `lets_in` is the
    refusal that shows that the role was let in, where nothing of today can succeed.
    """

    path: str
    json: Any = None
    form: dict[str, str] | None = None
    content: bytes | None = None
    params: dict[str, Any] = field(default_factory=dict[str, Any])
    headers: dict[str, str] = field(default_factory=dict[str, str])
    finds: tuple[str, str] | None = None
    lets_in: tuple[int, str] | None = None


Make = Callable[[World, Cell], Awaitable[Call]]
CALLS: dict[str, Make] = {}


def call(name: str) -> Callable[[Make], Make]:
    """Register how an entry of the matrix is called."""

    def register(make: Make) -> Make:
        assert name not in CALLS, name
        CALLS[name] = make
        return make

    return register


def plain(*paths: str) -> None:
    """Register routes that are read as they stand."""

    def reads(path: str) -> Make:
        async def make(_: World, __: Cell) -> Call:
            return Call(path)

        return make

    for path in paths:
        call(f"GET {path}")(reads(path))


def event(name: str, version: int = 1, **data: Any) -> dict[str, Any]:
    """Word an event of a resource with states."""
    return {"event": name, "version": version, "data": data}
