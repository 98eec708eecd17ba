"""From given facts to answers, and from answers to the best lawful combination."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal

from services.policy.cases.rules import MatterKind
from services.policy.firms.rules import declared_of, mark_declared
from services.policy.parameters.rules import Number
from services.policy.plan.rules import PlanProgramme
from services.rulebook import Assessment, Situation

COMPETES = "competes"
STACKING_CLAUSE = "stacking"


@dataclass(frozen=True)
class ProgrammeAnswer:
    """One programme's answer, with the numbers it used; a draft stands in no plan."""

    programme: PlanProgramme | None
    title: str
    assessment: Assessment
    numbers: Mapping[str, Number]
    relation: Literal["matches", "tops-up", "competes"]
    matter: str
    stacking_group: str


@dataclass(frozen=True)
class Dropped:
    """A programme that another one for the same matter excludes."""

    programme: str
    given_up_fen: int
    clause: str


@dataclass(frozen=True)
class Combination:
    """The best set of programmes that may be received together."""

    chosen: tuple[str, ...]
    dropped: tuple[Dropped, ...]
    undecided: tuple[str, ...]
    total_fen: int


def answer_of(
    programme: PlanProgramme, situation: Situation, numbers: Mapping[str, Number]
) -> ProgrammeAnswer:
    """Ask one programme."""
    rule = programme.compiled.programme
    values = {name: number.value for name, number in numbers.items()}
    return ProgrammeAnswer(
        programme=programme,
        title=rule.title,
        assessment=programme.compiled.assess(situation, values),
        numbers=numbers,
        relation=rule.relation,
        matter=matter_key(rule.matter, situation.year),
        stacking_group=programme.stacking_group,
    )


def mark_own(
    answer: ProgrammeAnswer, situation: Situation, declared: Iterable[str]
) -> ProgrammeAnswer:
    """Flag an answer that rests on what only the firm itself has stated."""
    if answer.programme is None:
        return answer
    own = declared_of(answer.programme.compiled, situation, declared)
    return replace(answer, assessment=mark_declared(answer.assessment, own))


def matter_key(kind: str, year: int) -> str:
    """Name the matter that an answer is about; programmes of one year share it."""
    return f"{kind}:{year}" if kind == MatterKind.YEAR else kind


def best_combination(answers: Iterable[ProgrammeAnswer], clause: str) -> Combination:
    """Choose what pays most: of competing aid for one matter only the highest (从高、不重复).

    Matches and top-ups never compete. Groups are independent of each other here, so taking the best
    of each is the best of all. While an amount is unknown nothing of its group is dropped: the
    highest known one is chosen for now, and the others are undecided.
    """
    eligible = [each for each in answers if each.assessment.outcome == "eligible"]
    chosen = [each for each in eligible if each.relation != COMPETES]
    dropped: list[Dropped] = []
    undecided: list[str] = []
    rivals = sorted((e for e in eligible if e.relation == COMPETES), key=_contest)
    for _, group in groupby(rivals, key=_contest):
        best, *others = sorted(group, key=_highest_first)
        is_open = any(e.assessment.amount_fen is None for e in others)
        if not is_open:
            chosen.append(best)
            dropped.extend(Dropped(e.assessment.programme, _fen(e), clause) for e in others)
            continue
        is_known = best.assessment.amount_fen is not None
        chosen.extend([best] if is_known else [])
        undecided.extend(e.assessment.programme for e in (others if is_known else [best, *others]))
    return Combination(
        chosen=tuple(sorted(each.assessment.programme for each in chosen)),
        dropped=tuple(sorted(dropped, key=lambda each: each.programme)),
        undecided=tuple(sorted(undecided)),
        total_fen=sum(_fen(each) for each in chosen),
    )


def _contest(answer: ProgrammeAnswer) -> tuple[str, str]:
    return answer.matter, answer.stacking_group


def _highest_first(answer: ProgrammeAnswer) -> tuple[bool, int, str]:
    """Order by amount, those not known last."""
    assessment = answer.assessment
    return assessment.amount_fen is None, -_fen(answer), assessment.programme


def _fen(answer: ProgrammeAnswer) -> int:
    """Count an amount that is not known yet as nothing."""
    return answer.assessment.amount_fen or 0
