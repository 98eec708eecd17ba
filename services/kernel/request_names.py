"""What the members of a request are called, read off the routes of an app."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, cast, get_args

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.fields import FieldInfo


def names_of(app: FastAPI) -> frozenset[str]:
    """Give every name that a request to the app may have: in its address or in its body."""
    if not hasattr(app.state, "request_names"):
        app.state.request_names = frozenset(_request_names(app))
    return app.state.request_names


def tags_of(app: FastAPI) -> Mapping[str, Collection[str]]:
    """Give the fields that tell the kinds of a thing apart, each with its values."""
    if not hasattr(app.state, "request_tags"):
        found: dict[str, dict[str, None]] = {}
        for model in _models_of(app):
            for field in model.model_fields.values():
                for union, member in _tagged(field):
                    for each in get_args(union):
                        values = get_args(each.model_fields[member].annotation)
                        found.setdefault(member, {}).update(dict.fromkeys(values))
        app.state.request_tags = found
    return app.state.request_tags


def _tagged(field: FieldInfo) -> Iterator[tuple[Any, str]]:
    """Give the unions within a field that are told apart by a field of their members."""
    if isinstance(field.discriminator, str):
        yield field.annotation, field.discriminator
    for part in _parts(field.annotation):
        marks = getattr(part, "__metadata__", ())
        for mark in marks:
            if isinstance(mark, FieldInfo) and isinstance(mark.discriminator, str):
                yield get_args(part)[0], mark.discriminator


def _parts(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in get_args(annotation):
        yield from _parts(part)


def _models_of(app: FastAPI) -> set[type[BaseModel]]:
    seen: set[type] = set()
    for route in app.routes:
        if isinstance(route, APIRoute):
            for field in _fields_of(route.dependant):
                list(_names_of_type(field.field_info.annotation, seen))
    return cast("set[type[BaseModel]]", seen)


def _request_names(app: FastAPI) -> Iterator[str]:
    """Read them off the routes: to write the API document for it would hold up every caller."""
    seen: set[type] = set()
    for route in app.routes:
        if isinstance(route, APIRoute):
            yield from _names_in(route.openapi_extra)
            for field in _fields_of(route.dependant):
                yield field.alias
                yield from _names_of_type(field.field_info.annotation, seen)


def _fields_of(dependant: Dependant) -> Iterator[Any]:
    yield from dependant.path_params
    yield from dependant.query_params
    yield from dependant.header_params
    yield from dependant.body_params
    for child in dependant.dependencies:
        yield from _fields_of(child)


def _names_of_type(annotation: Any, seen: set[type]) -> Iterator[str]:
    """Give the names of the models that a type is made of, and of what they are made of."""
    annotation = getattr(annotation, "__value__", annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if annotation not in seen:
            seen.add(annotation)
            for name, field in annotation.model_fields.items():
                yield field.alias or name
                yield from _names_of_type(field.annotation, seen)
    else:
        for part in get_args(annotation):
            yield from _names_of_type(part, seen)


def _names_in(node: Any) -> Iterator[str]:
    """Give the names of a piece of the API document that a route has written itself."""
    if isinstance(node, Mapping):
        given = cast("Mapping[str, Any]", node)
        if isinstance(properties := given.get("properties"), Mapping):
            yield from cast("Mapping[str, Any]", properties)
        for child in given.values():
            yield from _names_in(child)
    elif isinstance(node, list):
        for child in cast("list[Any]", node):
            yield from _names_in(child)
