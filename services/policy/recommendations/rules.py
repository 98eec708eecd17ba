"""The life of a recommendation on plain values: what may be done in each state, and by whom."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.kernel.actors import ROLE_NAMES, Role
from services.kernel.errors import Conflict, Forbidden, Invalid, invalid_field
from services.policy.plan.rules import BENEFICIARY_NAMES, PlanProgramme
from services.rulebook import Assessment
from services.rulebook.titles import LEVELS, Recommends

FIRM, INSTITUTION = "firm", "institution"
# Organisations that may be recommended. What is known of a person stays with whoever keeps people.
APPLICANT_KINDS = (FIRM, INSTITUTION, "facility", "association")
YEARS_BACK_MAX = 5


class RecommendationState(StrEnum):
    GUIDED = "guided"
    FILED = "filed"
    PASSED = "passed"
    FAILED = "failed"
    RECOMMENDED = "recommended"
    IN_UPPER_NOTICE = "in-upper-notice"
    GRANTED = "granted"
    NOT_GRANTED = "not-granted"
    WITHDRAWN = "withdrawn"


class RecommendationEvent(StrEnum):
    """What a person does to a recommendation."""

    FILE = "file"
    REVIEW = "review"
    ISSUE_LETTER = "issue-letter"
    NOTICE = "notice"
    RESULT = "result"
    WITHDRAW = "withdraw"


class ReviewOutcome(StrEnum):
    PASS = "pass"  # noqa: S105  the outcome of a review
    FAIL = "fail"


class UpperResult(StrEnum):
    GRANTED = "granted"
    NOT_GRANTED = "not-granted"


class Origin(StrEnum):
    APPLICANT = "applicant"
    GUIDANCE = "guidance"


APPLICANT = frozenset({Role.FIRM, Role.INSTITUTION})
REVIEWER = frozenset({Role.REVIEWER})
APPROVER = frozenset({Role.APPROVER})


@dataclass(frozen=True)
class Move:
    """Where an event may lead, and whose it is."""

    to: tuple[RecommendationState, ...]
    who: frozenset[Role]


_S, _E = RecommendationState, RecommendationEvent
_FILE = Move((_S.FILED,), APPLICANT | REVIEWER)
_RESULT = Move((_S.GRANTED, _S.NOT_GRANTED), REVIEWER)
_WITHDRAW = Move((_S.WITHDRAWN,), APPLICANT)

# The whole life: what is not here cannot happen. Only the upper level's result makes a title.
NEXT: Mapping[RecommendationState, Mapping[RecommendationEvent, Move]] = {
    # Guidance may be taken back by whoever gave it; what was filed is the applicant's.
    _S.GUIDED: {_E.FILE: _FILE, _E.WITHDRAW: Move((_S.WITHDRAWN,), APPLICANT | REVIEWER)},
    _S.FILED: {_E.REVIEW: Move((_S.PASSED, _S.FAILED), REVIEWER), _E.WITHDRAW: _WITHDRAW},
    _S.PASSED: {_E.ISSUE_LETTER: Move((_S.RECOMMENDED,), APPROVER), _E.WITHDRAW: _WITHDRAW},
    _S.RECOMMENDED: {
        # Not every upper level publishes a notice.
        _E.NOTICE: Move((_S.IN_UPPER_NOTICE,), REVIEWER),
        _E.RESULT: _RESULT,
        _E.WITHDRAW: _WITHDRAW,
    },
    _S.IN_UPPER_NOTICE: {_E.RESULT: _RESULT, _E.WITHDRAW: _WITHDRAW},
    _S.FAILED: {},
    _S.GRANTED: {},
    _S.NOT_GRANTED: {},
    _S.WITHDRAWN: {},
}
FINISHED = tuple(state for state in RecommendationState if not NEXT[state])
OPEN = tuple(state for state in RecommendationState if NEXT[state])
# A letter stands behind these.
LETTERED = (_S.RECOMMENDED, _S.IN_UPPER_NOTICE, _S.GRANTED, _S.NOT_GRANTED)
OWNERS: Mapping[RecommendationEvent, frozenset[Role]] = {
    event: frozenset().union(*(moves[event].who for moves in NEXT.values() if event in moves))
    for event in RecommendationEvent
}

STATE_NAMES: Mapping[str, tuple[str, str]] = {
    _S.GUIDED: ("辅导中", "being guided"),
    _S.FILED: ("已向上级申报", "filed above"),
    _S.PASSED: ("初审通过", "passed in the local review"),
    _S.FAILED: ("初审未通过", "failed in the local review"),
    _S.RECOMMENDED: ("已出具推荐函", "recommended by letter"),
    _S.IN_UPPER_NOTICE: ("上级公示中", "in the upper level's notice"),
    _S.GRANTED: ("上级已认定", "granted by the upper level"),
    _S.NOT_GRANTED: ("上级未认定", "not granted by the upper level"),
    _S.WITHDRAWN: ("已撤回", "withdrawn"),
}
EVENT_NAMES: Mapping[str, tuple[str, str]] = {
    _E.FILE: ("登记上级申报编号", "file"),
    _E.REVIEW: ("初审", "review"),
    _E.ISSUE_LETTER: ("出具推荐函", "issue-letter"),
    _E.NOTICE: ("登记上级公示", "notice"),
    _E.RESULT: ("登记上级结果", "result"),
    _E.WITHDRAW: ("撤回", "withdraw"),
}
ORIGIN_NAMES: Mapping[str, tuple[str, str]] = {
    Origin.APPLICANT: ("自行申报", "By the applicant"),
    Origin.GUIDANCE: ("主动辅导", "By guidance"),
}
LEVEL_NAMES: Mapping[str, tuple[str, str]] = {
    "national": ("国家级", "National"),
    "provincial": ("省级", "Provincial"),
    "ningbo": ("宁波级", "Of Ningbo"),
}


def move(state: RecommendationState, event: RecommendationEvent, roles: Iterable[str]) -> Move:
    """Find where an event leads, or refuse: not this role's, or not in this state."""
    whose = OWNERS[event]
    if not whose & frozenset(roles):
        raise _not_for(event, whose)
    if event not in NEXT[state]:
        allowed = [EVENT_NAMES[each] for each in NEXT[state]]
        is_zh, is_en = STATE_NAMES[state]
        zh, en = EVENT_NAMES[event]
        raise Conflict(
            f"推荐申报处于“{is_zh}”状态，不能{zh}；此状态可办理："
            f"{'、'.join(name[0] for name in allowed) or '无'}。",
            f"The recommendation is {is_en} and does not take {en}; allowed: "
            f"{', '.join(name[1] for name in allowed) or 'none'}.",
            code="event-not-allowed",
        )
    found = NEXT[state][event]
    if not found.who & frozenset(roles):
        raise _not_for(event, found.who)
    return found


