"""The ledger is only ever added to, refuses what it does not hold, and proves itself."""

from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError, ProgrammingError

from services.finance.awards import queries as awards_queries
from services.finance.ledger import queries
from services.finance.ledger.actions import check_ledger, post
from services.finance.ledger.models import Account, Transfer
from services.finance.ledger.rules import Posting, TransferKind
from services.finance.service import SERVICE
from services.kernel import pages
from services.kernel.audit import write_audit
from services.kernel.errors import Conflict
from services.kernel.ids import new_id
from services.kernel.tables import AuditEntry, Timer
from tests.conftest import TestPlatform
from tests.finance.steps import NOW, budget, fresh, held, ledger, proposal, reserve

DENIED = "42501"


async def reserved_award(platform: TestPlatform, amount_fen: int = 100) -> Any:
    programme = fresh("programme")
    await budget(platform, programme, 1_000)
    return await reserve(platform, proposal(programme, amount_fen))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE transfer SET amount_fen = 1",
        "DELETE FROM transfer",
        "TRUNCATE transfer",
        "DELETE FROM account",
        "UPDATE account SET budget_id = gen_random_uuid()",
        "ALTER TABLE transfer DISABLE TRIGGER append_only",
        "DELETE FROM award",
        "DELETE FROM payout_line",
        "UPDATE payout_line SET amount_fen = 1",
        "UPDATE budget SET amount_fen = 1",
        "DELETE FROM aid",
    ],
)
async def test_the_service_itself_cannot_rewrite_history(
    platform: TestPlatform, statement: str
) -> None:
    async with platform.service("finance").sessions() as session:
        with pytest.raises(ProgrammingError) as denied:
            await session.execute(text(statement))
    assert getattr(denied.value.orig, "sqlstate", None) == DENIED


async def test_what_a_line_does_not_hold_is_not_moved(platform: TestPlatform) -> None:
    award = await reserved_award(platform)
    posting = Posting(TransferKind.RESERVE, award.line_id, 901, "测试", award.id, 2)
    async with platform.service("finance").sessions() as session:
        with pytest.raises(Conflict) as refused:
            await post(session, posting, now=NOW)
    assert refused.value.code == "balance-insufficient"
    assert await held(platform, str(award.line_id)) == (900, 100, 0)


async def test_nothing_is_posted_twice(platform: TestPlatform) -> None:
    award = await reserved_award(platform)
    again = Posting(TransferKind.RESERVE, award.line_id, 100, "测试", award.id, award.attempt)
    funding = Posting(TransferKind.FUND, award.line_id, 1, "测试")
    for posting in (again, funding):
        async with platform.service("finance").sessions() as session:
            with pytest.raises(Conflict) as refused:
                await post(session, posting, now=NOW)
        assert refused.value.code == "already-posted"


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"amount_fen": 0}, "ck_transfer_amount"),
        ({"amount_fen": -5}, "ck_transfer_amount"),
        ({"one_account": True}, "ck_transfer_two_accounts"),
        ({"kind": "gift"}, "ck_transfer_kind"),
        ({"kind": "release"}, "ck_transfer_reversal"),
        ({"kind": "pay"}, "ck_transfer_line"),
        ({"award_id": None}, "ck_transfer_award"),
    ],
)
async def test_the_database_refuses_a_transfer_that_is_none(
    platform: TestPlatform, changes: dict[str, Any], constraint: str
) -> None:
    award = await reserved_award(platform)
    async with platform.service("finance").sessions() as session:
        accounts = (
            await session.scalars(select(Account.id).where(Account.budget_id == award.line_id))
        ).all()
        one_account = changes.pop("one_account", False)
        values = {
            "id": new_id(),
            "debit_account": accounts[0],
            "credit_account": accounts[0 if one_account else 1],
            "amount_fen": 1,
            "kind": "reserve",
            "award_id": award.id,
            "tranche": 99,
            "business_day": NOW.date(),
            "posted_at": NOW,
            "statement": "测试",
            **changes,
        }
        session.add(Transfer(**values))
        with pytest.raises(IntegrityError, match=constraint):
            await session.flush()


