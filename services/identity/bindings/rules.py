"""How long a person may act for a firm, on plain values."""

import hashlib
from collections.abc import Iterable
from enum import StrEnum

from services.kernel.errors import Conflict


class BindingKind(StrEnum):
    """How a person belongs to a firm, the strongest first."""

    LEGAL_REPRESENTATIVE = "legal-representative"
    STAFF = "staff"
    AGENT = "agent"


class BindingState(StrEnum):
    ACTIVE = "active"
    REVOKED = "revoked"


def strongest(kinds: Iterable[str]) -> str:
    """Give the kind that lets a person do most, of those a person has for one firm."""
    given = set(kinds)
    return next(kind for kind in BindingKind if kind in given)


def person_id(issuer: str, subject: str) -> str:
    """Name a person without telling who it is."""
    return "person:" + hashlib.sha256(f"{issuer}|{subject}".encode()).hexdigest()[:32]


def revoke(state: BindingState) -> BindingState:
    """Revoke a binding; one that is revoked stays so, and a new one is made instead."""
    if state is BindingState.ACTIVE:
        return BindingState.REVOKED
    raise Conflict(
        "该授权已撤销，不可再变更；请另行登记。",
        "The binding is revoked and stays so; register a new one.",
        code="event-not-allowed",
    )
