"""From given facts to answers, and from answers to the best lawful combination."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, TypeAlias

from services.policy.cases.rules import FIRM, MatterKind
from services.policy.firms.rules import KnownFirm, asked_of, declared_of, mark_provisional, stale_of
from services.policy.parameters.rules import Decisions, Number, stacking_mode
from services.policy.plan.rules import Library, PlanProgramme
from services.policy.stacking.rules import OWN_LEVEL
from services.rulebook import Assessment, Situation, combine
from services.rulebook.combine import Candidate, Combination
from services.rulebook.reasons import yuan
from services.rulebook.stacking import Aid, Cut, StackingMode, StackingTerms, limits_from

# Other levels' aid is known as far as somebody declared it to finance.
OTHER_AID_UNKNOWN = "other-aid-unknown"
MODE_UNSET = "stacking-mode-unset"
NAMED_AIDS_MAX = 5


# What a programme is called; None is not to be known by whoever asks.
Titles: TypeAlias = Mapping[str, str | None]


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
    beneficiary: str = "firm"


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
        beneficiary=rule.beneficiary,
    )


def mark_own(
    answer: ProgrammeAnswer, situation: Situation, firm: KnownFirm, renewals: Mapping[str, int]
) -> ProgrammeAnswer:
    """Flag an answer that rests on the firm's own word, or on what a register has not renewed."""
    if answer.programme is None:
        return answer
    compiled = answer.programme.compiled
    own = declared_of(compiled, situation, firm.state.declared)
    used = set(asked_of(compiled, situation.year)) & situation.facts.keys()
    stale = stale_of(used, firm.grounds, renewals, situation.on)
    return replace(answer, assessment=mark_provisional(answer.assessment, own, stale))


def matter_key(kind: str, year: int) -> str:
    """Name the matter that an answer is about; programmes of one year share it."""
    return f"{kind}:{year}" if kind == MatterKind.YEAR else kind


def stacking_terms(library: Library, decisions: Decisions, on: date) -> StackingTerms:
    """Give the rules of a day; where no mode is in force, the one that never pays too much."""
    dated = stacking_mode(library, decisions, on)
    mode = StackingMode(str(dated.value)) if dated else StackingMode.HIGHEST_ONLY
    return library.stacking.terms(mode)


def best_combination(
    answers: Iterable[ProgrammeAnswer], standing: Sequence[Aid], terms: StackingTerms, *, year: int
) -> Combination:
    """Choose what pays most of what each kind of beneficiary is entitled to.

    Aid that stands is the firm's: other beneficiaries have none that is known here.
    """
    eligible = [each for each in answers if each.assessment.outcome == "eligible"]
    parts = [
        combine.best_combination(
            [candidate_of(each, year) for each in eligible if each.beneficiary == kind],
            standing if kind == FIRM else (),
            terms,
        )
        for kind in sorted({each.beneficiary for each in eligible})
    ]
    return Combination(
        tuple(sorted((c for p in parts for c in p.chosen), key=lambda c: c.candidate.name)),
        tuple(sorted((d for p in parts for d in p.dropped), key=lambda d: d.candidate.name)),
        tuple(sorted((u for p in parts for u in p.undecided), key=lambda u: u.candidate.name)),
    )


def candidate_of(answer: ProgrammeAnswer, year: int) -> Candidate:
    """Put an answer before the choice, with the ceilings that its rule worked out."""
    assessment = answer.assessment
    return Candidate(
        programme=assessment.programme, level=OWN_LEVEL, matter=answer.matter,
        group=answer.stacking_group, relation=answer.relation, year=year,
        limits=limits_from(assessment.ceilings), amount_fen=assessment.amount_fen,
    )  # fmt: skip


def reason(cut: Cut, asked_fen: int, titles: Titles) -> tuple[str, str]:
    """Say by which words of which clause less is paid than was asked, Chinese and English."""
    zh, en = _named(cut.counted, titles)
    rule, rule_en = f"按{cut.rule.quoted}", f"by {cut.rule.named}"
    left, left_en = f"{yuan(cut.left_fen)}元", f"{yuan(cut.left_fen)} yuan"
    match cut.kind:
        case "competing" | "own" if cut.left_fen:
            return (
                f"同一事项另有{zh}，{rule}补差{left}。",
                f"Beside {en} for the same matter, the difference of {left_en} is paid {rule_en}.",
            )
        case "competing" | "own":
            return (
                f"同一事项另有{zh}，{rule}不再给予{yuan(asked_fen)}元。",
                f"Beside {en} for the same matter, nothing more is paid {rule_en}.",
            )
        case "one-clause":
            return (
                f"{rule}，已计入{zh}，不能再享受本项。",
                f"With {en}, no more may be received {rule_en}.",
            )
        case "ceiling":
            return (
                f"{rule}，计入{zh}，尚余{left}。",
                f"With {en} counted, {left_en} is left {rule_en}.",
            )


def _named(counted: Sequence[Aid], titles: Titles) -> tuple[str, str]:
    """Name aid with its amounts; a programme that is not ours goes by the name it was given."""
    if not counted:
        return "本项金额", "its own amount"
    pairs = [_name(each, titles.get(each.programme, each.programme)) for each in counted]
    zh, en = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    more = len(counted) - NAMED_AIDS_MAX
    return (
        "、".join(zh[:NAMED_AIDS_MAX]) + (f"等{len(counted)}笔" if more > 0 else ""),
        ", ".join(en[:NAMED_AIDS_MAX]) + (f" and {more} more" if more > 0 else ""),
    )


def _name(aid: Aid, title: str | None) -> tuple[str, str]:
    if title is None:
        return "一项补助", "other aid"
    amount = yuan(aid.amount_fen)
    return f"“{title}”{amount}元", f"{aid.programme} {amount} yuan"
