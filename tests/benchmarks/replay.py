"""The peer of a transaction of ours: its very statements, recorded once, sent by bare asyncpg."""

import contextlib
import re
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement

from services.kernel.clock import system_now
from services.kernel.ids import made_at, new_id

UUID_VERSION = 7
COPY = "COPY "
_WRITTEN = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Step:
    """One round trip: a statement as it was sent, and what it was given."""

    sql: str
    arguments: tuple[Any, ...]


@dataclass
class Recording:
    """The round trips of one transaction, in order."""

    began: datetime
    steps: list[Step] = field(default_factory=list[Step])

    def anew(self, renamed: Mapping[str, str]) -> list[Step]:
        """Give the same statements with fresh ids for those made then, and with other names."""
        renewed: dict[UUID, UUID] = {}

        def fresh(old: UUID) -> UUID:
            return renewed.setdefault(old, new_id())

        for id_ in sorted(self._born()):
            fresh(id_)
        texts = {**renamed, **{str(old): str(new) for old, new in renewed.items()}}
        return [Step(s.sql, tuple(_with(a, renewed, texts) for a in s.arguments))
                for s in self.steps]  # fmt: skip

    def _born(self) -> set[UUID]:
        found: set[UUID] = set()
        for step in self.steps:
            for argument in step.arguments:
                values = argument if isinstance(argument, list) else [argument]
                found |= {v for v in values if isinstance(v, UUID)}
                texts = [v for v in values if isinstance(v, str)]
                found |= {UUID(written) for text in texts for written in _WRITTEN.findall(text)}
        since = self.began - timedelta(milliseconds=1)
        return {u for u in found if u.version == UUID_VERSION and made_at(u) >= since}


@contextlib.contextmanager
def recording() -> Generator[Recording]:
    """Note every round trip that any asyncpg connection of this process makes meanwhile."""
    notes = Recording(system_now())

    def noting(method: Any, sql_of: Callable[[Any, tuple[Any, ...]], tuple[str, Any]]) -> Any:
        async def noted(self: Any, *arguments: Any, **options: Any) -> Any:
            sql, values = sql_of(self, arguments)
            notes.steps.append(Step(sql, tuple(values)))
            return await method(self, *arguments, **options)

        return noted

    def prepared(statement: Any, arguments: tuple[Any, ...]) -> tuple[str, Any]:
        return statement.get_query(), arguments

    def direct(_: Any, arguments: tuple[Any, ...]) -> tuple[str, Any]:
        return arguments[0], arguments[1:]

    with contextlib.ExitStack() as stack:
        for owner, name, sql_of in (
            (PreparedStatement, "fetch", prepared),
            (asyncpg.Connection, "fetch", direct),
            (asyncpg.Connection, "fetchrow", direct),
            (asyncpg.Connection, "fetchval", direct),
            (asyncpg.Connection, "execute", direct),
        ):
            wrapped = noting(getattr(owner, name), sql_of)
            stack.enter_context(patch.object(owner, name, wrapped))
        copies = _noting_copies(asyncpg.Connection.copy_records_to_table, notes)
        stack.enter_context(patch.object(asyncpg.Connection, "copy_records_to_table", copies))
        yield notes


def _noting_copies(method: Any, notes: Recording) -> Any:
    async def noted(self: Any, table: str, **what: Any) -> Any:
        notes.steps.append(Step(f"{COPY}{table}", (list(what["records"]), what["columns"])))
        return await method(self, table, **what)

    return noted


async def play(connection: Any, steps: list[Step]) -> None:
    """Send the statements one after the other, each as one round trip."""
    for step in steps:
        if step.sql.startswith(COPY):
            records, columns = step.arguments
            table = step.sql.removeprefix(COPY)
            await connection.copy_records_to_table(table, records=records, columns=columns)
        elif step.arguments:
            await connection.fetch(step.sql, *step.arguments)
        else:
            await connection.execute(step.sql)


def _with(argument: Any, ids: dict[UUID, UUID], texts: dict[str, str]) -> Any:
    if isinstance(argument, UUID):
        return ids.get(argument, argument)
    if isinstance(argument, list):
        return [_with(each, ids, texts) for each in argument]
    if isinstance(argument, str):
        for old, new in texts.items():
            argument = argument.replace(old, new)
    return argument
