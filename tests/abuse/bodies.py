"""Bodies that can succeed, for the fuzz to spoil."""

from random import Random
from typing import Any

from joserfc.jwk import ECKey, RSAKey

from services.identity.demo.actions import DEMO_ISSUER
from services.kernel.file_types import MEDIA_TYPES
from services.kernel.ids import new_id
from services.launch.city.uscc import make_uscc
from tests.contracts.world import AUTHORITY, GROWTH, TOWN, World

JSON = "body application/json"
FORM = "body application/x-www-form-urlencoded"
FACTS: dict[str, Any] = {
    "revenue_fen": {"2024": 10**10, "2025": 2 * 10**10},
    "is_above_scale": True,
    "is_digital_manufacturing": True,
    "rd_internal_fen": {"2025": 10**9},
    "recognitions": ["specialised-sme"],
    "established_on": "2001-05-01",
}
DRAFT: dict[str, Any] = {
    "id": "draft",
    "title": "试行条款",
    "beneficiary": "firm",
    "parameters": {"rate_bp": {"value": 1000, "unit": "bp"}},
    "eligibility": [
        {
            "id": "intensity",
            "says": "研发强度3%以上",
            "when": "rd_internal_fen * 10000 >= 300 * revenue_fen",
            "source": "草案",
        }
    ],
    "amount": "LEAST(rd_internal_fen * :rate_bp / 10000, 50000000)",
}
# What stands in for a part of a draft: other types, and words of the language in wrong places.
ODD: tuple[Any, ...] = (
    None, True, -1, 0, 10**18, 1.5, "", "x", "{}", [], {}, [[]], [None], {"": {}}, {"value": None},
    "revenue_fen", "revenue_fen / 0", ":rate_bp", "revenue_fen[-1]", "CASE WHEN TRUE THEN 1 END",
    "1" * 400, "(" * 300, "NOT " * 200 + "is_listed", "x" * 20_000, "1 + " * 2_000 + "1",
    "-9223372036854775808 / -1", "revenue_fen * revenue_fen * revenue_fen", "'; DROP TABLE firm",
)  # fmt: skip
UPLOAD = "POST /v1/policy/cases/{case_id}/evidence"
FILE_MEDIA = ("application/octet-stream", *MEDIA_TYPES.values())
CSV = f"uscc,name,industry_code,town_code\n{{}},慈溪市示范模糊有限公司,3854,{TOWN}\n"


def bodies(world: World, awards: list[dict[str, Any]], cases: list[str]) -> dict[str, Any]:
    """Give what can succeed for each operation that takes a body."""
    made = {
        **_of_identity(world),
        **_of_enterprise(),
        **_of_policy(world, cases),
        **_of_aftermath(world),
        **_of_finance(world, awards),
    }
    return {f"{label} {JSON}": (make,) for label, make in made.items()} | {
        **_forms(world),
        "POST /v1/enterprise/imports body text/csv": (_csv,),
        "POST /v1/enterprise/imports body application/x-ndjson": (_ndjson,),
        **{f"{UPLOAD} body {media}": (_file,) for media in FILE_MEDIA},
    }


def new_uscc(chance: Random) -> str:
    return make_uscc(AUTHORITY, 400_000 + chance.randrange(100_000))


def _forms(world: World) -> dict[str, Any]:
    entry = world.platform.credentials.clients["mobile"]
    who = {name: entry[name] for name in ("client_id", "client_secret")}
    by_assertion = {
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": "e30.e30.e30",
    }
    exchange = "urn:ietf:params:oauth:grant-type:token-exchange"
    person = {"subject_token": "e30.e30.e30", "subject_token_type": "urn:x", "uscc": world.uscc}
    return {
        f"POST /oauth2/token {FORM}": (
            {"grant_type": "client_credentials", **who},
            {"grant_type": "client_credentials", **by_assertion},
            {"grant_type": exchange, **who, **person},
        ),
        f"POST /oauth2/revoke {FORM}": ({"token": "e30.e30.e30", **who},),
        f"POST /oauth2/introspect {FORM}": ({"token": "e30.e30.e30", **who},),
    }