def _not_for(event: RecommendationEvent, whose: frozenset[Role]) -> Forbidden:
    zh, en = EVENT_NAMES[event]
    names = [ROLE_NAMES[role] for role in sorted(whose)]
    return Forbidden(
        f"“{zh}”限以下角色办理：{'、'.join(name[0] for name in names)}。",
        f"To {en} a recommendation is for these roles: {', '.join(name[1] for name in names)}.",
        code="role-required",
    )


def require_recommends(programme: PlanProgramme) -> Recommends:
    """Recommend only under a programme that an upper level decides on."""
    recommends = programme.compiled.programme.recommends
    if recommends is None or programme.compiled.programme.confidential:
        raise invalid_field(
            "/programme", "not-a-recommendation",
            "该项目不是推荐申报项目，请按其类型办理。",
            "The programme is not one that an upper level decides on.",
        )  # fmt: skip
    return recommends


def require_level(recommends: Recommends, level: str | None) -> str:
    """Take the programme's level; where it has several, the one that is named."""
    if level is None and len(recommends.levels) == 1:
        return recommends.levels[0]
    if level not in recommends.levels:
        names = [LEVEL_NAMES[each] for each in LEVELS if each in recommends.levels]
        raise invalid_field(
            "/level", "level-unknown", f"该项目的上级为：{'、'.join(name[0] for name in names)}。",
            f"The levels of this programme are: {', '.join(recommends.levels)}.",
        )  # fmt: skip
    return level


def require_kind(kind: str, programme: PlanProgramme) -> None:
    """Recommend whom the programme is for, and organisations only."""
    beneficiary = programme.compiled.programme.beneficiary
    if beneficiary not in APPLICANT_KINDS:
        raise invalid_field(
            "/programme", "applicant-kind-unsupported",
            "该项目推荐的是个人或团队，个人信息由人才登记部门保管，本平台尚不受理。",
            "This programme recommends persons or teams, whose data is kept elsewhere; it is not"
            " taken here yet.",
        )  # fmt: skip
    if kind != beneficiary:
        zh, en = BENEFICIARY_NAMES[beneficiary]
        raise invalid_field(
            "/applicant/kind", "applicant-kind", f"该项目的推荐对象为{zh}。",
            f"This programme recommends: {en}.",
        )  # fmt: skip


