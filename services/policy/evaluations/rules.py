"""From given facts to answers, and from answers to the best lawful combination."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from services.policy.cases.rules import MatterKind
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


def matter_key(kind: str, year: int) -> str:
    """Name the matter that an answer is about; programmes of one year share it."""
    return f"{kind}:{year}" if kind == MatterKind.YEAR else kind


def best_combination(answers: Iterable[ProgrammeAnswer], clause: str) -> Combination:
    """Choose what pays most: of competing aid for one matter only the highest (从高、不重复).

    Matches and top-ups never compete. Groups are independent of each other here, so taking the best
    of each is the best of all.
    """
    eligible = [each for each in answers if each.assessment.outcome == "eligible"]
    chosen = [each for each in eligible if each.relation != COMPETES]
    dropped: list[Dropped] = []
    rivals = sorted((e for e in eligible if e.relation == COMPETES), key=_contest)
    for _, group in groupby(rivals, key=_contest):
        best, *others = sorted(group, key=lambda e: (-_fen(e), e.assessment.programme))
        chosen.append(best)
        dropped.extend(Dropped(e.assessment.programme, _fen(e), clause) for e in others)
    return Combination(
        chosen=tuple(sorted(each.assessment.programme for each in chosen)),
        dropped=tuple(sorted(dropped, key=lambda each: each.programme)),
        total_fen=sum(_fen(each) for each in chosen),
    )


def _contest(answer: ProgrammeAnswer) -> tuple[str, str]:
    return answer.matter, answer.stacking_group


def _fen(answer: ProgrammeAnswer) -> int:
    """Count an amount that is not known yet as nothing."""
    return answer.assessment.amount_fen or 0
