"""The gateway's own documents and pages, read once at start; no page asks anything from outside."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import orjson

from gateway.exchange import Exchange
from gateway.headers import Pairs
from gateway.settings import GatewaySettings

STATIC = Path(__file__).parent / "static"
DOCUMENTS = ("openapi.json", "asyncapi.json")
CONTENT_TYPES = {
    ".css": b"text/css; charset=utf-8",
    ".html": b"text/html; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".json": b"application/json",
    ".png": b"image/png",
    ".txt": b"text/plain; charset=utf-8",
}
# Swagger UI draws its icons from data: URLs; styles set through the DOM need no 'unsafe-inline'.
PAGE_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    b" connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none';"
    b" frame-ancestors 'none'"
)
CHECK_EACH_TIME = b"no-cache"
KEEP_A_DAY = b"public, max-age=86400"


@dataclass(frozen=True, slots=True)
class Page:
    body: bytes
    content_type: bytes
    cache_control: bytes
    etag: bytes
    varies: bytes | None = None


class Pages:
    """Finds the page for a path and answers it, or that it has not changed."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._pages: dict[str, Page] = {}
        self._pages_en: dict[str, Page] = {}
        for name in DOCUMENTS:
            path = settings.documents / name
            if path.is_file():
                self._pages[f"/{name}"] = _page(path, CHECK_EACH_TIME)
        self._pages["/favicon.ico"] = _page(STATIC / "favicon-32x32.png", KEEP_A_DAY)
        self._pages["/static/page.css"] = _page(STATIC / "page.css", KEEP_A_DAY)
        self._add_translated("/", "welcome")
        self._welcome = _welcome_json(settings)
        if settings.shows_docs:
            self._add_docs()

    def find(self, path: str, exchange: Exchange) -> Page | None:
        """Give the page of a path in the caller's language and form."""
        if path == "/docs/":
            path = "/docs"
        if path == "/" and b"text/html" not in exchange.read.get(b"accept", b""):
            return self._welcome
        if path in self._pages_en and exchange.prefers_english:
            return self._pages_en[path]
        return self._pages.get(path)

    def _add_docs(self) -> None:
        self._add_translated("/docs", "docs")
        for path in sorted(STATIC.iterdir()):
            if path.suffix in CONTENT_TYPES and path.suffix != ".html":
                self._pages[f"/static/{path.name}"] = _page(path, KEEP_A_DAY)

    def _add_translated(self, path: str, name: str) -> None:
        varies = b"accept, accept-language"
        self._pages[path] = _page(STATIC / f"{name}.zh.html", CHECK_EACH_TIME, varies)
        self._pages_en[path] = _page(STATIC / f"{name}.en.html", CHECK_EACH_TIME, varies)


async def answer_page(exchange: Exchange, page: Page) -> None:
    """Answer a page, or 304 where the caller has it."""
    headers: Pairs = [
        (b"content-type", page.content_type),
        (b"cache-control", page.cache_control),
        (b"etag", page.etag),
    ]
    if page.varies is not None:
        headers.append((b"vary", page.varies))
    if page.content_type == CONTENT_TYPES[".html"]:
        headers.append((b"content-security-policy", PAGE_POLICY))
    if _is_known(exchange.read.get(b"if-none-match"), page.etag):
        await exchange.answer_empty(304, headers)
        return
    await exchange.answer(200, headers, page.body)


def _is_known(if_none_match: bytes | None, etag: bytes) -> bool:
    if if_none_match is None:
        return False
    given = {tag.strip().removeprefix(b"W/") for tag in if_none_match.split(b",")}
    return etag in given or b"*" in given


def _page(path: Path, cache_control: bytes, varies: bytes | None = None) -> Page:
    return _made(path.read_bytes(), CONTENT_TYPES[path.suffix], cache_control, varies)


def _made(body: bytes, content_type: bytes, cache_control: bytes, varies: bytes | None) -> Page:
    etag = b'"' + sha256(body).hexdigest()[:32].encode() + b'"'
    return Page(body, content_type, cache_control, etag, varies)


def _welcome_json(settings: GatewaySettings) -> Page:
    body = {
        "name": "Liangxin 两新",
        "openapi": "/openapi.json",
        "asyncapi": "/asyncapi.json",
        "docs": "/docs" if settings.shows_docs else None,
        "health": {"live": "/livez", "ready": "/readyz"},
    }
    content = orjson.dumps(body)
    return _made(content, CONTENT_TYPES[".json"], CHECK_EACH_TIME, b"accept, accept-language")
