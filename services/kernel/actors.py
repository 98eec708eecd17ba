"""Who acts: what a verified token says of its bearer, and what routes require of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.openapi.models import HTTPBearer as HTTPBearerModel
from fastapi.security.base import SecurityBase

from services.kernel.errors import Forbidden, Unauthenticated


class Role(StrEnum):
    FIRM = "firm"
    REGISTRAR = "registrar"
    REVIEWER = "reviewer"
    APPROVER = "approver"
    TREASURER = "treasurer"
    AUDITOR = "auditor"
    BANK = "bank"
    INSTITUTION = "institution"
    STEWARD = "steward"
    ADMIN = "admin"


ALL_ROLES = tuple(Role)
ROLE_NAMES: dict[str, tuple[str, str]] = {
    Role.FIRM: ("企业", "firm"),
    Role.REGISTRAR: ("登记员", "registrar"),
    Role.REVIEWER: ("审核员", "reviewer"),
    Role.APPROVER: ("审批人", "approver"),
    Role.TREASURER: ("资金员", "treasurer"),
    Role.AUDITOR: ("审计员", "auditor"),
    Role.BANK: ("银行", "bank"),
    Role.INSTITUTION: ("服务机构", "institution"),
    Role.STEWARD: ("数据专员", "data steward"),
    Role.ADMIN: ("管理员", "administrator"),
}


@dataclass(frozen=True)
class Actor:
    """The bearer of a request. `subject` is the person, or the client where no person acts."""

    subject: str
    client_id: str
    roles: frozenset[str]
    scopes: frozenset[str] = frozenset()
    department: str | None = None
    uscc: str | None = None
    town_code: str | None = None
    bank: str | None = None
    institution: str | None = None
    # How a person is bound to the firm acted for; None where the client itself acts.
    binding: str | None = None
    jti: str = ""
    expires_at: float = 0.0
    issued_at: float = 0.0
    claims: dict[str, Any] = field(default_factory=dict[str, Any], compare=False, repr=False)

    def has(self, *roles: str) -> bool:
        return bool(self.roles.intersection(roles))

    @property
    def is_public(self) -> bool:
        return "public" in self.roles

    def to_json(self) -> dict[str, Any]:
        """Write what long work needs to go on acting for the same bearer."""
        return {
            "subject": self.subject,
            "client_id": self.client_id,
            "roles": sorted(self.roles),
            "scopes": sorted(self.scopes),
            "department": self.department,
            "uscc": self.uscc,
            "town_code": self.town_code,
            "bank": self.bank,
            "institution": self.institution,
            "binding": self.binding,
        }

    @staticmethod
    def from_json(data: dict[str, Any]) -> "Actor":
        fields: dict[str, Any] = {
            **data,
            "roles": frozenset(data["roles"]),
            "scopes": frozenset(data["scopes"]),
        }
        return Actor(**fields)


PUBLIC = Actor("public", "public", frozenset({"public"}))
SYSTEM = Actor("system", "system", frozenset({"system"}))


class Guard(SecurityBase):
    """Who may call a route. Deny by default: a route without a guard does not start."""

    def __init__(self, *roles: Role, public: bool = False, reads: bool | None = None) -> None:
        self.roles = frozenset(roles)
        self.public = public
        self.reads = reads
        self.model = HTTPBearerModel(bearerFormat="JWT")  # pyright: ignore[reportCallIssue]
        self.scheme_name = "bearer"

    def admit(self, actor: Actor, *, service: str, method: str) -> None:
        """Let the actor in, or refuse."""
        if self.public and actor.is_public:
            return
        if actor.is_public:
            raise Unauthenticated(
                "此接口需要访问令牌：请先向/oauth2/token申请。",
                "This interface needs an access token; obtain one from /oauth2/token.",
            )
        if not self.roles & actor.roles and not self.public:
            raise Forbidden(
                f"此操作限以下角色：{'、'.join(ROLE_NAMES[r][0] for r in sorted(self.roles))}。",
                f"This is for: {', '.join(ROLE_NAMES[r][1] for r in sorted(self.roles))}.",
                code="role-required",
            )
        reads = self.reads if self.reads is not None else method in ("GET", "HEAD")
        scope = f"{service}:{'read' if reads else 'write'}"
        if scope not in actor.scopes and not self.public:
            raise Forbidden(
                f"令牌缺少权限范围{scope}。",
                f"The token lacks the scope {scope}.",
                code="scope-required",
            )

    async def __call__(self, request: Request) -> Actor:
        return request.state.actor


def guards_of(dependant: Dependant) -> Iterator[Guard]:
    """Find the guards among a route's dependencies."""
    if isinstance(dependant.call, Guard):
        yield dependant.call
    for child in dependant.dependencies:
        yield from guards_of(child)


Anyone = Annotated[Actor, Depends(Guard(public=True, reads=True))]