def _of_identity(world: World) -> dict[str, Any]:
    sets = _key_sets()
    return {
        "POST /v1/demo/clock": lambda _: {"now": "2026-11-23T09:00:00+08:00"},
        "POST /v1/demo/subject-tokens": lambda c: {"subject": f"person-{c.randrange(9)}"},
        "POST /v1/identity/bindings": lambda c: {
            "issuer": DEMO_ISSUER,
            "subject": f"person-{c.randrange(9)}",
            "uscc": world.uscc,
            "kind": c.choice(["staff", "agent", "legal-representative"]),
        },
        "POST /v1/identity/bindings/{id}/events": lambda c: _event(c, "revoke"),
        "POST /v1/identity/clients": lambda c: {
            "client_id": f"fuzz-{c.randrange(10**12)}",
            "name": "模糊",
            "scopes": ["policy:read"],
            "jwks": c.choice([None, *sets]),
        },
        "POST /v1/identity/clients/{id}/events": lambda c: _event(c, "suspend", "resume"),
        "POST /v1/identity/issuers": lambda c: {
            "issuer": f"https://fuzz-{c.randrange(99)}.example",
            "audience": "fuzz",
            "jwks": c.choice(sets),
        },
    }


def _key_sets() -> list[Any]:
    key = ECKey.generate_key("P-256", {"kid": "fuzz"})
    public = key.as_dict(private=False)
    rsa = RSAKey.generate_key(2048).as_dict(private=False)
    return [
        {"keys": [public]}, {"keys": [rsa]}, {"keys": [key.as_dict(private=True)]}, {"keys": []},
        {"keys": [{**public, "x": ""}]}, {"keys": [{"kty": "oct", "k": "AA"}]}, {"keys": {}},
        {"keys": [{**public, "crv": "P-521"}]}, {"keys": [{**public, "kid": 7}]}, {"keys": [None]},
        {"keys": [{**public, "use": []}]}, {"keys": [{**rsa, "n": "AA"}]}, {"keys": [public] * 99},
    ]  # fmt: skip


def _of_enterprise() -> dict[str, Any]:
    firms = "/v1/enterprise/firms"
    return {
        f"POST {firms}": lambda c: {
            "uscc": new_uscc(c),
            "name": "慈溪市示范模糊有限公司",
            "industry_code": "3854",
            "town_code": TOWN,
            "established_on": c.choice(["2001-05-01", "0001-01-01", "9999-12-31", None]),
        },
        f"PATCH {firms}/{{uscc}}": lambda c: c.choice(
            [
                {"legal_form": "有限责任公司"},
                {"name": "慈溪市示范改名有限公司"},
                {"town_code": TOWN},
            ]
        ),
        f"POST {firms}/{{uscc}}/facts": lambda c: {
            "facts": {"is_listed": c.choice([True, False, None, 1]), **_unknown_fact(c)},
            "valid_from": c.choice(["2025-01-01", "0001-01-01", "9999-12-31"]),
            "source": "测试",
        },
        f"PUT {firms}/{{uscc}}/indicators/{{year}}": lambda c: {
            "facts": {
                "revenue_fen": c.choice([0, 10**15, 10**15 + 1, -1, None, 1.5, "1"]),
                "staff_count": c.choice([1, 10**7, None, True]),
                **_unknown_fact(c),
            },
            "source": "测试",
        },
        f"POST {firms}/{{uscc}}/recognitions": lambda c: {
            "recognition": c.choice(["specialised-sme", "little-giant"]),
            "issuer": "省经信厅",
            "document": "测试",
            "valid_from": f"{c.randrange(1990, 2030)}-01-01",
            "valid_to": c.choice([None, "9999-12-31", "2031-01-01"]),
        },
        f"POST {firms}/{{uscc}}/recognitions/{{recognition_id}}/events": lambda c: _event(
            c, "revoke"
        ),
        "POST /v1/enterprise/lists/{list}/versions": lambda c: {
            "valid_from": "2026-01-01",
            "complete": c.choice([True, False]),
            "document": "测试名单",
            "items": [{"uscc": new_uscc(c), **_unknown_fact(c)}],
        },
    }


def _unknown_fact(chance: Random) -> dict[str, Any]:
    return {"x": chance.choice(ODD)} if chance.random() < 0.1 else {}


