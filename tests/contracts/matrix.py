"""The authorisation matrix as data, and the cells that follow from it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from services.kernel.actors import ALL_ROLES

PUBLIC = "public"
ROLES = (*map(str, ALL_ROLES), PUBLIC)
GROUPS = {"everyone": ROLES, "signed-in": ROLES[:-1]}
FILE = Path(__file__).parent / "matrix.yaml"


class Scope(StrEnum):
    """On which objects a role may do what a route does."""

    ANY = "any"
    OWN = "own"
    DEPARTMENT = "department"
    ANOTHERS = "anothers"
    AWARDED = "awarded"
    PUBLISHED = "published"
    OFFICE = "office"
    CONSENT = "consent"
    NONE = "none"


class Side(StrEnum):
    """Which object a cell is about, as seen by its caller."""

    ANY = "any"
    OWN = "own"
    FOREIGN = "foreign"
    AWARDED = "awarded"
    NOT_AWARDED = "not awarded"
    PUBLISHED = "published"
    NOT_PUBLISHED = "not published"


# Who calls in a role: the bearer of the object, and another one who is not.
OWNERS = {
    "firm": ("firm",),
    "registrar": ("registrar",),
    "reviewer": ("reviewer", "reviewer-town"),
    "treasurer": ("treasurer",),
    "institution": ("institution",),
}
OTHERS = {
    "firm": ("firm-b",),
    "registrar": ("registrar-b",),
    "reviewer": ("reviewer-b", "reviewer-town-b"),
    "institution": ("institution-b",),
}
# Whose department it is; a town's reviewer has none.
DEPARTMENTS = {
    "registrar": (("registrar",), ("registrar-b",)),
    "reviewer": (("reviewer",), ("reviewer-b", "reviewer-town", "reviewer-town-b")),
    "approver": (("approver",), ("approver-b",)),
}
# Of two persons, the first prepared what the second may go on with.
FOUR_EYES = {
    "approver": ("reviewer-approver", "approver"),
    "treasurer": ("treasurer", "treasurer-b"),
}


@dataclass(frozen=True)
class Cell:
    """One caller in one role before one object: let in, or not."""

    role: str
    client: str
    side: Side
    is_allowed: bool

    @property
    def name(self) -> str:
        return f"{self.client}, {self.side}"


@dataclass(frozen=True)
class Entry:
    """A route, with its event where it has one, and the scope of every role."""

    route: str
    event: str | None
    verb: str
    scopes: dict[str, Scope]

    @property
    def name(self) -> str:
        return f"{self.route} {self.event}" if self.event else self.route

    @property
    def method(self) -> str:
        return self.route.partition(" ")[0]

    @property
    def path(self) -> str:
        return self.route.partition(" ")[2]

    @property
    def is_public(self) -> bool:
        return self.scopes[PUBLIC] is not Scope.NONE

    def admitted(self) -> frozenset[str]:
        """Name the roles that may call the route at all; without a consent nobody is let in."""
        shut = (Scope.NONE, Scope.CONSENT)
        return frozenset(role for role, scope in self.scopes.items() if scope not in shut)

    def cells(self) -> Iterator[Cell]:
        """List the callers that the tests must send, and what must come of it."""
        for role, scope in self.scopes.items():
            yield from _cells(self, role, scope)


def _cells(entry: Entry, role: str, scope: Scope) -> Iterator[Cell]:
    def cells(clients: Iterable[str], side: Side, *, is_allowed: bool) -> Iterator[Cell]:
        for client in clients:
            yield Cell(role, client, side, is_allowed)

    match scope:
        case Scope.OWN:
            # Long work has no owner by role: whoever is not its owner is foreign to it.
            owners, others = OWNERS.get(role, (role,)), OTHERS.get(role, (role,))
            yield from cells(owners, Side.OWN, is_allowed=True)
            yield from cells(others, Side.FOREIGN, is_allowed=False)
        case Scope.DEPARTMENT:
            owners, others = DEPARTMENTS[role]
            yield from cells(owners, Side.OWN, is_allowed=True)
            yield from cells(others, Side.FOREIGN, is_allowed=False)
        case Scope.OFFICE:
            yield Cell(role, f"{role}-office", Side.OWN, is_allowed=True)
            yield Cell(role, role, Side.FOREIGN, is_allowed=False)
        case Scope.ANOTHERS:
            first, second = FOUR_EYES[role]
            if entry.verb == "money.approve-budget":
                first = "treasurer-approver"
            yield Cell(role, first, Side.OWN, is_allowed=False)
            yield Cell(role, second, Side.FOREIGN, is_allowed=True)
        case Scope.AWARDED:
            yield Cell(role, role, Side.AWARDED, is_allowed=True)
            yield Cell(role, role, Side.NOT_AWARDED, is_allowed=False)
        case Scope.PUBLISHED:
            yield Cell(role, role, Side.PUBLISHED, is_allowed=True)
            yield Cell(role, role, Side.NOT_PUBLISHED, is_allowed=False)
        case _:
            yield Cell(role, role, Side.ANY, is_allowed=scope is Scope.ANY)


@cache
def rows() -> dict[str, Any]:
    """Read the rows of the table: `cells` are its words, `verbs` what we make of them."""
    return yaml.safe_load(FILE.read_text("utf-8"))["rows"]


@cache
def entries() -> tuple[Entry, ...]:
    """Read every route of the matrix with the scopes of its verb."""
    raw = yaml.safe_load(FILE.read_text("utf-8"))
    return tuple(_entry(raw["rows"], name, verb) for name, verb in raw["routes"].items())


def _entry(rows: dict[str, Any], name: str, verb: str) -> Entry:
    row, _, deed = verb.partition(".")
    scopes = dict.fromkeys(ROLES, Scope.NONE)
    for who, scope in rows[row]["verbs"][deed].items():
        scopes |= dict.fromkeys(GROUPS.get(who, (who,)), Scope(scope))
    method, path, *event = name.split(" ")
    return Entry(f"{method} {path}", event[0] if event else None, verb, scopes)


def differences(running: Iterable[str], named: Iterable[str]) -> list[str]:
    """Compare the routes that run with those that the matrix names."""
    here, there = set(running), set(named)
    return sorted(
        [f"{route} runs and is not in the matrix" for route in here - there]
        + [f"{route} is in the matrix and does not run" for route in there - here]
    )
