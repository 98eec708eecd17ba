"""The program that typesets one document: a template and its data in, a PDF/A out.

It runs apart from the service, so that it can be ended, and so that nothing it needs is loaded
where no document is issued. What it says on standard error is a code for whoever started it.
"""

import json
import resource
import sys
from pathlib import Path
from typing import Any

TEMPLATES = Path(__file__).parent.parent / "templates"
PDF_STANDARD = "a-2u"
CPU_S_MAX = 30
MEMORY_BYTES_MAX = 4 * 1024**3
DISPLAY_FAULT = "could not be displayed with font"


class CannotTypeset(Exception):
    """Says by a code why there is no document."""


def typeset(template: str, data: str, *, fonts: str | None, families: list[str], at: int) -> bytes:
    """Make the document, with these fonts and no others of the machine."""
    # Only this process needs them, and a city that issues no documents may leave them out.
    try:
        import typst  # noqa: PLC0415
    except ImportError:
        raise CannotTypeset("typesetter-missing") from None
    known = typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=False,
        font_paths=[fonts] if fonts else [],
    )
    if set(families) - set(known.families()):
        raise CannotTypeset("font-missing")
    try:
        made, warnings = typst.compile_with_warnings(
            TEMPLATES / template, root=TEMPLATES, font_paths=known, format="pdf",
            ignore_system_fonts=True, sys_inputs={"data": data}, pdf_standards=PDF_STANDARD,
            timestamp=at,
        )  # fmt: skip
    except typst.TypstError as error:
        fault = "glyph-missing" if DISPLAY_FAULT in error.message else "template-failed"
        raise CannotTypeset(fault) from error
    if warnings:
        raise CannotTypeset("template-failed")
    return made


def main() -> int:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S_MAX, CPU_S_MAX))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    asked: dict[str, Any] = json.load(sys.stdin.buffer)
    try:
        made = typeset(asked.pop("template"), asked.pop("data"), **asked)
    except CannotTypeset as fault:
        sys.stderr.write(str(fault))
        return 1
    sys.stdout.buffer.write(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
