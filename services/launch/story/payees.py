"""Thirty firms in one payment document: decided in bulk, issued by another, verified, paid."""

import asyncio
import hashlib
from dataclasses import replace
from datetime import date
from typing import Any

from services.launch.city.model import City, DayFacts, Firm, YearlyFacts
from services.launch.city.standing import CITY_DIVISION
from services.launch.city.tables import TableKind, csv_table
from services.launch.city.uscc import SEQUENCES, make_uscc
from services.launch.loading import import_file
from services.launch.story import case_life
from services.launch.story.case_life import yuan
from services.launch.story.quiet import until_quiet
from services.launch.story.stage import Stage
from services.launch.story.trial import follow

PAYEES = 30
YEAR = 2025
PROGRAMME = "digital-growth"
# Synthetic codes from the far end of the sequence, below those of the firms that are told apart.
FIRST_SEQUENCE = SEQUENCES - 100
AT_ONCE = 4
WAN_FEN = 1_000_000
STEP_FEN = 50_000
# Each firm grows by one full step more than the one before, and each by more than a tenth.
STEPS_LEAST = 21
NUMBER = "慈经信演资〔2026〕4号"
MINUTES = {"number": "慈经信演会纪〔2026〕4号", "held_on": "2026-11-20"}
DOCUMENTS = "/v1/policy/documents"
SHOWN_ROWS = 3


async def pay_thirty(stage: Stage) -> dict[str, Any]:
    """Have thirty cases decided at once and paid under one document; give the first of them."""
    stage.act("三十户资金下达文件", "a payment document with thirty payees")
    firms = await _register(stage)
    cases = await _apply(stage, firms)
    for role, event, state in (
        ("reviewer", "accept", "accepted"),
        ("reviewer", "review", "in-review"),
        ("reviewer", "propose", "proposed"),
    ):
        cases = await _move_all(stage, role, cases, event, state)
    held = [await case_life.answered(stage.caller, "reviewer", case) for case in cases]
    wanted = [STEP_FEN * (STEPS_LEAST + n) for n in range(PAYEES)]
    stage.check(
        "finance holds for each what its growth is worth",
        [case["reservation"]["amount_fen"] for case in held],
        wanted,
    )
    await _move_all(stage, "approver", held, "decide", "decided", outcome="approve")
    for case in cases:
        await case_life.until(stage.caller, "approver", case, lambda c: c["state"] == "awarded")
    issued = await _issue(stage, cases, sum(wanted))
    _show(stage, issued)
    stage.check(
        "its lines name every payee with its amount, in the order of the document",
        [[line["payee_name"], line["amount_fen"]] for line in issued["lines"]],
        [[firm.name, fen] for firm, fen in zip(firms, wanted, strict=True)],
    )
    await _verify(stage, issued)
    payout = await case_life.pay(stage.caller, cases, issued["number"])
    stage.check(
        "what is paid under its number is what it says",
        [payout["document"], payout["state"], payout["total_fen"]],
        [NUMBER, "settled", sum(wanted)],
    )
    return cases[0]


async def _register(stage: Stage) -> list[Firm]:
    """Register thirty more firms, and state their books, by files as the city was."""
    firms = payee_firms()
    grown: City = replace(
        stage.city,
        firms=tuple(firms),
        indicators=tuple(
            YearlyFacts(firm.uscc, year, {"revenue_fen": wan * WAN_FEN})
            for n, firm in enumerate(firms)
            for year, wan in (
                (YEAR - 2, 8_000),
                (YEAR - 1, 10_000),
                (YEAR, 10_000 + 100 * (STEPS_LEAST + n)),
            )
        ),
        facts=tuple(
            DayFacts(
                firm.uscc,
                date(YEAR, 1, 1),
                {"is_digital_manufacturing": True, "is_above_scale": True},
            )
            for firm in firms
        ),
    )
    kinds: tuple[TableKind, ...] = ("firms", "indicators", "facts")
    for kind in kinds:
        await import_file(stage.caller, kind, csv_table(grown, kind), _unshown)
    await until_quiet(stage.settings)
    return firms


def payee_firms() -> list[Firm]:
    """Make the payees: firms that the city has not drawn, and never draws."""
    return [
        Firm(
            make_uscc(CITY_DIVISION, FIRST_SEQUENCE + n),
            f"慈溪市示范受款{n + 1:02d}号电子有限公司",
            "3989",
            "330282107",
            date(2014, 3, 10),
            CITY_DIVISION,
        )
        for n in range(PAYEES)
    ]