def _of_policy(world: World, cases: list[str]) -> dict[str, Any]:
    return {
        "POST /v1/policy/cases": lambda c: {
            "programme": GROWTH,
            "applicant": {"kind": "firm", "id": world.uscc},
            "matter": {"kind": "year", "period": str(c.randrange(1999, 2028))},
        },
        "POST /v1/policy/cases/{case_id}/events": _case_event,
        "POST /v1/policy/evidence/{evidence_id}/events": lambda c: {
            "event": "withdraw",
            "version": c.choice([1, 2, 2, 2, 3]),
            "note": "",
        },
        "POST /v1/policy/evaluations": _question,
        "POST /v1/policy/parameters": lambda c: {
            "parameter": c.choice(["rd-matching.ratio_bp", "large-strong.award_fen"]),
            "value": c.choice([1000, 0, -1, 10**15, 2**63 - 1, "1000"]),
            "valid_from": f"{c.randrange(2101, 2190)}-01-01",
            "source": "测试",
        },
        "POST /v1/policy/parameters/{change_id}/events": lambda c: _event(c, "approve", "reject"),
        "POST /v1/policy/documents/{document_id}/events": lambda c: _event(c, "issue", "withdraw"),
        "POST /v1/policy/documents": lambda c: _document(c, cases),
        "POST /v1/policy/cases/{case_id}/archive/erasure-requests": lambda _: {
            "reason": "不再申报"
        },
    }


def _of_aftermath(world: World) -> dict[str, Any]:
    policy, far = "/v1/policy", "2199-06-01"
    said = {"number": "测试", "on": world.today}
    report = {"outcome": "passed", "finding": "测试", "checked_on": "2026-11-20"}
    indicator = {"id": "output", "says": "产值", "type": "number", "unit": "万元"}
    return {
        f"POST {policy}/cases/{{case_id}}/obligations": lambda c: {
            "kind": c.choice(["stay", "report"]), "says": "测试", "source": "测试",
            "on_failure": "note", "due_on": c.choice([None, far]),
        },
        f"POST {policy}/obligations/{{obligation_id}}/events": lambda c: {
            **_event(c, "confirm", "schedule", "submit", "extend", "fail", "lift"), "note": "测试",
            "data": c.choice([{}, {}, {"due_on": far}, {"due_on": far, "document": "x"}]),
        },
        f"POST {policy}/cases/{{case_id}}/recoveries": lambda _: {
            "reason": "测试发现", "source": "测试",
        },
        f"POST {policy}/recoveries/{{recovery_id}}/events": lambda c: {
            "event": c.choice(["hear", "hear", "respond", "dismiss"]), "note": "测试",
            "version": c.choice([1, 2, 2, 3]), "data": c.choice([{}, {"respond_by": far}]),
        },
        f"POST {policy}/cases/{{case_id}}/appeals": lambda c: {
            "kind": c.choice(["reconsideration", "litigation"]), "body": "测试", "number": "测试",
            "lodged_on": world.today, "grounds": "测试",
        },
        f"POST {policy}/appeals/{{appeal_id}}/events": lambda c: {
            **_event(c, "accept", "reject", "decide"),
            "data": c.choice([said, {**said, "result": "withdrawn"}]),
        },
        f"POST {policy}/calls/{{call_id}}/self-evaluation-rounds": lambda _: {
            "due_on": far, "source": "测试", "indicators": [indicator],
        },
        f"POST {policy}/self-evaluation-rounds/{{round_id}}/events": lambda c: _event(c, "ask"),
        f"POST {policy}/self-evaluations/{{self_evaluation_id}}/events": lambda c: {
            **_event(c, "submit", "submit", "return", "assess"), "note": "测试",
            "data": c.choice([{"answers": {"output": 1}}, {"grade": "satisfactory"}, {}]),
        },
        f"POST {policy}/calls/{{call_id}}/check-draws": lambda c: {
            "count": c.choice([1, 3]), "inspectors": ["a", "b"], "seed_source": "测试",
            "seed_on": far,
        },
        f"POST {policy}/check-draws/{{draw_id}}/events": lambda c: {
            **_event(c, "draw"), "data": {"seed": "03,11"},
        },
        f"POST {policy}/checks/{{check_id}}/events": lambda c: {
            "event": c.choice(["report", "report", "report", "return"]), "note": "测试",
            "version": c.choice([1, 1, 1, 2]), "data": c.choice([report, report, report, {}]),
        },
    }  # fmt: skip


def _document(chance: Random, cases: list[str]) -> dict[str, Any]:
    is_payment = chance.random() < 0.5
    minutes = {"number": "测试纪要", "held_on": "2026-11-20"}
    return {
        "kind": "payment"
        if is_payment
        else chance.choice(["decision-approval", "decision-refusal"]),
        "number": f"慈模文〔2026〕{chance.randrange(1, 10**5)}号",
        "cases": [{"case": chance.choice(cases), "quota_document": chance.choice([None, "测试"])}],
        "minutes": minutes if is_payment else None,
    }


