"""Pages for people, and feeds: plain HTML of text and tables, without script, all escaped."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Annotated, Any
from xml.etree.ElementTree import Element, SubElement, tostring

from fastapi import Header, Response

from services.kernel.errors import Refusal

PAGE = "text/html"
Accept = Annotated[str, Header(description="A page for people where HTML is asked for, else JSON")]
PAGES: dict[int | str, dict[str, Any]] = {
    200: {"content": {PAGE: {"schema": {"type": "string"}}}, "description": "JSON, or a page"}
}
# The gateway serves the style sheet; nothing else is loaded, framed or sent anywhere.
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)


def wants_page(accept: str) -> bool:
    """Tell a person's browser from a program, which asks for JSON or for anything."""
    return PAGE in accept


def page(title: str, *parts: str) -> Response:
    """Answer a page; its parts are written by the functions below."""
    head = escape(title)
    body = (
        '<!doctype html>\n<html lang="zh-CN">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{head}</title>\n"
        '<link rel="icon" href="/favicon.ico">\n<link rel="stylesheet" href="/static/page.css">\n'
        f'</head>\n<body>\n<main class="page">\n<h1>{head}</h1>\n{"".join(parts)}</main>\n'
        "</body>\n</html>\n"
    )
    headers = {"Content-Security-Policy": POLICY, "Vary": "Accept"}
    return Response(body, headers=headers, media_type=PAGE)


def problem(refusal: Refusal, *, english: bool) -> Response:
    """Answer a person's browser what a program is told as problem+json, under the same status."""
    title, said = (refusal.title_en, refusal.en) if english else (refusal.title_zh, refusal.zh)
    answer = page(title, paragraph(said))
    answer.status_code = refusal.status
    answer.headers["Vary"] = "Accept, Accept-Language"
    return answer


def paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>\n"


def links(entries: Iterable[tuple[str, str, str]]) -> str:
    """List links: each its address, its words, and what is said after it."""
    items = (
        f'<li><a href="{escape(address)}">{escape(words)}</a>{escape(said)}</li>\n'
        for address, words, said in entries
    )
    return f"<ul>\n{''.join(items)}</ul>\n"


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write a table; what is None is left blank."""
    head = "".join(f"<th>{escape(each)}</th>" for each in heads)
    lines = "".join(f"<tr>{''.join(map(_cell, row))}</tr>\n" for row in rows)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{lines}</tbody>\n</table>\n"


def rss(head: Mapping[str, str], entries: Iterable[Mapping[str, str]]) -> bytes:
    """Write RSS 2.0: what is said of the channel, and its entries, whose guids are no addresses."""
    root = Element("rss", version="2.0")
    channel = SubElement(root, "channel")
    for name, text in head.items():
        SubElement(channel, name).text = text
    for each in entries:
        item = SubElement(channel, "item")
        for name, text in each.items():
            kept = {"isPermaLink": "false"} if name == "guid" else {}
            SubElement(item, name, kept).text = text
    return tostring(root, encoding="utf-8", xml_declaration=True)


def _cell(value: object) -> str:
    return f"<td>{'' if value is None else escape(str(value))}</td>"
