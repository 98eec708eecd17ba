"""Real things behind the names of the API document, so that a made-up request reaches them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import UUID

from services.kernel.ids import new_id
from services.policy.evidence.rules import sign_link
from tests.abuse.bodies import UPLOAD, bodies, new_uscc
from tests.contracts.calls import aftermath, inspection
from tests.contracts.calls.documents import document
from tests.contracts.calls.panels import panel_in
from tests.contracts.world import GROWTH, World

SERVICES = ("identity", "enterprise", "policy", "finance")
FIRMS = "/v1/enterprise/firms"
EXPORTS = ("text/csv", "application/x-ndjson", "*/*", "application/json;q=0.1, text/csv")


class Known:
    """Values to put under a name: `{operation} {name}` goes before the name alone."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def has(self, label: str, name: str) -> bool:
        return f"{label} {name}" in self._values or name in self._values

    def headers(self, label: str) -> list[str]:
        """Name the headers that an operation takes and the document cannot state."""
        start = f"{label} header "
        return [name.removeprefix(start) for name in self._values if name.startswith(start)]

    def pick(self, label: str, name: str, chance: Random) -> Any:
        """Choose one; a function makes one."""
        own = f"{label} {name}"
        value = chance.choice(self._values[own if own in self._values else name])
        return value(chance) if callable(value) else value


async def known_objects(world: World) -> Known:
    """Make some of everything, of which nothing else depends."""
    states = ("draft", "submitted", "in-review", "proposed", "awarded", "withdrawn")
    cases = [await world.case(s) for s in states]
    documents = [await document(world, s) for s in ("draft", "issued")]
    awards = [await world.award(s) for s in ("awarded", "awarded", "paid")]
    batches = [await world.payout(s) for s in ("prepared", "prepared", "checked", "sent")]
    title = await world.kept("recognition", lambda: world.recognition(world.uscc), fresh=False)
    version = await world.list_version("fuzz-list", public=True)
    lines = [await world.budget(s) for s in ("draft", "draft", "approved")]
    aid = await world.post("treasurer", "/v1/finance/aid", world.aid())
    panels = [await panel_in(world, s) for s in ("draft", "open", "open", "closed")]
    changes = [await world.parameter() for _ in range(3)]
    approver = world.subject("approver")
    ids = {
        "case_id": tuple(case["id"] for case in cases),
        "document_id": tuple(each["id"] for each in documents),
        "code": (documents[1]["verification_code"], "ABCDE-23456", "0" * 20),
        "award_id": tuple(award["id"] for award in awards),
        "payout_id": tuple(batch["id"] for batch in batches),
        "budget_id": tuple(line["id"] for line in lines),
        "aid_id": (aid["id"],),
        "panel_id": tuple(each["id"] for each in panels),
        "recognition_id": (title["id"],),
        "version_id": (version["version_id"],),
        "change_id": tuple(change["id"] for change in changes),
        "operation_id": tuple([await world.operation(s, approver) for s in SERVICES]),
    }
    ids |= await _ids_of_aftermath(world)
    made = bodies(world, awards, [case["id"] for case in cases])
    made |= await _ids_of_identity(world) | await _files(world)
    return Known(_words(world) | ids | made)


async def _ids_of_aftermath(world: World) -> dict[str, Any]:
    """Make what may follow a decision, each in a state that takes events."""
    call = await inspection.call_of_awarded(world)
    obligations = [await aftermath.obligation(world, s) for s in ("proposed", "open", "open")]
    round_, draw = await inspection.round_of(world), await inspection.ripe_draw(world)
    sheet, case = await inspection.sheet(world, "asked"), await aftermath.awarded_case(world)
    check = await inspection.drawn_check(world, "drawn", case, [world.subject("reviewer"), "b"])
    own = [
        f"POST /v1/policy/cases/{{case_id}}/{noun} case_id"
        for noun in ("obligations", "recoveries")
    ]
    return {
        **dict.fromkeys(own, (case["id"],)),
        "call_id": (call["id"],),
        "obligation_id": tuple(each["id"] for each in obligations),
        "recovery_id": ((await aftermath.new_recovery(world))["id"],),
        "appeal_id": ((await aftermath.appeal(world, "lodged"))["id"],),
        "round_id": (round_["id"],),
        "self_evaluation_id": (sheet["id"],),
        "draw_id": (draw["id"],),
        "check_id": (check["id"],),
    }