def _case_event(chance: Random) -> dict[str, Any]:
    """Choose among all events, and as often among those that a new case is open to."""
    if chance.random() < 0.5:
        event, version = chance.choice([("submit", 1), ("withdraw", 1), ("accept", 2)])
        return {"event": event, "version": version, "data": {}}
    names = ("submit", "accept", "return", "complete", "review", "propose", "decide", "withdraw")
    return {
        **_event(chance, *names, "revoke", "object"),
        "data": chance.choice([{}, {"outcome": "approve"}, {"outcome": "refuse"}, {"x": 1}]),
    }


def _question(chance: Random) -> dict[str, Any]:
    facts = {name: FACTS[name] for name in FACTS if chance.random() < 0.7}
    asked: dict[str, Any] = {"facts": mutated(facts, chance, 0.03)}
    if chance.random() < 0.6:
        asked["programme"] = mutated(DRAFT, chance, 0.08)
    if not isinstance(asked["facts"], dict):
        asked["facts"] = {}
    return asked


def mutated(value: Any, chance: Random, share: float) -> Any:
    """Put something odd in place of some parts, and leave some out."""
    if chance.random() < share:
        return chance.choice(ODD)
    if isinstance(value, dict):
        kept = {name: mutated(v, chance, share) for name, v in value.items()}
        if kept and chance.random() < share:
            kept.pop(chance.choice(sorted(kept)))
        return kept
    return [mutated(v, chance, share) for v in value] if isinstance(value, list) else value


def _of_finance(world: World, made: list[dict[str, Any]]) -> dict[str, Any]:
    awards: list[str] = [award["id"] for award in made]
    # The last one is paid, so that it can be asked back as it stands.
    asked_back = {"event": "recover", "version": made[-1]["version"], "data": {"document": "测试"}}
    return {
        "POST /v1/finance/budgets": lambda c: {
            "year": 2026,
            "programme": f"fuzz-{c.randrange(9)}",
            "name": "模糊",
            "department": "经信局",
            "amount_fen": c.choice([1, 10**15]),
        },
        "POST /v1/finance/budgets/{budget_id}/events": lambda c: _event(c, "approve"),
        "POST /v1/finance/aid": lambda c: world.aid(c.choice(["cixi", "ningbo", "town"])),
        "POST /v1/finance/aid/{aid_id}/events": lambda c: {**_event(c, "withdraw"), "note": "误"},
        "POST /v1/finance/awards/{award_id}/events": lambda c: c.choice(
            [
                asked_back,
                {
                    **_event(c, "recover", "confirm-recovery", "cancel-recovery"),
                    "data": c.choice(
                        [{}, {"document": "测试"}, {"document": "x", "amount_fen": 1}]
                    ),
                },
            ]
        ),
        "POST /v1/finance/payouts": lambda c: {
            "awards": [c.choice([*awards, str(new_id())])],
            "document": "测试",
        },
        "POST /v1/finance/payouts/{payout_id}/events": lambda c: {
            **_event(c, "check", "send", "settle", "return", "cancel"),
            "data": c.choice(
                [
                    {},
                    {"awards": awards[:1], "reason": "账号有误"},
                    {"lines": {awards[0]: {"state": "settled"}}},
                    {"lines": {awards[0]: {"state": "returned", "reason": "x"}}},
                ]
            ),
        },
    }


def _event(chance: Random, *names: str) -> dict[str, Any]:
    return {"event": chance.choice(names), "version": chance.choice([1, 1, 2, 3, 4, 5]), "data": {}}


def _file(chance: Random) -> bytes:
    content = f"%PDF-1.7\n% {chance.randrange(10**9)}\n%%EOF\n".encode()
    return chance.choice([content, content, _spoiled(content, chance), "文本\n".encode()])


def _csv(chance: Random) -> bytes:
    return _spoiled(CSV.format(new_uscc(chance)).encode(), chance)


def _ndjson(chance: Random) -> bytes:
    line = f'{{"uscc": "{new_uscc(chance)}", "name": "慈溪", "town_code": "{TOWN}"}}\n'
    return _spoiled(line.encode(), chance)


def _spoiled(content: bytes, chance: Random) -> bytes:
    octets = bytearray(content)
    for _ in range(chance.choice([0, 0, 1, 3])):
        octets[chance.randrange(len(octets))] = chance.randrange(256)
    return bytes(octets)
