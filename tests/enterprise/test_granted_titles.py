"""Titles that were granted elsewhere: how they meet what is held, once, and in whatever order."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select

from services.enterprise import reactions
from services.enterprise.granted_titles.models import GrantedTitle
from services.enterprise.granted_titles.rules import Span, meet
from services.kernel.ids import new_id
from services.kernel.unit import commit
from services.policy.contract.events import CaseDecided, CaseEnded
from services.policy.contract.grants import Grant
from services.policy.contract.recommendations import RecommendationChanged
from tests.conftest import TestPlatform
from tests.enterprise.steps import FIRMS, announced, audited, fresh_uscc, registered

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
HANDLERS: dict[type, Any] = {
    CaseDecided: reactions.record_decided_title,
    CaseEnded: reactions.revoke_decided_title,
    RecommendationChanged: reactions.record_upper_title,
}
FIRST, LAST = date(2026, 11, 23), date(2029, 11, 22)


def grant(**changes: Any) -> Grant:
    return Grant.model_validate(
        {
            "recognition": "green-factory-star", "grade": "3", "issuer": "市经信局",
            "document": "慈经信绿〔2026〕3号", "valid_from": FIRST, "valid_to": LAST, **changes,
        }
    )  # fmt: skip


def span(**changes: Any) -> Span:
    known: dict[str, Any] = {
        "id": uuid4(), "grade": "3", "valid_from": date(2025, 1, 1), "valid_to": None,
        "revoked_on": None, **changes,
    }  # fmt: skip
    return Span(**known)


@pytest.mark.parametrize(
    ("changes", "is_held", "gives_way"),
    [
        # The same grade over all its days says it already.
        ({}, True, False),
        ({"valid_from": FIRST, "valid_to": LAST}, True, False),
        # A day less at either end does not.
        ({"valid_from": date(2026, 11, 24)}, False, True),
        ({"valid_to": date(2029, 11, 21)}, False, True),
        ({"grade": "4"}, False, True),
        ({"grade": None}, False, True),
        # What does not meet it stands beside it: ended before, begun after, revoked.
        ({"valid_to": date(2026, 11, 22)}, False, False),
        ({"valid_to": FIRST}, False, True),
        ({"valid_from": LAST}, False, True),
        ({"valid_from": date(2029, 11, 23)}, False, False),
        ({"revoked_on": FIRST}, False, False),
        ({"revoked_on": date(2026, 11, 24)}, False, True),
    ],
)
def test_a_grant_meets_what_is_on_record(
    changes: dict[str, Any], *, is_held: bool, gives_way: bool
) -> None:
    known = span(**changes)
    meeting = meet([known], grant())
    assert meeting.held == (known.id if is_held else None)
    assert meeting.give_way == ((known.id,) if gives_way else ())


def test_a_grant_without_an_end_is_covered_by_none_that_ends() -> None:
    ending, open_ended = span(valid_to=date(2099, 12, 31)), span()
    assert meet([ending], grant(valid_to=None)).give_way == (ending.id,)
    assert meet([ending, open_ended], grant(valid_to=None)).held == open_ended.id


async def hear(platform: TestPlatform, *events: Any) -> None:
    for event in events:
        async with platform.service("enterprise").sessions() as session:
            await HANDLERS[type(event)](session, event, NOW)
            await commit(session)


def decided(uscc: str, case_id: UUID, given: Grant | None, kind: str = "firm") -> CaseDecided:
    return CaseDecided.model_validate(
        {
            "case_id": case_id, "attempt": 1, "reviewed_by": "a", "decided_by": "b", "on": FIRST,
            "programme": "three-star-green-factory", "department": "jxj", "grant": given,
            "beneficiary": {"kind": kind, "id": uscc}, "without_money": True,
        }
    )  # fmt: skip


def ended(case_id: UUID, outcome: Any = "revoked") -> CaseEnded:
    return CaseEnded(case_id=case_id, outcome=outcome, reason="材料不实", on=FIRST)


async def titles(platform: TestPlatform, uscc: str) -> list[dict[str, Any]]:
    answer = await platform.client("registrar").get(f"{FIRMS}/{uscc}/recognitions")
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def outcome_of(platform: TestPlatform, kind: str, id_: UUID) -> list[str]:
    return [each["outcome"] for each in await announced(platform, f"{kind}:{id_}")]


async def test_a_title_is_recorded_once_however_often_it_is_told(platform: TestPlatform) -> None:
    uscc, case_id = await registered(platform), new_id()
    event = decided(uscc, case_id, grant())
    await hear(platform, event, event)
    (title,) = await titles(platform, uscc)
    assert (title["source"], title["department"]) == ({"kind": "case", "id": str(case_id)}, "jxj")
    assert await outcome_of(platform, "case", case_id) == ["recorded"]
    assert await audited(platform, "recognition.record", uscc) == 1
    (state,) = [each["recognitions"] for each in (await announced(platform, f"firm:{uscc}"))[-1:]]
    assert [each["id"] for each in state] == [title["id"]]


async def test_what_was_revoked_first_is_not_recorded_after(platform: TestPlatform) -> None:
    uscc, case_id = await registered(platform), new_id()
    await hear(platform, ended(case_id), decided(uscc, case_id, grant()))
    assert await titles(platform, uscc) == []


async def test_only_a_revocation_takes_a_title_back_and_only_once(platform: TestPlatform) -> None:
    uscc, case_id = await registered(platform), new_id()
    await hear(platform, decided(uscc, case_id, grant()), ended(case_id, "withdrawn"))
    assert [each["holds"] for each in await titles(platform, uscc)] == [True]
    await hear(platform, ended(case_id), ended(case_id))
    (title,) = await titles(platform, uscc)
    assert (title["state"], title["revoked_on"]) == ("revoked", str(FIRST))
    assert await outcome_of(platform, "case", case_id) == ["recorded", "revoked"]
    assert await audited(platform, "recognition.revoke", uscc) == 1


async def test_of_others_than_firms_and_without_a_grant_nothing_is_kept(
    platform: TestPlatform,
) -> None:
    one, two = new_id(), new_id()
    await hear(
        platform, decided("demo-institution", one, grant(), kind="institution"),
        decided(await registered(platform), two, None),
    )  # fmt: skip
    async with platform.service("enterprise").sessions() as session:
        kept = select(func.count()).where(GrantedTitle.source_id.in_([one, two]))
        assert await session.scalar(kept) == 0


@pytest.mark.parametrize(
    ("is_registered", "recognition", "outcome"),
    [
        (False, "green-factory-star", "firm-unknown"),
        (True, "never-heard-of", "recognition-unknown"),
    ],
)
async def test_what_cannot_be_recorded_is_answered(
    platform: TestPlatform, recognition: str, outcome: str, *, is_registered: bool
) -> None:
    uscc = await registered(platform) if is_registered else fresh_uscc()
    case_id = new_id()
    await hear(platform, decided(uscc, case_id, grant(recognition=recognition)))
    assert await outcome_of(platform, "case", case_id) == [outcome]


async def test_a_recommendation_is_recorded_when_its_title_has_come(
    platform: TestPlatform,
) -> None:
    uscc, id_ = await registered(platform), new_id()

    def stands(version: int, title: Grant | None, kind: str = "firm") -> RecommendationChanged:
        return RecommendationChanged.model_validate(
            {
                "version": version, "recommendation_id": id_, "measure": 21, "year": 2026,
                "programme": "four-star-green-factory-recommendation", "department": "jxj",
                "applicant": {"kind": kind, "id": uscc}, "level": "ningbo",
                "state": "recommended" if title is None else "granted", "upper_number": "1",
                "letter_number": "2", "result_document": None, "result_on": None, "title": title,
            }
        )  # fmt: skip

    await hear(platform, stands(4, None), stands(5, grant(grade="4"), "facility"))
    assert await titles(platform, uscc) == []
    await hear(platform, stands(6, grant(grade="4")), stands(7, grant(grade="4")))
    (title,) = await titles(platform, uscc)
    assert title["source"] == {"kind": "recommendation", "id": str(id_)}
    assert await outcome_of(platform, "recommendation", id_) == ["recorded"]
