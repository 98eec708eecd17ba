"""How a service's own password follows from the administrator's URL.

Derived, so that whoever may administer the database can start any service, and a service that is
given only its own URL can reach nothing else.
"""

import hashlib
import hmac
from urllib.parse import parse_qsl, urlsplit, urlunsplit


def app_password(admin_url: str, role: str) -> str:
    """Derive the password of an app role from the administrator's password."""
    secret = urlsplit(admin_url).password or "embedded-trust"
    return hmac.new(secret.encode(), role.encode(), hashlib.sha256).hexdigest()[:40]


def driver_url(url: str) -> str:
    """Name the asyncpg driver in a plain postgresql:// URL."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres", "postgresql+asyncpg"):
        raise ValueError("a database URL begins with postgresql://")
    return urlunsplit(parts._replace(scheme="postgresql+asyncpg"))


def plain_url(url: str) -> str:
    """Give the URL as asyncpg itself takes it."""
    return urlunsplit(urlsplit(url)._replace(scheme="postgresql"))


def with_database(url: str, name: str) -> str:
    """Point a URL at another database of the same server."""
    parts = urlsplit(url)
    text = urlunsplit(parts._replace(path=f"/{name}"))
    # urlunsplit drops an empty netloc's slashes, which sockets' URLs have.
    return text if parts.netloc else text.replace(f"{parts.scheme}:/", f"{parts.scheme}:///", 1)


def database_name(url: str) -> str:
    return urlsplit(url).path.lstrip("/") or dict(parse_qsl(urlsplit(url).query)).get(
        "dbname", "postgres"
    )
