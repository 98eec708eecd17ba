"""What a case without money rests on, and the title that follows from it, on plain values."""

from calendar import monthrange
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from services.enterprise.contract.events import HeldRecognition
from services.kernel.errors import Conflict, invalid_field
from services.policy.contract.grants import Grant
from services.policy.plan.rules import PlanProgramme
from services.policy.situations.rules import require_not_refused, unknown_grounds
from services.policy.wording import Said, nearest_of
from services.rulebook import Assessment, Programme
from services.rulebook.titles import LEVELS, Grants, Recommends

ONE_DAY = timedelta(days=1)
MONTHS_A_YEAR = 12
FIRM = "firm"
RECOMMENDATION = "recommendation"


class TitleState(StrEnum):
    """What the registry has said of a title that a case or an upper level granted."""

    PENDING = "pending"
    RECORDED = "recorded"
    ALREADY_HELD = "already-held"
    NOT_RECORDED = "not-recorded"
    NO_REGISTRY = "no-registry"
    REVOKED = "revoked"


TITLE_STATE_NAMES: Mapping[str, tuple[str, str]] = {
    TitleState.PENDING: ("待登记", "Waiting for the registry"),
    TitleState.RECORDED: ("已登记", "Recorded"),
    TitleState.ALREADY_HELD: ("原已持有，未重复登记", "Held already, not recorded twice"),
    TitleState.NOT_RECORDED: ("未能登记", "Not recorded"),
    TitleState.NO_REGISTRY: (
        "此类主体的称号尚无登记部门，只记入本件",
        "No registry keeps titles of this kind of holder yet; the result stands here only",
    ),
    TitleState.REVOKED: ("已撤销", "Revoked"),
}
# The registry's word, and what it makes of a title.
ANSWERS: Mapping[str, TitleState] = {
    "recorded": TitleState.RECORDED,
    "already-held": TitleState.ALREADY_HELD,
    "firm-unknown": TitleState.NOT_RECORDED,
    "recognition-unknown": TitleState.NOT_RECORDED,
    "revoked": TitleState.REVOKED,
}


def title_faults(
    programme: Programme, recognitions: Collection[str] | None
) -> Iterator[tuple[str, Said, Said]]:
    """Find what a plan says wrongly of its titles: where, what stands there, what is allowed."""
    named: dict[str, Grants | Recommends | None] = {
        "grants": programme.grants,
        "recommends": programme.recommends,
    }
    for key, each in named.items():
        if each is None or each.recognition is None or recognitions is None:
            continue
        if each.recognition not in recognitions:
            found = Said(
                f"没有{each.recognition}这一称号", f"no title is called {each.recognition}"
            )
            yield f"/{key}/recognition", found, nearest_of(each.recognition, recognitions)
    if (programme.kind == RECOMMENDATION) is (programme.recommends is None):
        levels = " ".join(LEVELS)
        yield (
            "/recommends",
            Said(
                "推荐没有写明层级，或层级不是推荐的",
                "a recommendation and no level, or the reverse",
            ),
            Said(
                f"kind: recommendation须写明recommends，层级为{levels}",
                f"`recommends` with levels of {levels}, beside `kind: recommendation`",
            ),
        )
    if programme.kind == RECOMMENDATION and programme.grants is not None:
        found = Said("由上级授予的称号", "a title that an upper level grants")
        yield "/grants", found, Said("写在recommends中", "`recommends`")
    if programme.grants is not None and programme.beneficiary != FIRM:
        kind = programme.beneficiary
        found = Said(f"{kind}的称号", f"a title of a {kind}")
        allowed = Said(
            "企业的称号；其他主体的称号尚无登记之处",
            "titles of firms: no registry keeps those of others yet",
        )
        yield "/grants", found, allowed


