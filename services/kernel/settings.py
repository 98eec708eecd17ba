"""Settings of a process, read from the environment; secrets come from nowhere else."""

import shlex
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from services.kernel.blobs import MIB, require_storage
from services.kernel.database_urls import app_password


class Profile(StrEnum):
    DEMONSTRATION = "demonstration"
    PRODUCTION = "production"


class Settings(BaseSettings):
    """One object for the whole process; `{SERVICE}_DATABASE_URL` is looked up by `service_url`."""

    # By alias only: a stray PROFILE or DATA of the shell is not ours. And what is refused is not
    # repeated: most of it is secret.
    model_config = SettingsConfigDict(env_prefix="", extra="ignore", hide_input_in_errors=True)

    database_url: str = Field(
        "", description="Administrator's URL: migrations and derived app URLs", repr=False
    )
    nats_url: str = Field("", repr=False)
    nats_replicas: int = Field(
        1,
        alias="LIANGXIN_NATS_REPLICAS",
        ge=1,
        le=5,
        description="Copies of each stream: 3 for money",
    )
    data: Path = Field(Path(".data"), alias="LIANGXIN_DATA")
    profile: Profile = Field(Profile.PRODUCTION, alias="LIANGXIN_PROFILE")
    issuer: str = Field("https://liangxin.local", alias="LIANGXIN_ISSUER")
    audit_key: str = Field("", alias="LIANGXIN_AUDIT_KEY", repr=False)
    secret_key: str = Field("", alias="LIANGXIN_SECRET_KEY", repr=False)
    calendar_dir: Path | None = Field(None, alias="LIANGXIN_CALENDAR_DIR")
    office_file: Path | None = Field(
        None,
        alias="LIANGXIN_OFFICE_FILE",
        description="The city's own offices, remedies and archives in place of the packaged ones",
    )
    recognition_reminder_days: int = Field(
        60,
        alias="LIANGXIN_RECOGNITION_REMINDER_DAYS",
        ge=1,
        le=366,
        description="How many days before its end a title is announced as about to end",
    )
    pool_size: int = Field(6, alias="LIANGXIN_POOL_SIZE")
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = Field(
        (),
        alias="LIANGXIN_TRUSTED_PROXIES",
        description="Where the gateway calls from, if not from here; others forward nothing",
    )
    log_level: str = Field("INFO", alias="LIANGXIN_LOG_LEVEL")
    service_urls: dict[str, str] = Field(
        default_factory=dict[str, str], alias="LIANGXIN_SERVICE_DATABASE_URLS", repr=False
    )
    blobs_url: str = Field(
        "",
        alias="LIANGXIN_BLOBS_URL",
        repr=False,
        description="s3://bucket/prefix?endpoint=…&region=…; unset, files lie in the data folder",
    )
    file_bytes_max: int = Field(20 * MIB, alias="LIANGXIN_FILE_BYTES_MAX", ge=1)
    clamd: str = Field(
        "", alias="LIANGXIN_CLAMD", description="host:port, or the path of a socket, of a scanner"
    )
    ofd_converter: str = Field(
        "",
        alias="LIANGXIN_OFD_CONVERTER",
        description="A command that writes {ofd} from {pdf}; unset, documents are PDF only",
    )
    crash_at: str = Field("", alias="LIANGXIN_CRASH_AT", description="For fault runs: see crash.py")

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def split_words(cls, value: Any) -> Any:
        return value.replace(",", " ").split() if isinstance(value, str) else value

    @field_validator("blobs_url")
    @classmethod
    def storage_is_known(cls, value: str) -> str:
        return require_storage(value) if value else value

    @field_validator("clamd")
    @classmethod
    def scanner_has_a_place(cls, value: str) -> str:
        is_port = value.rpartition(":")[2].isdigit() and value.rpartition(":")[0] != ""
        if value and not value.startswith("/") and not is_port:
            raise ValueError("must be host:port, or the path of a socket")
        return value

    @field_validator("ofd_converter")
    @classmethod
    def converter_names_its_files(cls, value: str) -> str:
        if value and not ("{pdf}" in value and "{ofd}" in value):
            raise ValueError("must name the file to read as {pdf} and the file to write as {ofd}")
        try:
            shlex.split(value)
        except ValueError as error:
            raise ValueError("must be a command as a shell reads it") from error
        return value

    @model_validator(mode="after")
    def secrets_are_real_in_production(self) -> Self:
        if self.profile is Profile.PRODUCTION:
            if self.crash_at:
                raise ValueError("LIANGXIN_CRASH_AT is refused in the production profile")
            for name, value in (
                ("LIANGXIN_AUDIT_KEY", self.audit_key),
                ("LIANGXIN_SECRET_KEY", self.secret_key),
            ):
                if len(value) < SECRET_CHARS_MIN or len(set(value)) < SECRET_DISTINCT_MIN:
                    raise ValueError(
                        f"{name} must be a random secret of at least {SECRET_CHARS_MIN} characters"
                        " in the production profile"
                    )
        return self

    def service_url(self, service: str) -> str:
        """Give the URL by which a service reaches its own schema, as its app role."""
        if service in self.service_urls:
            return self.service_urls[service]
        parts = urlsplit(self.database_url)
        role = f"{service}_app"
        password = app_password(self.database_url, role)
        host = parts.netloc.rsplit("@", 1)[-1] if "@" in parts.netloc else parts.netloc
        return urlunsplit(parts._replace(netloc=f"{role}:{quote(password)}@{host}"))


SECRET_CHARS_MIN = 32
SECRET_DISTINCT_MIN = 8
