"""The shape of every event: CloudEvents 1.0 in JSON, announced and heard as typed classes."""

import zlib
from abc import abstractmethod
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict

SHARDS = 64
_known: dict[str, type["Event"]] = {}


class EventKind(StrEnum):
    STATE = "state"
    DEED = "deed"


class Event(BaseModel):
    """Something that happened; subclasses name their type and their aggregate.

    Listeners ignore fields they do not know, so that an event may grow by optional fields.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    TYPE: ClassVar[str]
    KIND: ClassVar[EventKind]

    def __init_subclass__(cls, *, type: str | None = None, **kwargs: Any) -> None:  # noqa: A002  the CloudEvents word
        super().__init_subclass__(**kwargs)
        if type is not None:
            prefix, _, _, _, version = type.split(".")
            if prefix != "liangxin" or not version.startswith("v"):
                raise ValueError(f"{type} is not liangxin.service.noun.verb.vN")
            cls.TYPE = type
            _known[type] = cls

    @property
    @abstractmethod
    def aggregate(self) -> str:
        """The id of the thing it happened to: events of one aggregate keep their order."""

    @classmethod
    def service(cls) -> str:
        return cls.TYPE.split(".")[1]

    @classmethod
    def subjects(cls) -> str:
        """Give the subject filter that hears this type on all shards."""
        _, service, noun, verb, version = cls.TYPE.split(".")
        suffix = "" if version == "v1" else f"_{version}"
        return f"lx.{service}.{noun}.{verb}{suffix}.*"

    def subject(self) -> str:
        return f"{self.subjects()[:-1]}{shard_of(self.aggregate):02d}"


class StateEvent(Event):
    """Carries the aggregate's whole current public state: a listener applies it if it is newer."""

    KIND = EventKind.STATE
    version: int


class DeedEvent(Event):
    """Carries what was done, once."""

    KIND = EventKind.DEED


def shard_of(aggregate: str) -> int:
    return zlib.crc32(aggregate.encode()) % SHARDS


def event_class(type_: str) -> type[Event] | None:
    return _known.get(type_)


def known_events() -> list[type[Event]]:
    return [_known[name] for name in sorted(_known)]


def payload_of(event: Event) -> str:
    """Write an event's body canonically, so that its hash can be compared in years."""
    return orjson.dumps(event.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS).decode()


def envelope(
    *,
    id_: UUID,
    type_: str,
    aggregate: str,
    seq: int,
    occurred_at: datetime,
    payload: str,
    traceparent: str | None,
) -> bytes:
    """Wrap a payload as a CloudEvent in structured JSON."""
    head = {
        "specversion": "1.0",
        "id": str(id_),
        "source": f"/liangxin/{type_.split('.')[1]}",
        "type": type_,
        "time": occurred_at.isoformat(),
        "datacontenttype": "application/json",
        "lxaggregate": aggregate,
        "lxseq": seq,
    }
    if traceparent:
        head["traceparent"] = traceparent
    return orjson.dumps(head)[:-1] + b',"data":' + payload.encode() + b"}"