def require_year(year: int, on: date) -> None:
    if not on.year - YEARS_BACK_MAX <= year <= on.year + 1:
        raise invalid_field(
            "/year", "year-out-of-range", f"须为{on.year - YEARS_BACK_MAX}至{on.year + 1}年。",
            f"Must be a year from {on.year - YEARS_BACK_MAX} to {on.year + 1}.",
        )  # fmt: skip


def require_matched(assessment: Assessment) -> None:
    """Guide only whom matching finds: entitled, near, or not yet known to be out."""
    if assessment.outcome == "ineligible" and not assessment.near:
        failed = [c for c in assessment.conditions if c["outcome"] == "false"]
        raise Conflict(
            f"该企业不在匹配结果之内，不宜辅导申报：{'；'.join(str(c['says']) for c in failed)}。",
            "Matching does not find this firm for the programme; failed: "
            f"{', '.join(str(c['id']) for c in failed)}.",
            code="not-matched",
        )


def require_not_ineligible(assessment: Assessment) -> None:
    """Pass nobody in the local review whom the known facts exclude."""
    if assessment.outcome == "ineligible":
        failed = [c for c in assessment.conditions if c["outcome"] == "false"]
        raise Conflict(
            f"按现有事实不符合条件，初审不能通过：{'；'.join(str(c['says']) for c in failed)}。",
            f"By the facts as known it is not eligible; failed: "
            f"{', '.join(str(c['id']) for c in failed)}.",
            code="not-eligible",
        )


def require_other_person(reviewed_by: str | None, subject: str) -> None:
    """Whoever reviewed a recommendation does not issue its letter."""
    if reviewed_by == subject:
        raise Forbidden(
            "初审人不能出具推荐函，须由另一人审批。",
            "Whoever reviewed a recommendation does not issue its letter; another person must.",
            code="four-eyes",
        )


def require_past(day: date, on: date, pointer: str) -> None:
    """Take no day that has not come yet."""
    if day > on:
        raise invalid_field(
            pointer, "date-in-future", "日期不能晚于今天。", "The day cannot lie in the future."
        )


def require_order(day: date, earliest: date | None, pointer: str) -> None:
    """Take no day before the one of the step before."""
    if earliest is not None and day < earliest:
        raise invalid_field(
            pointer, "date-order", f"不能早于上一步骤的日期{earliest}。",
            f"Cannot lie before {earliest}, the day of the step before.",
        )  # fmt: skip


def grade_of(recommends: Recommends, given: str | None) -> str | None:
    """Take the programme's grade; the result may name one only where the programme names none."""
    if given is not None and recommends.recognition is None:
        raise invalid_field(
            "/data/grade", "grade-unexpected", "该项目的结果不形成称号，不填写等级。",
            "No title comes of this programme, so it has no grade.",
        )  # fmt: skip
    if recommends.grade is not None and given not in (None, recommends.grade):
        raise invalid_field(
            "/data/grade", "grade-differs", f"该项目的等级为{recommends.grade}。",
            f"The grade of this programme is {recommends.grade}.",
        )  # fmt: skip
    return recommends.grade or given


def require_result(
    *,
    outcome: UpperResult,
    recognition: str | None,
    valid_from: date | None,
    valid_to: date | None,
    decided_on: date,
) -> date | None:
    """Check the days of a result; a title without a first day begins when it was decided."""
    if outcome is UpperResult.NOT_GRANTED or recognition is None:
        if valid_from is not None or valid_to is not None:
            raise _no_title(valid_from)
        return None
    first = valid_from or decided_on
    if valid_to is not None and valid_to < first:
        raise invalid_field(
            "/data/valid_to", "validity-order", "valid_to不能早于valid_from。",
            "valid_to cannot lie before valid_from.",
        )  # fmt: skip
    return first


def _no_title(valid_from: date | None) -> Invalid:
    pointer = "/data/valid_from" if valid_from is not None else "/data/valid_to"
    return invalid_field(
        pointer, "validity-unexpected", "该结果不形成称号，没有有效期。",
        "No title comes of this result, so it has no validity.",
    )  # fmt: skip
