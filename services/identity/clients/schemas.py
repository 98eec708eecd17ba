import unicodedata
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from services.kernel.actors import Role


def _canonical(value: Any) -> Any:
    """Write a code as it is compared: upper case, half width, without blanks."""
    if not isinstance(value, str):
        return value
    return "".join(unicodedata.normalize("NFKC", value).split()).upper()


Uscc = Annotated[str, BeforeValidator(_canonical), Field(pattern=r"^[0-9A-Z]{18}$")]
ClientId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{1,62}$")]
Bearing = Annotated[str | None, Field(max_length=64)]
Scope = Annotated[str, Field(pattern=r"^[a-z]+:(read|write)$")]


class NewClient(BaseModel):
    """A client to register; the secret is made by the platform unless `jwks` is given."""

    model_config = ConfigDict(extra="forbid")

    client_id: ClientId
    name: Annotated[str, Field(min_length=1, max_length=100)]
    roles: Annotated[list[Role], Field(max_length=10)] = []
    scopes: Annotated[list[Scope], Field(max_length=40)]
    department: Bearing = None
    uscc: Uscc | None = None
    town_code: Bearing = None
    bank: Bearing = None
    institution: Bearing = None
    may_exchange: bool = False
    jwks: dict[str, Any] | None = None


class ClientView(BaseModel):
    """A client; `client_secret` is there once, in the answer that made it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    client_id: str
    name: str
    state: str
    roles: list[str]
    scopes: list[str]
    department: str | None
    uscc: str | None
    town_code: str | None
    bank: str | None
    institution: str | None
    may_exchange: bool
    version: int
    created_at: datetime
    client_secret: str | None = None


class ClientList(BaseModel):
    items: list[ClientView]
    next_cursor: str | None


class ClientEvent(BaseModel):
    model_config = ConfigDict(extra="forbid")

    event: Literal["suspend", "resume"]
    version: Annotated[int, Field(strict=True, ge=1)]
    note: Annotated[str, Field(max_length=500)] = ""
    data: Annotated[dict[str, Any], Field(max_length=0)] = {}


class SecretView(BaseModel):
    """A new secret, shown this once."""

    client_id: str
    client_secret: str