async def _files(world: World) -> dict[str, Any]:
    """Make files that may be withdrawn, and a link to one that lasts for any run.

    Their cases are known by no id, so that nobody ends them.
    """
    draft, submitted = [await world.case(state) for state in ("draft", "submitted")]
    senders = [("firm", draft), *((who, submitted) for who in ("reviewer", "reviewer", "approver"))]
    ids: list[str] = []
    for number, (who, case) in enumerate(senders):
        content = f"%PDF-1.7\n% {case['id']} {number}\n%%EOF\n".encode()
        path = f"/v1/policy/cases/{case['id']}/evidence"
        sent = await world.client(who).post(path, params={"name": "a.pdf"}, content=content)
        assert sent.status_code == 201, sent.text
        ids.append(sent.json()["id"])
    link, until = new_id(), datetime(2099, 1, 1, tzinfo=UTC)
    key = world.platform.service("policy").settings.secret_key
    download = "GET /v1/policy/evidence/{evidence_id}/content"
    return {
        "evidence_id": tuple(ids),
        f"{download} evidence_id": (ids[0],),
        f"{download} link": (str(link),),
        f"{download} expires": (int(until.timestamp()),),
        f"{download} signature": (sign_link(key, UUID(ids[0]), link, until),),
        f"{UPLOAD} name": ("材料.pdf", "报告.docx"),
        f"{UPLOAD} material": ("revenue-statement",),
        f"{UPLOAD} invoice": (["033002100"],),
        f"{UPLOAD} agent": ("示范事务所",),
    }


def _words(world: World) -> dict[str, Any]:
    return {
        "uscc": (world.uscc, world.uscc, world.uscc_b, world.uscc.lower(), new_uscc),
        "list": ("fuzz-list", "new-list"),
        "programme_id": (GROWTH, "rd-matching"),
        "programme": (GROWTH,),
        "number": (9, 27),
        "year": (2024, 2025, 2026),
        "on": ("2026-11-23", "2025-01-01", "0001-01-01", "9999-12-31"),
        "as_of": ("2026-11-23T09:00:00+08:00", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"),
        "after": (str(new_id()), lambda _: str(new_id())),
        "beneficiary": (world.uscc, f"firm:{world.uscc}"),
        "town_code": ("330282107", "330282"),
        "industry_code": ("3854", "38", "C"),
        "recognition": ("specialised-sme", "none-such"),
        "q": ("慈溪", "示范 有限", "%", "_", "\\", "𠀀"),
        "kind": ("firms", "indicators", "facts", "recognitions"),
        "idempotency-key": (lambda _: str(new_id()),),
        f"PATCH {FIRMS}/{{uscc}} if-match": ('"1"', '"2"', "*", 'W/"1"'),
        f"GET {FIRMS} header Accept": EXPORTS,
    }


async def _ids_of_identity(world: World) -> dict[str, Any]:
    """Make a client and a binding that may be ended."""
    clients, bindings = "/v1/identity/clients", "/v1/identity/bindings"
    client = {"client_id": f"fuzz-{new_id().hex}", "name": "模糊", "scopes": ["policy:read"]}
    binding = {
        "issuer": "https://sign-in.demonstration.example",
        "subject": new_id().hex,
        "uscc": world.uscc,
    }
    made = (await world.post("admin", clients, client))["id"]
    bound = (await world.post("admin", bindings, binding))["id"]
    of = {f"{clients}/{{id}}": made, f"{bindings}/{{id}}": bound}
    return {
        f"{method} {path}{end} id": (id_,)
        for path, id_ in of.items()
        for method, end in (("GET", ""), ("POST", "/events"), ("POST", "/secrets"))
    }
