"""Answering what facts entitle to: facts that are given, or those that were heard of a firm."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor
from services.kernel.errors import FieldError, Invalid, invalid_field
from services.policy.cases.rules import MatterKind
from services.policy.contract.events import Matter, Party
from services.policy.evaluations import rules
from services.policy.evaluations.access import may_see, may_see_aid
from services.policy.evaluations.rules import ProgrammeAnswer
from services.policy.evaluations.schemas import (
    AmountView,
    CombinationView,
    DroppedView,
    EntitlementsView,
    EvaluationRequest,
    EvaluationView,
    GivenAid,
    NumberView,
    PlanMark,
    ProgrammeAnswerView,
    UndecidedView,
)
from services.policy.firms import queries as firms
from services.policy.firms.rules import situation_of
from services.policy.office import renewal_days
from services.policy.parameters.queries import known_decisions
from services.policy.parameters.rules import Number, numbers_of, stacking_mode
from services.policy.plan.actions.load_library import library
from services.policy.plan.queries import programme_unknown
from services.policy.plan.rules import Plan, PlanProgramme
from services.policy.situations.queries import received, standing_aid
from services.policy.stacking.rules import OWN_LEVEL
from services.policy.wording import in_chinese, in_english
from services.rulebook import (
    FactError,
    Issue,
    Refusal,
    RuleError,
    Situation,
    Vocabulary,
    compile_programme,
    load_programme,
    read_situation,
)
from services.rulebook.combine import Chosen, Dropped
from services.rulebook.stacking import Aid


async def evaluate(
    session: AsyncSession, request: EvaluationRequest, *, today: date, demonstration: bool
) -> EvaluationView:
    """Answer for given facts; nothing is looked up of any firm, and nothing is kept."""
    situation = given_situation(request, today)
    if request.programme is not None:
        answers = [_try_draft(request.programme, situation)]
    else:
        chosen = _chosen(request.programmes, situation.on)
        answers = await _answers(session, chosen, situation, demonstration=demonstration)
    combination = await _best(session, answers, situation, request.aid)
    return EvaluationView(
        **_common(answers, situation, demonstration=demonstration), combination=combination
    )


def of_firms(wanted: list[str] | None, on: date, actor: Actor) -> list[PlanProgramme]:
    """Choose what a firm is asked about; what is confidential, only for it and its department."""
    chosen = _chosen(wanted, on, pointer="/programme")
    return [each for each in chosen if each.is_for_firms and may_see(actor, each)]


async def entitlements(
    session: AsyncSession,
    uscc: str,
    programmes: list[PlanProgramme],
    *,
    actor: Actor,
    on: date,
    after: UUID | None,
    demonstration: bool,
) -> EntitlementsView:
    """Answer for a firm from what was heard of it."""
    firm = await firms.firm(session, uscc, on=on, after=after)
    party = Party(kind="firm", id=uscc)
    history = await received(session, party)
    vocabulary = library().vocabulary
    situation = situation_of(firm, vocabulary, on=on, year=None, history=history)
    renewals = renewal_days(session)
    answers = [
        rules.mark_own(each, situation, firm, renewals)
        for each in await _answers(session, programmes, situation, demonstration=demonstration)
    ]
    common = _common(answers, situation, demonstration=demonstration)
    common["facts_known_until"] = firm.facts_known_until
    own = await standing_aid(session, party)
    return EntitlementsView(
        **common,
        combination=await _best(session, answers, situation, None, own=own, actor=actor),
        uscc=firm.uscc,
        name=firm.state.name,
        statement_id=firm.state.statement_id,
        synthetic=firm.state.synthetic,
    )


def given_situation(request: EvaluationRequest, today: date) -> Situation:
    """Read stated facts, or name every one that does not fit."""
    try:
        situation = read_situation(
            on=request.on or today, year=request.year, facts=request.facts,
            vocabulary=open_vocabulary(),
        )  # fmt: skip
    except FactError as error:
        raise refusal_of(error, "/facts", "事实有误", "The facts do not fit") from None
    _require_listed_values(situation.facts)
    return situation


def refusal_of(error: Refusal, pointer: str, zh: str, en: str) -> Invalid:
    """Turn the language's findings into fields, without what was sent."""
    return Invalid(
        f"{zh}，请按errors逐项更正。",
        f"{en}; see errors.",
        code="invalid",
        errors=[_field(issue, pointer) for issue in error.issues],
    )


def _field(issue: Issue, pointer: str) -> FieldError:
    zh, en = in_chinese(issue.allowed), in_english(issue.allowed)
    hint, hint_en = f"（{zh}）" if zh else "", f" ({en})" if en else ""
    return FieldError(
        pointer + issue.pointer,
        issue.code,
        f"{issue.detail}{hint}。",
        f"{issue.detail_en}{hint_en}.",
    )


@cache
def open_vocabulary() -> Vocabulary:
    """Take any recognition and list: a caller may state more than the plans ask for."""
    return Vocabulary(library().vocabulary.values())


def _require_listed_values(facts: Mapping[str, Any]) -> None:
    for name, value in facts.items():
        allowed = library().facts[name].values
        if allowed and value not in allowed:
            words = "、".join(allowed)
            raise invalid_field(
                f"/facts/{name}",
                "bad-value",
                f"须为其中之一：{words}。",
                f"Must be one of: {words}.",
            )


def _chosen(
    wanted: list[str] | None, on: date, *, pointer: str = "/programmes"
) -> list[PlanProgramme]:
    programmes = library().programmes_on(on)
    if wanted is None:
        return list(programmes.values())
    for index, name in enumerate(wanted):
        if name not in programmes:
            raise programme_unknown(f"{pointer}/{index}", name, programmes)
    return [each for each in programmes.values() if each.id in set(wanted)]


