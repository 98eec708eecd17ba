"""What a file's shape would accept, in the language's own words: never in those of a library."""

from collections.abc import Mapping
from typing import Any, Final, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from services.rulebook.errors import Issue, nearest, pointer_to

# Words of our own that a check gives along with its finding.
OWN_CODES: Final = ("constant-condition", "missing-key", "bad-value")
# What each kind of finding would accept; numbers and choices are put in.
_WANTED: Final[Mapping[str, str]] = {
    "missing": "a value",
    "string_type": "a text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "date_type": "a date YYYY-MM-DD",
    "date_from_datetime_parsing": "a date YYYY-MM-DD",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "names with values",
    "mapping_type": "names with values",
    "model_type": "names with values",
    "model_attributes_type": "names with values",
    "none_required": "null",
    "string_too_short": "at least {min_length} characters",
    "string_too_long": "at most {max_length} characters",
    "too_short": "at least {min_length} entries",
    "too_long": "at most {max_length} entries",
    "greater_than_equal": "at least {ge}",
    "greater_than": "more than {gt}",
    "less_than_equal": "at most {le}",
    "less_than": "less than {lt}",
    "literal_error": "one of {expected}",
    "enum": "one of {expected}",
}
# Spellings by what they may begin with and consist of.
_SPELLINGS: Final = (
    ("^[a-z0-9][a-z0-9-]{0,79}$", "small letters, digits and hyphens"),
    ("^[a-z][a-z0-9_]{0,62}$", "small letters, digits and underscores, a letter first"),
)
_OTHER: Final = "another value"


def wanted(detail: ErrorDetails) -> str:
    """Say what would be accepted where something else stands."""
    kind, context = detail["type"], detail.get("ctx") or {}
    if kind in OWN_CODES:
        return str(detail["msg"])
    if kind == "string_pattern_mismatch":
        spelling = dict(_SPELLINGS).get(context["pattern"])
        return spelling or "a spelling that the field allows"
    if "expected" in context:
        expected = str(context["expected"]).replace(" or ", ", ").replace("'", "")
        context = {**context, "expected": expected}
    return _WANTED.get(kind, _OTHER).format_map(context)


def issue_of(detail: ErrorDetails, where: str, root: type[BaseModel]) -> Issue:
    """Turn a finding into an issue; a key that is not known is told with those that are."""
    kind, location = detail["type"], detail["loc"]
    pointer = pointer_to(*location)
    if kind == "extra_forbidden":
        key, known = str(location[-1]), keys_at(root, location[:-1])
        allowed = f"{nearest(key, known)} Allowed: {' '.join(known)}"
        return Issue("unknown-key", pointer, key, allowed, where=where)
    code = {"missing": "missing-key", "too_long": "too-large"}.get(kind, "bad-value")
    code = kind if kind in OWN_CODES else code
    return Issue(code, pointer, allowed=wanted(detail), where=where)


def keys_at(root: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """List the keys of the part of a file that a location leads to."""
    part = root
    for step in location:
        if field := _fields(part).get(str(step)):
            part = _part_within(field.annotation) or part
    return list(_fields(part))


def _fields(part: type[BaseModel]) -> dict[str, FieldInfo]:
    """Give the fields of a part as they are written."""
    return {field.alias or name: field for name, field in part.model_fields.items()}


def _part_within(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_part_within(argument) for argument in get_args(annotation))
    return next((part for part in found if part is not None), None)