def require_grantable(
    assessment: Assessment, programme: PlanProgramme, checked: Iterable[str]
) -> None:
    """Propose a case without money only where no condition is open and people have checked theirs.

    A condition that only people can judge decides nothing of money, as before; of a title it may
    be all there is, so that the reviewer says of each that it was checked.
    """
    require_not_refused(assessment)
    conditions = programme.compiled.programme.conditions
    if assessment.outcome == "unknown" and any(each.decides for each in conditions):
        raise unknown_grounds(assessment, programme.compiled.vocabulary)
    unchecked = [each for each in conditions if each.manual and each.id not in set(checked)]
    if unchecked:
        says = "；".join(each.says for each in unchecked)
        ids = ", ".join(each.id for each in unchecked)
        raise Conflict(
            f"下列条件须人工核对，请核对后在data.checked中列明：{says}。",
            f"These conditions are for a person to check; name them in data.checked: {ids}.",
            code="manual-check-needed",
        )


def require_call(programme: PlanProgramme, call_id: UUID | None) -> None:
    """Give places that the text counts only in a call, which ranks those who apply for them."""
    if programme.compiled.programme.places is not None and call_id is None:
        raise Conflict(
            "该项目按年度或批次限定名额，须在申报批次内评选；本件不属于任何批次，不能提请批准。",
            "The places of this programme are given out in a call, and the case is under none.",
            code="call-required",
        )


def require_known_checks(programme: PlanProgramme, checked: Iterable[str]) -> None:
    """Take only conditions of the programme that are for a person to check."""
    manual = {each.id for each in programme.compiled.programme.conditions if each.manual}
    for index, name in enumerate(checked):
        if name not in manual:
            raise invalid_field(
                f"/data/checked/{index}", "condition-unknown", "该项目没有这一须人工核对的条件。",
                "The programme has no such condition for a person to check.",
            )  # fmt: skip


def require_noticed(notice_days: int, *, is_listed: bool) -> None:
    """Decide on nothing that is to be noticed first."""
    if notice_days and not is_listed:
        raise Conflict(
            "本件尚未公示，不能批准。",
            "The case has not been in public notice, so it cannot be approved.",
            code="notice-first",
        )


def last_day(first: date, months: int | None) -> date | None:
    """Give the last day of a title; None where nobody has said how long it holds.

    A term of months ends on the day before the one of the same number; where that month is
    shorter, on its last day.
    """
    if months is None:
        return None
    years, month = divmod(first.month - 1 + months, MONTHS_A_YEAR)
    year, month = first.year + years, month + 1
    length = monthrange(year, month)[1]
    return (
        date(year, month, length) if first.day > length else date(year, month, first.day) - ONE_DAY
    )


def grant_of(
    programme: PlanProgramme,
    values: Mapping[str, int | None],
    *,
    issuer: str,
    document: str,
    on: date,
) -> Grant | None:
    """Word the title that a decision of the day yields, where the programme names one."""
    grants = programme.compiled.programme.grants
    if grants is None:
        return None
    term = grants.validity
    months = term.months if term.parameter is None else values.get(term.parameter)
    return Grant(
        recognition=grants.recognition, grade=grants.grade, issuer=issuer, document=document,
        valid_from=on, valid_to=last_day(on, months),
    )  # fmt: skip


def reassessed(
    programme: PlanProgramme, held: Iterable[HeldRecognition], on: date
) -> dict[str, Any] | None:
    """Find the title on record that an application assesses anew: the latest that was not revoked.

    It may have ended since; a title of another grade is another one.
    """
    grants = programme.compiled.programme.grants
    if grants is None:
        return None
    same = [
        each
        for each in held
        if each.id is not None
        and each.recognition == grants.recognition
        and grants.grade in (None, each.grade)
        and each.revoked_on is None
        and each.valid_from <= on
    ]
    if not same:
        return None
    latest = max(same, key=lambda each: each.valid_from)
    return {
        "record": str(latest.id),
        "recognition": latest.recognition,
        "grade": latest.grade,
        "valid_from": latest.valid_from.isoformat(),
        "valid_to": latest.valid_to and latest.valid_to.isoformat(),
    }
