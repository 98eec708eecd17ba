"""How a service describes itself: everything that runs, on one screen."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.backlogs import Backlog
from services.kernel.code_lists import CodeList
from services.kernel.events import Event
from services.kernel.operations import OperationKind
from services.kernel.reactions import Reaction
from services.kernel.timers import TimerKind

Restater = Callable[[AsyncSession], AsyncIterator[Event]]


class CannotStart(Exception):
    """A service does not start; the message says why, for whoever runs it."""


@dataclass(frozen=True)
class Service:
    """A service: its nouns' routers, what it announces, hears and does in time."""

    name: str
    title: str
    title_en: str
    metadata: MetaData
    migrations: Path
    routers: tuple[APIRouter, ...]
    announces: tuple[type[Event], ...] = ()
    reactions: tuple[Reaction, ...] = ()
    timers: tuple[TimerKind, ...] = ()
    operations: tuple[OperationKind, ...] = ()
    backlogs: tuple[Backlog, ...] = ()
    code_lists: tuple[CodeList, ...] = ()
    restaters: tuple[Restater, ...] = ()
    on_start: Callable[[Any], Any] | None = None
    openapi_tags: tuple[dict[str, str], ...] = ()