def _unshown(name: str, done: int, total: int | None) -> None:
    """Follow an import without a bar of its own."""


async def _apply(stage: Stage, firms: list[Firm]) -> list[dict[str, Any]]:
    """Have each firm apply by a client of its own, a few at a time."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def apply(n: int, firm: Firm) -> dict[str, Any]:
        async with turns:
            name = await case_life.sign_up_firm(stage.caller, firm.uscc, f"demo-payee-{n + 1:02d}")
            case = await case_life.open_case(stage.caller, name, firm.uscc, PROGRAMME, YEAR)
            return await case_life.move(stage.caller, name, case, "submit")

    cases = await asyncio.gather(*(apply(n, firm) for n, firm in enumerate(firms)))
    stage.check(
        "thirty firms have applied, each for itself",
        [len({case["applicant"]["id"] for case in cases}), {case["state"] for case in cases}],
        [PAYEES, {"submitted"}],
    )
    return list(cases)


async def _move_all(
    stage: Stage, role: str, cases: list[dict[str, Any]], event: str, state: str, **data: str
) -> list[dict[str, Any]]:
    """Do one event to all cases in one batch; every one is answered for, with its version."""
    items = [{"case": case["id"], "version": case["version"], "data": data} for case in cases]
    body = {"event": event, "note": "", "items": items}
    begun = await stage.caller.post(role, "/v1/policy/case-batches", body)
    result = (await follow(stage, role, begun["id"]))["result"]
    stage.check(
        f"{event}: one batch, thirty answers",
        [result["moved"], result["refused"], {each["state"] for each in result["items"]}],
        [PAYEES, 0, {state}],
    )
    moved = zip(cases, result["items"], strict=True)
    return [{**case, "version": each["version"]} for case, each in moved]


async def _issue(stage: Stage, cases: list[dict[str, Any]], total_fen: int) -> dict[str, Any]:
    """Draft the document on minutes, and have a second person issue it."""
    caller = stage.caller
    body = {
        "kind": "payment", "number": NUMBER, "minutes": MINUTES,
        "cases": [{"case": case["id"]} for case in cases],
    }  # fmt: skip
    draft = await caller.post("approver", DOCUMENTS, body)
    stage.check(
        "a draft has a number and a sum, and no code yet",
        [draft["number"], draft["cases"], draft["total_fen"], draft["verification_code"]],
        [NUMBER, PAYEES, total_fen, None],
    )
    path = f"{DOCUMENTS}/{draft['id']}/events"
    deed = {"event": "issue", "version": draft["version"], "note": "", "data": {}}
    own = await caller.post("approver", path, deed, expect=(403,))
    stage.console.print(f"  {own['detail']}", highlight=False)
    stage.check("who drafted it does not issue it", own["code"], "four-eyes")
    issued = await caller.post("approver-b", path, deed)
    stage.check(
        "a second person issues it, on the minutes it rests on",
        [issued["state"], issued["minutes"]["number"]],
        ["issued", MINUTES["number"]],
    )
    return issued


def _show(stage: Stage, issued: dict[str, Any]) -> None:
    table = stage.table("收款单位 payee", "金额 amount")
    for line in issued["lines"][:SHOWN_ROWS]:
        table.add_row(line["payee_name"], yuan(line["amount_fen"]))
    table.add_row(f"……共{issued['cases']}户 payees", yuan(issued["total_fen"]))
    stage.console.print(table)


async def _verify(stage: Stage, issued: dict[str, Any]) -> None:
    """Download it, and check it by its code as anybody may who holds it in hand."""
    path = f"{DOCUMENTS}/{issued['id']}/pdf"
    pdf = (await stage.caller.ask("treasurer", "GET", path)).content
    stage.check_holds("the treasury downloads it as PDF", pdf.startswith(b"%PDF"))
    code = issued["verification_code"]
    found = await stage.caller.get("public", f"{DOCUMENTS}/verify/{code}")
    stage.console.print(
        f"  {found['kind_name']} {found['number']} {found['validity_name']}", highlight=False
    )
    stage.check(
        "its code verifies at the public address, and the file is the one that was issued",
        [found["number"], found["validity"], found["sha256"]],
        [NUMBER, "valid", hashlib.sha256(pdf).hexdigest()],
    )