async def _answers(
    session: AsyncSession,
    programmes: list[PlanProgramme],
    situation: Situation,
    *,
    demonstration: bool,
) -> list[ProgrammeAnswer]:
    decisions = await known_decisions(session)
    answers: list[ProgrammeAnswer] = []
    for each in programmes:
        numbers = numbers_of(each, library(), decisions, situation.on, samples=demonstration)
        answers.append(rules.answer_of(each, situation, numbers))
    return answers


def _try_draft(data: dict[str, Any], situation: Situation) -> ProgrammeAnswer:
    """Compile a draft and ask it; it exists for the length of this request."""
    try:
        programme = load_programme(data)
        compiled = compile_programme(programme, open_vocabulary())
    except RuleError as error:
        raise refusal_of(error, "/programme", "规则有误", "The rule does not fit") from None
    numbers = {
        name: Number(name, declared.value, None, None)
        for name, declared in programme.parameters.items()
    }
    return ProgrammeAnswer(
        programme=None,
        title=programme.title,
        assessment=compiled.assess(situation),
        numbers=numbers,
        relation=programme.relation,
        matter=rules.matter_key(programme.matter, situation.year),
        stacking_group=programme.stacking_group or programme.id,
    )


def _common(
    answers: list[ProgrammeAnswer], situation: Situation, *, demonstration: bool
) -> dict[str, Any]:
    main = library().main
    return {
        "on": situation.on,
        "year": situation.year,
        "plan": _mark(main, situation.on),
        "facts_known_until": None,
        "demonstration": demonstration,
        "programmes": [_view(each, situation.on) for each in answers],
    }


def _view(answer: ProgrammeAnswer, on: date) -> ProgrammeAnswerView:
    plan = answer.programme.plan if answer.programme else None
    return ProgrammeAnswerView(
        **answer.assessment.to_json(),
        title=answer.title,
        plan=_mark(plan, on) if plan else None,
        relation=answer.relation,
        stacking_group=answer.stacking_group,
        parameters={name: _number(number) for name, number in answer.numbers.items()},
    )


def _number(number: Number) -> NumberView:
    return NumberView(
        parameter=number.id, value=number.value, source=number.source,
        valid_from=number.valid_from, sample=number.is_sample,
    )  # fmt: skip


def _mark(plan: Plan, on: date) -> PlanMark:
    return PlanMark(id=plan.id, version=plan.version, flags=plan.flags(on))


async def _best(
    session: AsyncSession,
    answers: list[ProgrammeAnswer],
    situation: Situation,
    given: list[GivenAid] | None,
    *,
    own: Sequence[Aid] = (),
    actor: Actor | None = None,
) -> CombinationView:
    """Choose the best set beside what is known to stand, and say what is not known."""
    decisions, on = await known_decisions(session), situation.on
    terms = rules.stacking_terms(library(), decisions, on)
    standing = [*own, *_given_aid(given or (), situation)]
    found = rules.best_combination(answers, standing, terms, year=on.year)
    flags = [rules.OTHER_AID_UNKNOWN] if given is None else []
    if stacking_mode(library(), decisions, on) is None:
        flags.append(rules.MODE_UNSET)
    # What stands may be confidential: it counts, and is not named to everyone who asks.
    titles = {
        name: each.compiled.programme.title if actor is None or may_see(actor, each) else None
        for name, each in library().programmes.items()
    }
    if actor is not None and not may_see_aid(actor):
        titles |= {each.programme: None for each in own if each.level != OWN_LEVEL}
    return CombinationView(
        chosen=[each.candidate.programme for each in found.chosen],
        dropped=[_dropped(each, titles) for each in found.dropped],
        undecided=[
            UndecidedView(
                programme=each.candidate.programme, given_up_fen=None, clause=each.rule.says,
                rule=each.rule.id, source=each.rule.source,
            )
            for each in found.undecided
        ],
        total_fen=found.total_fen, complete=found.is_complete,
        amounts=[_amount(each, titles) for each in found.chosen],
        mode=terms.mode.value, flags=flags,
    )  # fmt: skip


def _given_aid(given: Sequence[GivenAid], situation: Situation) -> Iterator[Aid]:
    """Read aid as somebody states it, for the matter that the answers are about."""
    for index, each in enumerate(given):
        matter = each.matter or Matter(kind=MatterKind.YEAR, period=str(situation.year))
        if fault := matter.period_fault():
            pointer = f"/aid/{index}/matter/period"
            raise invalid_field(pointer, fault.code, fault.zh, fault.en)
        yield Aid(
            id=str(index), programme=each.programme, level=each.level,
            matter=matter.key() if matter.kind == MatterKind.YEAR else matter.kind,
            group=each.stacking_group or each.programme, relation=each.relation,
            year=each.year or situation.on.year, amount_fen=each.amount_fen,
        )  # fmt: skip


def _dropped(each: Dropped, titles: rules.Titles) -> DroppedView:
    zh, en = rules.reason(each.cut, each.given_up_fen, titles)
    return DroppedView(
        programme=each.candidate.programme, given_up_fen=each.given_up_fen,
        clause=each.cut.rule.says, rule=each.cut.rule.id, source=each.cut.rule.source,
        reason=zh, reason_en=en,
    )  # fmt: skip


def _amount(each: Chosen, titles: rules.Titles) -> AmountView:
    asked_fen = each.candidate.amount_fen
    zh, en = rules.reason(each.cuts[0], asked_fen or 0, titles) if each.cuts else (None, None)
    return AmountView(
        programme=each.candidate.programme, asked_fen=asked_fen, amount_fen=each.amount_fen,
        reason=zh, reason_en=en,
    )  # fmt: skip