async def test_an_account_never_goes_below_zero(platform: TestPlatform) -> None:
    award = await reserved_award(platform)
    async with platform.service("finance").sessions() as session:
        with pytest.raises(IntegrityError, match="ck_account_floor"):
            await session.execute(
                update(Account)
                .where(Account.budget_id == award.line_id, Account.kind == "paid")
                .values(balance_fen=-1)
            )


async def test_a_balance_that_was_tampered_with_is_found(platform: TestPlatform) -> None:
    award = await reserved_award(platform)
    async with platform.service("finance").sessions() as session:
        await session.execute(
            update(Account)
            .where(Account.budget_id == award.line_id, Account.kind == "available")
            .values(balance_fen=Account.balance_fen + 7)
        )
        found = await queries.check(session)
        await check_ledger(session, "", NOW)
        assert _breaches_told() == 2
        await write_audit(session)
        told = await session.execute(
            select(AuditEntry.outcome, AuditEntry.detail).where(AuditEntry.action == "ledger.check")
        )
        outcome, detail = told.one()
        await session.rollback()
    assert found.sum_fen == 7
    (breach,) = found.breaches
    assert (breach.budget_id, breach.kind) == (award.line_id, "available")
    assert (breach.balance_fen, breach.recomputed_fen) == (907, 900)
    assert outcome == "failed"
    assert str(breach.account_id) in detail

    async with platform.service("finance").sessions() as session:
        await check_ledger(session, "", NOW)
    assert _breaches_told() == 0


async def test_the_ledger_proves_itself_every_hour(platform: TestPlatform) -> None:
    (kind,) = SERVICE.timers
    assert (kind.fire, kind.every) == (check_ledger, timedelta(hours=1))
    async with platform.service("finance").sessions() as session:
        assert await session.scalar(select(Timer.due_at).where(Timer.kind == kind.kind))


async def test_the_check_answers_in_figures(platform: TestPlatform) -> None:
    await reserved_award(platform)
    found = await ledger(platform)
    assert (found["sum_fen"], found["breaches"]) == (0, [])
    assert found["accounts"] >= 4
    assert found["transfers"] >= 2


async def test_transfers_are_listed_page_by_page(platform: TestPlatform) -> None:
    award = await reserved_award(platform)
    client = platform.client("treasurer")
    query = {"budget_id": str(award.line_id), "limit": 1}
    first = (await client.get("/v1/finance/ledger/transfers", params=query)).json()
    query["cursor"] = first["next_cursor"]
    rest = (await client.get("/v1/finance/ledger/transfers", params=query)).json()
    kinds = [each["kind"] for each in first["items"] + rest["items"]]
    assert (kinds, rest["next_cursor"]) == (["reserve", "fund"], None)


@pytest.mark.parametrize("path", ["check", "transfers", "trial-balance"])
@pytest.mark.parametrize(
    ("client", "status"),
    [("auditor", 200), ("treasurer", 200), ("reviewer", 403), ("approver", 403), ("firm", 403),
     ("admin", 403), ("bank", 403), ("institution", 403), ("public", 401)],
)  # fmt: skip
async def test_the_ledger_is_open_to_finance_and_audit(
    platform: TestPlatform, path: str, client: str, status: int
) -> None:
    answer = await platform.client(client).get(f"/v1/finance/ledger/{path}")
    assert answer.status_code == status


async def test_every_award_can_be_announced_anew(
    platform: TestPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PORTION_ROWS", 1)
    awards = [await reserved_award(platform) for _ in range(3)]
    async with platform.service("finance").sessions() as session:
        states = [event async for event in awards_queries.restate_awards(session)]
    assert len({each.award_id for each in states}) == len(states)
    found = {each.award_id: each for each in states}
    for award in awards:
        state = found[award.id]
        assert (state.state, state.version, state.amount_fen) == ("reserved", 1, 100)


async def test_every_closed_set_has_names_in_two_languages(platform: TestPlatform) -> None:
    answer = await platform.client("public").get("/v1/finance/code-lists")
    lists = {each["id"]: each["entries"] for each in answer.json()["items"]}
    assert {"levels", "award-states", "payout-states", "transfer-kinds", "relations"} <= set(lists)
    assert all(
        entry["title"] and entry["title_en"] for entries in lists.values() for entry in entries
    )


def _breaches_told() -> float | None:
    return REGISTRY.get_sample_value("liangxin_finance_ledger_breaches")
