"""Schemathesis against the gateway in memory: real objects behind the ids, three roles, a seed."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from http import HTTPStatus
from io import BytesIO
from random import Random
from typing import Any

import httpx
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from requests.adapters import HTTPAdapter
from schemathesis import Case, GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.core.parameters import ParameterLocation
from schemathesis.core.result import Ok
from schemathesis.core.transport import Response
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import negative_data_rejection
from urllib3 import HTTPHeaderDict, HTTPResponse

from tests.abuse.objects import Known
from tests.abuse.scenes import Scene

# What it loads on first use is loaded before anything runs: deep in a test, pytest's rewriting of
# it makes CPython 3.11 fail.
schemathesis.openapi.from_dict(
    {"openapi": "3.1.0", "info": {"title": "none", "version": "1"}, "paths": {}}
)

BASE = "http://lx"
ANSWER_S_MAX = 30
# What is answered 503 though nothing is broken: the made-up statement of `after` never arrives.
NOT_YET = "facts-not-heard-yet"
UNAVAILABLE = HTTPStatus.SERVICE_UNAVAILABLE
# How often a value that the schema leaves open is replaced by one that exists.
KNOWN_SHARE = 0.8
MADE_UP_SHARE = 0.04
PLACES = (
    ParameterLocation.PATH,
    ParameterLocation.QUERY,
    ParameterLocation.HEADER,
    ParameterLocation.BODY,
)
MODES = [GenerationMode.POSITIVE, GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
CONFIG: dict[str, Any] = {
    "checks": {
        # Of 503 the runner judges by itself: for what, and whether it says when to come back.
        "not_a_server_error": {"expected-statuses": ["2xx", "3xx", "4xx", 503]},
        # What a schema cannot say is refused as well: the state of a case, a budget that is not
        # there. Which refusals are right is what the tests of each service are about.
        "positive_data_acceptance": {"enabled": False},
        # It opens a connection of its own; the matrix calls every route without a token.
        "ignored_auth": {"enabled": False},
    }
}


class Wire(HTTPAdapter):
    """Carries what `requests` would send to the gateway that runs in another thread's loop."""

    def __init__(self, gateway: Any, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport = httpx.ASGITransport(app=gateway)
        self._loop = loop

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """Send a request and wait for the whole answer."""
        asked: Future[httpx.Response] = asyncio.run_coroutine_threadsafe(
            self._ask(request), self._loop
        )
        given = asked.result(ANSWER_S_MAX)
        raw = HTTPResponse(
            body=BytesIO(given.content),
            headers=HTTPHeaderDict(given.headers.multi_items()),
            status=given.status_code,
            version=11,
            reason=given.reason_phrase,
            preload_content=False,
            decode_content=False,
        )
        return self.build_response(request, raw)

    async def _ask(self, request: requests.PreparedRequest) -> httpx.Response:
        body = request.body.encode() if isinstance(request.body, str) else request.body or b""
        assert isinstance(body, bytes)
        headers = [(_octets(name), _octets(value)) for name, value in request.headers.items()]
        sent = httpx.Request(str(request.method), str(request.url), headers=headers, content=body)
        answer = await self._transport.handle_async_request(sent)
        await answer.aread()
        return answer


def _octets(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1")


def _spoiled(body: Any, made: Any, chance: Random) -> Any:
    """Take a few members as they were made up."""
    if isinstance(body, dict) and isinstance(made, dict):
        taken = {n: v for n, v in made.items() if chance.random() < MADE_UP_SHARE}
        return {**body, **taken}
    return body


@dataclass
class Report:
    """What a run did: cases by status, and each kind of failure once with a request to repeat."""

    statuses: Counter[int] = field(default_factory=Counter[int])
    cases: Counter[str] = field(default_factory=Counter[str])
    reached: Counter[str] = field(default_factory=Counter[str])
    not_yet: Counter[str] = field(default_factory=Counter[str])
    failures: dict[str, str] = field(default_factory=dict[str, str])

    def told(self) -> str:
        answers = ", ".join(f"{n} × {status}" for status, n in sorted(self.statuses.items()))
        waited = "".join(f"; {n} of 503 by {label}" for label, n in sorted(self.not_yet.items()))
        return f"{self.cases.total()} cases: {answers}{waited}"


@dataclass
class Fuzz:
    """Runs operations of one service, each in a Hypothesis engine of its own."""

    session: requests.Session
    tokens: Mapping[str, str]
    known: Known
    admitted: Mapping[str, frozenset[str]]
    report: Report = field(default_factory=Report)

    def run(self, operation: APIOperation, scenes: Sequence[Scene], cases: int, seed_: int) -> None:
        """Send so many cases of an operation, and keep what is wrong with any answer."""
        strategies = {mode: operation.as_strategy(generation_mode=mode) for mode in set(MODES)}
        choices = st.tuples(
            st.sampled_from(MODES).flatmap(lambda mode: strategies[mode]),
            st.sampled_from(self._roles(operation.label)),
            st.integers(0, 2**32),
        )

        @seed(seed_)
        @settings(
            max_examples=cases,
            database=None,
            deadline=None,
            suppress_health_check=[
                HealthCheck.too_slow,
                HealthCheck.filter_too_much,
                HealthCheck.data_too_large,
                HealthCheck.large_base_example,
            ],
            # A failure is told with its request; smaller ones are not sought among changing states.
            phases=[Phase.generate],
        )
        @given(choices)
        def check(choice: tuple[Case, str, int]) -> None:
            case, role, number = choice
            chance = Random(number)  # noqa: S311  no secret
            self._put_known_values(case, chance)
            if scenes and chance.random() < KNOWN_SHARE:
                scene = chance.choice(scenes)
                self._set(case, scene, chance)
                role = scene.client
            self._send(case, role)

        check()

    def never_reached(self) -> frozenset[str]:
        """Name the operations that were refused to every role that is let in."""
        tried = (label for label in self.report.cases if self._admitted(label))
        return frozenset(label for label in tried if not self.report.reached[label])

    def _admitted(self, label: str) -> list[str]:
        return sorted(self.admitted.get(label, frozenset()) & set(self.tokens))

    def _roles(self, label: str) -> list[str]:
        """Let each role knock, and more often one that is let in."""
        return sorted(self.tokens) + 6 * self._admitted(label)

    def _put_known_values(self, case: Case, chance: Random) -> None:
        """Put what exists in place of what was made up, but not in place of what shall be wrong."""
        label, meta = case.operation.label, case.meta
        assert meta is not None
        for place, part in (
            (ParameterLocation.PATH, case.path_parameters),
            (ParameterLocation.QUERY, case.query),
            (ParameterLocation.HEADER, case.headers),
        ):
            for name in () if meta.is_negative_at(place) else list(part):
                self._put(label, part, name, chance)
        stated = [each.name for each in case.operation.headers]
        for name in [] if meta.is_negative_at(ParameterLocation.HEADER) else stated:
            case.headers.setdefault(name, "")
            self._put(label, case.headers, name, chance)
            if not case.headers[name]:
                del case.headers[name]
        for name in self.known.headers(label):
            if chance.random() < KNOWN_SHARE:
                case.headers[name] = self.known.pick(label, f"header {name}", chance)
        if not (meta.is_negative_at(ParameterLocation.BODY) and is_read(case)):
            case.body = self._known_body(case, chance)

    def _set(self, case: Case, scene: Scene, chance: Random) -> None:
        """Put a request that may succeed in place of what is not to be wrong."""
        meta = case.meta
        assert meta is not None
        for place, part, own in (
            (ParameterLocation.PATH, case.path_parameters, scene.path),
            (ParameterLocation.QUERY, case.query, scene.query),
            (ParameterLocation.HEADER, case.headers, scene.headers),
        ):
            if not meta.is_negative_at(place):
                part.update(own)
        is_right = not (meta.is_negative_at(ParameterLocation.BODY) and is_read(case))
        if is_right and scene.media_type == case.media_type:
            case.body = _spoiled(scene.body, case.body, chance)

    def _known_body(self, case: Case, chance: Random) -> Any:
        """Take a body that can succeed, with some of its members as they were made up."""
        label, made = case.operation.label, case.body
        if not self.known.has(label, f"body {case.media_type}") or chance.random() > KNOWN_SHARE:
            return made
        return _spoiled(self.known.pick(label, f"body {case.media_type}", chance), made, chance)

    def _put(self, label: str, part: Any, name: str, chance: Random) -> None:
        if self.known.has(label, name) and chance.random() < KNOWN_SHARE:
            part[name] = self.known.pick(label, name, chance)

    def _send(self, case: Case, role: str) -> None:
        headers = {"Authorization": f"Bearer {self.tokens[role]}"}
        label = case.operation.label
        self.report.cases[label] += 1
        response = case.call(base_url=BASE, session=self.session, headers=headers)
        self.report.statuses[response.status_code] += 1
        self.report.reached[label] += response.status_code < 400
        if response.status_code == UNAVAILABLE:
            self._judge_unavailable(case, response)
        excluded = [] if is_spoiled(case) else [negative_data_rejection]
        try:
            case.validate_response(response, excluded_checks=excluded, headers=headers)
        except FailureGroup as group:
            for failure in group.exceptions:
                self._note(label, failure.title, f"{role}: {group}")

    def _judge_unavailable(self, case: Case, response: Response) -> None:
        """Let one 503 pass: what was asked for `after` a statement is not known here yet."""
        label = case.operation.label
        is_not_yet = f'"code":"{NOT_YET}"' in response.text and "after" in (case.query or {})
        if is_not_yet and "retry-after" in response.headers:
            self.report.not_yet[label] += 1
        else:
            self._note(label, "503 though nothing is broken", response.text)

    def _note(self, label: str, title: str, told: str) -> None:
        self.report.failures.setdefault(f"{label}: {title}", told)


def is_spoiled(case: Case) -> bool:
    """Tell whether some part of a request breaks the document; a file cannot."""
    assert case.meta is not None
    spoiled = {place for place in PLACES if case.meta.is_negative_at(place)}
    return bool(spoiled - (set() if is_read(case) else {ParameterLocation.BODY}))


def is_read(case: Case) -> bool:
    """Tell whether a body has members of which the document speaks."""
    return str(case.media_type).endswith(("json", "form-urlencoded"))


def operations_of(document: dict[str, Any]) -> Iterator[APIOperation]:
    """List the operations of a document as schemathesis knows them.

    Who may call is left out: the runner brings real tokens, made-up ones are tried elsewhere.
    """
    for path in document["paths"].values():
        for operation in path.values():
            operation.pop("security", None)
    config = SchemathesisConfig.from_dict(CONFIG)
    for result in schemathesis.openapi.from_dict(document, config=config).get_all_operations():
        assert isinstance(result, Ok), result
        yield result.ok()
