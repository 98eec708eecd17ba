"""Where a process finds its servers and secrets: outside by URL, embedded otherwise."""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from services.kernel.settings import Profile, Settings
from services.launch.embedded import embedded_servers
from services.launch.secrets import ensure_secret

DEFAULT_PORT = 8000
SERVICE_NAMES = ("identity", "enterprise", "policy", "finance")


def data_folder() -> Path:
    return Path(os.environ.get("LIANGXIN_DATA", ".data")).resolve()


def port() -> int:
    return int(os.environ.get("PORT", str(DEFAULT_PORT)))


def drain_seconds() -> float:
    """How long to say not-ready before connections end, so that balancers look elsewhere."""
    return float(os.environ.get("LIANGXIN_DRAIN_S", "0" if is_embedded() else "5"))


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
    return Settings(LIANGXIN_SERVICE_DATABASE_URLS=own_urls)  # pyright: ignore[reportCallIssue]


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
    suffix = "_URL"
    urls = {
        name.removesuffix(suffix).lower(): url
        for name, url in os.environ.items()
        if name.endswith(suffix)
        and not name.endswith(("DATABASE_URL", "NATS_URL"))
        and name.removesuffix(suffix).isalpha()
        and url.startswith("http")
    }
    known = {name: url for name, url in urls.items() if name in SERVICE_NAMES}
    if not known:
        raise SystemExit(
            "name the platform's services: IDENTITY_URL, ENTERPRISE_URL, POLICY_URL, FINANCE_URL"
        )
    return known
