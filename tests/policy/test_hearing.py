"""What policy keeps of what others announce: newer state only, lists once all parts have come."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text

from services.enterprise.contract.events import FirmChanged, ListPublished
from services.finance.contract.events import AwardChanged
from services.kernel.ids import new_id
from services.kernel.unit import commit
from services.policy import reactions
from services.policy.cases.models import Case
from services.policy.firms.models import Firm, ListVersion
from services.policy.firms.queries import firm
from tests.policy.steps import (
    budget,
    firm_client,
    fresh_uscc,
    growing_firm,
    open_case,
    propose,
)

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
DAY = date(2035, 6, 1)
HANDLERS = {
    FirmChanged: reactions.project_firm,
    ListPublished: reactions.project_list,
    AwardChanged: reactions.follow_award,
}


async def hear(platform: Any, *events: Any) -> None:
    for event in events:
        async with platform.service("policy").sessions() as session:
            await HANDLERS[type(event)](session, event, NOW)
            await commit(session)


def changed(uscc: str, version: int, name: str) -> FirmChanged:
    return FirmChanged(
        version=version, uscc=uscc, name=name, statement_id=new_id(), recorded_at=NOW,
        town_code="330282107",
    )  # fmt: skip


async def test_a_firm_is_known_by_its_newest_state(platform: Any) -> None:
    uscc = fresh_uscc()
    old, new = changed(uscc, 1, "旧名"), changed(uscc, 2, "新名")
    await hear(platform, new, old, new)

    async with platform.service("policy").sessions() as session:
        found = await session.get_one(Firm, uscc)
        assert (found.name, found.version, found.statement_id) == ("新名", 2, new.statement_id)
        assert FirmChanged.model_validate(found.state) == new


def part(version_id: UUID, number: int, parts: int, usccs: list[str]) -> ListPublished:
    return ListPublished(
        list="heard-list", version_id=version_id, valid_from=date(2035, 1, 1),
        valid_to=date(2035, 12, 31), complete=True, part=number, parts=parts, usccs=tuple(usccs),
        recorded_at=NOW,
    )  # fmt: skip


async def test_a_version_counts_once_all_its_parts_have_come(platform: Any) -> None:
    on, off, version_id = fresh_uscc(), fresh_uscc(), new_id()
    await hear(platform, changed(on, 1, "在列"), changed(off, 1, "不在列"))
    first = part(version_id, 1, 2, [fresh_uscc()])
    await hear(platform, first, first)
    async with platform.service("policy").sessions() as session:
        assert (await session.get_one(ListVersion, version_id)).is_active is False
        known = (await firm(session, on, on=DAY, after=None)).lists
        assert "heard-list" not in {entry.list for entry in known}

    await hear(platform, part(version_id, 2, 2, [on]))
    async with platform.service("policy").sessions() as session:
        members = [
            {
                e.list: e.is_member
                for e in (await firm(session, uscc, on=DAY, after=version_id)).lists
            }
            for uscc in (on, off)
        ]
        assert [known["heard-list"] for known in members] == [True, False]


async def test_a_list_of_many_is_kept_in_one_go(platform: Any) -> None:
    version_id = new_id()
    await hear(platform, part(version_id, 1, 1, [f"USCC{number:014}" for number in range(10_000)]))
    async with platform.service("policy").sessions() as session:
        count = await session.scalar(
            text("SELECT count(*) FROM list_item WHERE version_id = :id"), {"id": version_id}
        )
    assert count == 10_000


async def test_finances_word_is_taken_once_and_only_if_newer(platform: Any) -> None:
    await budget(platform)
    uscc = await growing_firm(platform)
    client = await firm_client(platform, uscc)
    case = await propose(platform, client, await open_case(platform, client, uscc))

    def word(state: str, version: int, attempt: int = 1) -> AwardChanged:
        return AwardChanged.model_validate(
            {
                "version": version, "award_id": new_id(), "case_id": case["id"],
                "attempt": attempt, "state": state, "asked_fen": 5, "amount_fen": 5,
            }
        )  # fmt: skip

    unknown = AwardChanged(
        version=1, award_id=new_id(), case_id=new_id(), attempt=1, state="reserved",
        asked_fen=1, amount_fen=1,
    )  # fmt: skip
    await hear(platform, unknown, word("refused", 1), word("refused", 9, attempt=2),
               word("awarded", 2))  # fmt: skip

    async with platform.service("policy").sessions() as session:
        found = await session.scalar(select(Case).where(Case.id == UUID(case["id"])))
        assert found is not None
        # Older words and words of another attempt change nothing; an award of a case that nobody
        # decided moves no case.
        assert (found.state, found.reservation_state) == ("proposed", "reserved")
