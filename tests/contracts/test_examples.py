"""The committed examples, replayed against the running platform and the API document.

`RECORD=1 pytest tests/contracts/test_examples.py` writes the answers anew; review the difference.
"""

import json
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from jsonschema import Draft202012Validator, FormatChecker

from tests.conftest import TestPlatform
from tests.contracts.document import api_document
from tests.contracts.matrix import entries
from tests.contracts.normal import HEADERS, mine, normal, with_real
from tests.contracts.scene import DAY, Scene, clock_offset, restore_clock, set_clock

EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*.json"))
RECORDS = bool(os.environ.get("RECORD"))
FIXED: list[str] = yaml.safe_load((Path(__file__).parent / "fixed_paths.yaml").read_text("utf-8"))


@pytest.fixture(scope="module", autouse=True)
async def _day_of_the_examples(platform: TestPlatform) -> AsyncIterator[None]:
    offset = await clock_offset(platform)
    await set_clock(platform, DAY)
    yield
    await restore_clock(platform, offset)


def template_of(method: str, path: str) -> str:
    """Find the route of the API document that a path is of."""
    for template, item in api_document()["paths"].items():
        segments = template.split("/")
        pattern = "/".join("[^/]+" if s.startswith("{") else re.escape(s) for s in segments)
        if method.lower() in item and re.fullmatch(pattern, path):
            return template
    raise LookupError(f"{method} {path} is not in the API document")


def require_valid(value: Any, schema: dict[str, Any]) -> None:
    whole = {**schema, "components": api_document()["components"]}
    Draft202012Validator(whole, format_checker=FormatChecker()).validate(value)


def require_in_document(request: dict[str, Any], answer: dict[str, Any]) -> None:
    """Hold request and answer of an example against the API document."""
    path = request["path"]
    operation = api_document()["paths"][template_of(request["method"], path)][
        request["method"].lower()
    ]
    if "body" in request and answer["status"] < 400:
        content = operation["requestBody"]["content"]
        require_valid(request["body"], content["application/json"]["schema"])
    if "form" in request:
        content = operation["requestBody"]["content"]
        require_valid(request["form"], content["application/x-www-form-urlencoded"]["schema"])
    status = str(answer["status"])
    responses = operation["responses"]
    response = responses.get(status) or responses[f"{status[0]}XX"]
    content = response.get("content", {})
    if answer["body"] is not None:
        require_valid(answer["body"], content[answer["type"]]["schema"])


async def ask(scene: Scene, example: dict[str, Any]) -> httpx.Response:
    """Send what an example asks, with the ids and secrets of this run."""
    request = json.loads(with_real(json.dumps(example["request"]), scene.real))
    client = await scene.client(example["as"])
    form: dict[str, str] | None = request.get("form")
    if form is not None:
        known = scene.platform.credentials.clients
        form |= {"client_secret": known[form["client_id"]]["client_secret"]}
        if "token" in form:
            form["token"] = await scene.platform.token("registrar")
    headers: dict[str, str] = request.get("headers", {})
    if "Idempotency-Key" in headers:
        headers |= scene.platform.key()
    return await client.request(
        request["method"], request["path"], params=request.get("query"), headers=headers,
        json=request.get("body"), data=form, content=request.get("text"),
    )  # fmt: skip


def shown(scene: Scene, example: dict[str, Any], answer: httpx.Response) -> dict[str, Any]:
    """Put an answer into the form in which the example keeps it."""
    body: Any = answer.json() if answer.content else None
    only = example.get("items")
    if only == "mine":
        body["items"], body["next_cursor"] = list(mine(body["items"], scene.real)), None
    elif only is not None:
        body["items"] = body["items"][:only]
    headers = {name: answer.headers[name] for name in HEADERS if name in answer.headers}
    return {
        "status": answer.status_code,
        "headers": normal(headers, scene.real),
        "type": answer.headers.get("content-type", "").partition(";")[0],
        "body": normal(body, scene.real),
    }


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in EXAMPLES])
async def test_an_example_is_answered_as_it_says(platform: TestPlatform, path: Path) -> None:
    example = json.loads(path.read_text("utf-8"))
    scene = Scene(platform)
    try:
        await scene.set_up(example["given"])
        found = shown(scene, example, await ask(scene, example))
    finally:
        await scene.end()
    if RECORDS:
        example["answer"] = found
        path.write_text(json.dumps(example, ensure_ascii=False, indent=2) + "\n", "utf-8")
    require_in_document(example["request"], found)
    if path.stem == "identity-jwks":
        # Another test may have had the keys changed: those of before are shown as well.
        found["body"]["keys"] = found["body"]["keys"][:2]
    assert found == example["answer"]


def test_every_fixed_path_has_an_example() -> None:
    shown_routes: set[str] = set()
    for path in EXAMPLES:
        request = json.loads(path.read_text("utf-8"))["request"]
        shown_routes.add(f"{request['method']} {template_of(request['method'], request['path'])}")
    assert set(FIXED) <= {entry.route for entry in entries()}
    assert sorted(set(FIXED) - shown_routes) == []


def test_an_answer_that_the_document_does_not_know_is_found() -> None:
    example = json.loads(EXAMPLES[0].read_text("utf-8"))
    answer = {**example["answer"], "body": {"surprise": 1.5}}
    with pytest.raises(Exception, match="is a required property"):
        require_in_document(example["request"], answer)
