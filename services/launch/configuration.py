"""Where a process finds its servers and secrets: outside by URL, embedded otherwise."""

import os
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from pydantic import ValidationError

from services.kernel.settings import Profile, Settings
from services.launch.embedded import embedded_servers
from services.launch.secrets import ensure_secret

DEFAULT_PORT = 8000
DRAIN_S = 5
CREDENTIALS_FILE = "demo-credentials.json"
POSTGRESQL = ("postgresql", "postgres", "postgresql+asyncpg")
NATS = ("nats", "tls")
HTTP = ("http", "https")
SERVICE_NAMES = ("identity", "enterprise", "policy", "finance")


def data_folder() -> Path:
    return Path(os.environ.get("LIANGXIN_DATA", ".data")).resolve()


def port() -> int:
    return int(os.environ.get("PORT", str(DEFAULT_PORT)))


def drain_seconds(*, is_alone: bool = False) -> float:
    """How long to say not-ready before connections end, so that balancers look elsewhere.

    A process of its own may have no server's URL, as the gateway, and is not embedded for that.
    """
    waits = is_alone or not is_embedded()
    return float(os.environ.get("LIANGXIN_DRAIN_S", DRAIN_S if waits else 0))


def is_embedded() -> bool:
    return not os.environ.get("DATABASE_URL") and not os.environ.get("NATS_URL")


@asynccontextmanager
async def configured() -> AsyncGenerator[Settings]:
    """Give the settings of this process, with embedded servers running where none are named."""
    if not is_embedded():
        yield outside_settings()
        return
    async with embedded_servers(data_folder()) as servers:
        yield embedded_settings(servers.database_url, servers.nats_url, data_folder())


def outside_settings() -> Settings:
    """Read settings for outside servers: production unless the environment says demonstration."""
    names = ("DATABASE_URL", "NATS_URL")
    missing = [name for name in names if not os.environ.get(name)]
    own_urls = _own_urls()
    if own_urls and missing == ["DATABASE_URL"]:
        missing = []
    if missing:
        raise SystemExit(
            f"{' and '.join(missing)} must be set as well: outside servers come in pairs"
        )
    _require_scheme("NATS_URL", NATS)
    for name in ("DATABASE_URL", *(f"{service.upper()}_DATABASE_URL" for service in SERVICE_NAMES)):
        _require_scheme(name, POSTGRESQL)
    with told_plainly():
        return Settings(LIANGXIN_SERVICE_DATABASE_URLS=own_urls)  # pyright: ignore[reportCallIssue]


def service_settings(service: str) -> Settings:
    """Read settings for a process of one service, which needs its own database and no other."""
    if is_embedded() and not _own_urls():
        raise SystemExit(
            "a single service runs on outside servers:"
            f" set DATABASE_URL (or {service.upper()}_DATABASE_URL) and NATS_URL"
        )
    settings = outside_settings()
    if not settings.database_url and service not in settings.service_urls:
        raise SystemExit(f"{service.upper()}_DATABASE_URL or DATABASE_URL must be set")
    return settings


@contextmanager
def told_plainly() -> Generator[None]:
    """End the process with what is wrong in its environment, and without what was set."""
    try:
        yield
    except ValidationError as error:
        faults = [(".".join(str(part) for part in e["loc"]), e["msg"]) for e in error.errors()]
        raise SystemExit(
            "\n".join(f"{name}: {words}" if name else words for name, words in faults)
        ) from None


def embedded_settings(database_url: str, nats_url: str, data: Path) -> Settings:
    """Give settings on embedded servers, which serve the demonstration only."""
    keys = data / "keys"
    given = os.environ.get("LIANGXIN_PROFILE", Profile.DEMONSTRATION)
    if given != Profile.DEMONSTRATION:
        raise SystemExit(
            "embedded servers serve the demonstration only;"
            " set DATABASE_URL and NATS_URL for production"
        )
    return Settings.model_validate(
        {
            "database_url": database_url,
            "nats_url": nats_url,
            "LIANGXIN_DATA": data,
            "LIANGXIN_PROFILE": Profile.DEMONSTRATION,
            "LIANGXIN_AUDIT_KEY": ensure_secret(keys, "audit"),
            "LIANGXIN_SECRET_KEY": ensure_secret(keys, "platform"),
            "LIANGXIN_ISSUER": os.environ.get("LIANGXIN_ISSUER", f"http://127.0.0.1:{port()}"),
        }
    )


def _own_urls() -> dict[str, str]:
    suffix = "_DATABASE_URL"
    return {
        name.removesuffix(suffix).lower(): url
        for name, url in os.environ.items()
        if name.endswith(suffix) and name != "DATABASE_URL" and not name.startswith("LIANGXIN")
    }


def gateway_backends() -> dict[str, str]:
    """Read where the services of a split platform are: `{SERVICE}_URL`."""
    variables = {name: f"{name.upper()}_URL" for name in SERVICE_NAMES}
    known = {name: url for name in SERVICE_NAMES if (url := os.environ.get(variables[name]))}
    if not known:
        raise SystemExit(f"name the platform's services: {', '.join(variables.values())}")
    for name in known:
        _require_scheme(variables[name], HTTP)
    return known


def _require_scheme(variable: str, schemes: tuple[str, ...]) -> None:
    """Refuse an address of another kind now, rather than at the first call."""
    url = os.environ.get(variable)
    if url and not url.startswith(tuple(f"{scheme}://" for scheme in schemes)):
        raise SystemExit(f"{variable} must begin with {schemes[0]}://")
