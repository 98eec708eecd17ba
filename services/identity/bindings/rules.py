"""How long a person may act for a firm, on plain values."""

import hashlib
from enum import StrEnum

from services.kernel.errors import Conflict


class BindingKind(StrEnum):
    LEGAL_REPRESENTATIVE = "legal-representative"
    STAFF = "staff"
    AGENT = "agent"


class BindingState(StrEnum):
    ACTIVE = "active"
    REVOKED = "revoked"


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
