"""Settings of a gateway process; each number that limits something carries its unit."""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from services.kernel.settings import Profile

MIB = 1024 * 1024
Words = Annotated[tuple[str, ...], NoDecode]
Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode]


class GatewaySettings(BaseSettings):
    """Read from `LIANGXIN_GATEWAY_*`; lists are separated by commas or spaces."""

    model_config = SettingsConfigDict(
        env_prefix="LIANGXIN_GATEWAY_", extra="forbid", frozen=True, populate_by_name=True
    )

    profile: Profile = Field(default=Profile.PRODUCTION, validation_alias="LIANGXIN_PROFILE")
    documents: Path = Field(
        default=Path(__file__).parent, description="Where openapi.json, asyncapi.json lie"
    )
    docs_open: bool | None = Field(
        default=None, description="Swagger UI; open in the demonstration only"
    )
    access_log: bool = True
    metrics_token: SecretStr | None = Field(
        default=None, description="Bearer of /metrics; closed without"
    )
    required_services: Words = ()

    trusted_proxies: Networks = Field(default=(), description="Whose X-Forwarded-For is believed")
    cors_origins: Words = ()

    body_bytes_max: int = Field(default=MIB, ge=1)
    import_body_bytes_max: int = Field(default=32 * MIB, ge=1)
    upload_body_bytes_max: int = Field(
        default=32 * MIB, ge=1, description="Above the services' own limit of a file, which tells"
    )

    seconds_max: float = Field(
        default=8.0, gt=0, description="Client 10 > gateway 8 > service 5 > database 3"
    )
    long_seconds_max: float = Field(default=60.0, gt=0, description="Imports, exports, files")
    straggler_seconds_max: float = Field(
        default=30.0, gt=0, description="Then what overran is cancelled"
    )
    readiness_seconds_max: float = Field(default=2.0, gt=0)
    connect_seconds_max: float = Field(default=2.0, gt=0)
    idle_connection_seconds: float = Field(
        default=4.0, gt=0, description="Below the services' own 5"
    )

    authenticated_per_minute: int = Field(default=12_000, ge=1)
    anonymous_per_minute: int = Field(default=600, ge=1)
    token_per_minute: int = Field(default=120, ge=1)
    rate_keys_max: int = Field(default=50_000, ge=2)
    in_flight_max: int = Field(default=256, ge=1)
    in_flight_per_caller_max: int = Field(default=64, ge=1)
    in_flight_per_service_max: int = Field(default=128, ge=1)
    files_max: int = Field(default=48, ge=1)
    files_per_caller_max: int = Field(default=8, ge=1)
    streams_max: int = Field(default=1024, ge=1)
    streams_per_caller_max: int = Field(default=16, ge=1)

    breaker_failures_max: int = Field(default=5, ge=1)
    breaker_open_seconds: float = Field(default=5.0, gt=0)

    @field_validator("required_services", "trusted_proxies", "cors_origins", mode="before")
    @classmethod
    def split_words(cls, value: Any) -> Any:
        return value.replace(",", " ").split() if isinstance(value, str) else value

    @field_validator("cors_origins")
    @classmethod
    def origins_are_named(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse `*`, `null` and anything but scheme://host[:port]."""
        for origin in value:
            parts = urlsplit(origin)
            named = parts.scheme in ("http", "https") and parts.hostname and "*" not in origin
            if not named or origin != f"{parts.scheme}://{parts.netloc}":
                raise ValueError(f"a CORS origin must be scheme://host[:port], not {origin!r}")
        return value

    @model_validator(mode="after")
    def docs_stay_closed_in_production(self) -> Self:
        if self.profile is Profile.PRODUCTION and self.docs_open:
            raise ValueError("LIANGXIN_GATEWAY_DOCS_OPEN must not be set in the production profile")
        return self

    @property
    def shows_docs(self) -> bool:
        if self.docs_open is None:
            return self.profile is Profile.DEMONSTRATION
        return self.docs_open
