"""Makes one OpenAPI document of the services' own: a pure function, its result is committed."""

import copy
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from gateway.paths import service_of

Json = dict[str, Any]
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_REFERENCE = "#/components/"


class DocumentClash(ValueError):
    """Two services claim the same thing."""


def merge_openapi(documents: Mapping[str, Json], base: Json) -> Json:
    """Merge each service's OpenAPI 3.1 document into one.

    Only paths that the gateway routes to the service that states them are kept. A component name
    that two services give to different things is prefixed by the service for each of them. Paths,
    methods, components and tags come sorted, so that the same input gives the same bytes.
    """
    renamed = _clashing_components(documents)
    merged = copy.deepcopy(base)
    merged["openapi"] = "3.1.0"
    paths: Json = merged.setdefault("paths", {})
    components: Json = merged.setdefault("components", {})
    tags: dict[str, Json] = {tag["name"]: tag for tag in merged.get("tags", [])}
    for service in sorted(documents):
        document = _Renamer(service, renamed).rewrite(documents[service])
        _add_paths(paths, service, document, tags)
        _add_components(components, document)
    _number_operations(paths)
    merged["paths"] = {path: _sorted_methods(paths[path]) for path in sorted(paths)}
    merged["components"] = {
        section: dict(sorted(components[section].items())) for section in sorted(components)
    }
    merged["tags"] = [tags[name] for name in sorted(tags)]
    order = ("openapi", "info", "servers", "security", "tags", "paths", "components")
    return {key: merged[key] for key in order if key in merged}


def render(document: Json) -> bytes:
    """Write a document as it is committed: two spaces, Chinese as it is, a line end last."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _clashing_components(documents: Mapping[str, Json]) -> frozenset[tuple[str, str]]:
    """Find names that mean different things, also because something they refer to does."""
    held: dict[tuple[str, str], list[Any]] = {}
    for service in sorted(documents):
        for section, entries in documents[service].get("components", {}).items():
            for name, value in entries.items():
                held.setdefault((section, name), []).append(value)
    shared = {key: values for key, values in held.items() if len(values) > 1}
    clashing = {key for key, values in shared.items() if any(v != values[0] for v in values)}
    references = {key: set(_references(values[0])) for key, values in shared.items()}
    while True:
        more = {key for key in shared if key not in clashing and references[key] & clashing}
        if not more:
            return frozenset(clashing)
        clashing |= more


def _references(value: Any) -> Iterator[tuple[str, str]]:
    for node in _nodes(value):
        for text in node.values():
            if isinstance(text, str) and text.startswith(_REFERENCE):
                section, _, name = text.removeprefix(_REFERENCE).partition("/")
                yield section, name.partition("/")[0]


def _nodes(value: Any) -> Iterator[Json]:
    if isinstance(value, dict):
        yield value
        for child in value.values():
            yield from _nodes(child)
    elif isinstance(value, list):
        for child in value:
            yield from _nodes(child)


class _Renamer:
    """Rewrites one service's document under the new names of its clashing components."""

    def __init__(self, service: str, clashing: frozenset[tuple[str, str]]) -> None:
        self._prefix = "".join(word.capitalize() for word in service.split("-"))
        self._clashing = clashing

    def rewrite(self, document: Json) -> Json:
        rewritten: Json = self._value(document)
        rewritten["components"] = {
            section: {self._name(section, name): value for name, value in entries.items()}
            for section, entries in rewritten.get("components", {}).items()
        }
        for requirements in _security_lists(rewritten):
            requirements[:] = [
                {self._name("securitySchemes", name): scopes for name, scopes in each.items()}
                for each in requirements
            ]
        return rewritten

    def _name(self, section: str, name: str) -> str:
        is_clashing = (section, name) in self._clashing
        return self._prefix + name[:1].upper() + name[1:] if is_clashing else name

    def _value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._value(child) for key, child in value.items()}
        if isinstance(value, list):
            return [self._value(child) for child in value]
        if isinstance(value, str) and value.startswith(_REFERENCE):
            section, _, rest = value.removeprefix(_REFERENCE).partition("/")
            name, slash, tail = rest.partition("/")
            return f"{_REFERENCE}{section}/{self._name(section, name)}{slash}{tail}"
        return value


def _security_lists(document: Json) -> Iterator[list[Json]]:
    if "security" in document:
        yield document["security"]
    for item in document.get("paths", {}).values():
        for operation in _operations(item):
            if "security" in operation:
                yield operation["security"]


def _add_paths(paths: Json, service: str, document: Json, tags: dict[str, Json]) -> None:
    described = {tag["name"]: tag.get("description") for tag in document.get("tags", [])}
    for path, item in document.get("paths", {}).items():
        if service_of(path) != service:
            continue
        for operation in _operations(item):
            _finish_operation(operation, service, document, described, tags)
        present: Json = paths.setdefault(path, {})
        twice = sorted(set(present) & set(item))
        if twice:
            raise DocumentClash(f"{path} is stated twice: {', '.join(twice)}")
        present.update(item)


def _finish_operation(
    operation: Json,
    service: str,
    document: Json,
    described: Mapping[str, str | None],
    tags: dict[str, Json],
) -> None:
    """Carry the document's own security and tags into an operation that leaves its document."""
    if "security" in document:
        operation.setdefault("security", document["security"])
    named = operation.get("tags") or [service]
    operation["tags"] = sorted({_ascii_tag(service, tag) for tag in named})
    for tag in named:
        entry = tags.setdefault(_ascii_tag(service, tag), {"name": _ascii_tag(service, tag)})
        if described.get(tag):
            entry.setdefault("description", described[tag])


def _ascii_tag(service: str, tag: str) -> str:
    """Name a tag so that client generators can make a folder of it: `policy-cases`."""
    slug = re.sub(r"[^a-z0-9]+", "-", tag.lower()).strip("-") if tag.isascii() else ""
    if not slug or slug == service:
        return service
    return slug if slug.startswith(f"{service}-") else f"{service}-{slug}"


def _add_components(components: Json, document: Json) -> None:
    for section, entries in document["components"].items():
        known: Json = components.setdefault(section, {})
        for name, value in entries.items():
            if known.setdefault(name, value) != value:
                raise DocumentClash(f"the component {section}/{name} means two things")


def _number_operations(paths: Json) -> None:
    """Make operationIds unique over all services, by the service where two would be equal."""
    named = [
        (path, operation)
        for path in sorted(paths)
        for operation in _operations(paths[path])
        if "operationId" in operation
    ]
    uses = Counter(operation["operationId"] for _, operation in named)
    for path, operation in named:
        if uses[operation["operationId"]] > 1:
            operation["operationId"] = f"{service_of(path) or 'gateway'}_{operation['operationId']}"
    if len({operation["operationId"] for _, operation in named}) != len(named):
        raise DocumentClash("an operationId is used twice within one service")


def _operations(item: Json) -> list[Json]:
    return [item[method] for method in METHODS if method in item]


def _sorted_methods(item: Json) -> Json:
    return {key: item[key] for key in sorted(item, key=_method_rank)}


def _method_rank(key: str) -> tuple[int, str]:
    return (METHODS.index(key) if key in METHODS else -1, key)
