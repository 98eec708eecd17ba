"""What each service keeps of the others' words, as one hash; and how it is taken away again."""

import hashlib
from typing import Any

import asyncpg

from services.kernel.database_urls import plain_url
from services.launch.configuration import SERVICE_NAMES
from services.policy.contract.events import FirmMatched
from tests.faults.ground import Ground

HEARD = {
    "policy": ("firm", "list_version", "list_part", "list_item"),
    "finance": ("award", "transfer", "account", "payout_line"),
}
# What reactions change beside projections: an effect made twice would show here.
CHANGED = {
    "policy": ("policy_case", "case_event", "notice"),
    "finance": ("aid", "ended_case", "budget", "payout", "recovery"),
}
HEARD_BY_ALL = ("trusted_key", "known_client", "revoked_token", "heard_clock")
# Of the kernel's own reactions policy keeps keys and clients; of enterprise, firms and lists.
REACTIONS = ("project_firm", "project_list", "hear_key", "hear_principal", "hear_clock")
_HASH = """
SELECT md5(COALESCE(string_agg(row, E'\\n' ORDER BY row), ''))
FROM (SELECT to_jsonb(t)::text AS row FROM {} t) AS rows
"""


TOLD = f"SELECT count(*) FROM outbox WHERE type <> '{FirmMatched.TYPE}'"  # noqa: S608  our own


async def fingerprint(ground: Ground) -> str:
    """Hash what every service has made of what it heard."""
    whole = hashlib.sha256()
    for service in SERVICE_NAMES:
        tables = (*HEARD.get(service, ()), *CHANGED.get(service, ()), *HEARD_BY_ALL)
        for table in tables:
            found = await ground.value(service, _HASH.format(table))
            whole.update(f"{service}.{table}:{found}\n".encode())
    return whole.hexdigest()[:16]


async def written(ground: Ground) -> dict[str, tuple[int, int]]:
    """Count the announcements and the audit entries of each service.

    Where firms stand is left out: it is told anew of whatever state was heard in between.
    """
    return {
        service: (
            await ground.value(service, TOLD),
            await ground.value(service, "SELECT count(*) FROM audit_entry"),
        )
        for service in SERVICE_NAMES
    }


async def forget_projections(ground: Ground) -> None:
    """Leave policy as it was before it heard of any firm, list, key or client."""
    tables = ", ".join((*HEARD["policy"], *HEARD_BY_ALL))
    await administer(
        ground,
        "policy",
        # Otherwise not even the owner takes away what may only be added.
        ("SET LOCAL session_replication_role = replica",),
        (f"TRUNCATE {tables}",),
        ("DELETE FROM inbox WHERE reaction = ANY($1::text[])", REACTIONS),
    )


async def administer(ground: Ground, service: str, *statements: tuple[Any, ...]) -> None:
    """Change a service's schema behind its back: statements with their values, all or none."""
    connection = await asyncpg.connect(plain_url(ground.settings.database_url))
    try:
        async with connection.transaction():
            await connection.execute(f'SET LOCAL search_path = "{service}"')
            for statement, *values in statements:
                await connection.execute(statement, *values)
    finally:
        await connection.close()
