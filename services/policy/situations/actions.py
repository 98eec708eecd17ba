"""Freezing what a proposal rests on, and recomputing it: byte for byte, in ten years as today."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.ids import new_id
from services.kernel.strict_json import digest
from services.policy.cases.models import Case
from services.policy.firms.rules import mark_provisional
from services.policy.plan.rules import PlanProgramme
from services.policy.situations import queries
from services.policy.situations.models import FrozenSituation, RuleText
from services.policy.situations.queries import Answer
from services.rulebook import (
    LANGUAGE_VERSION,
    CompiledProgramme,
    Fact,
    Refusal,
    Situation,
    Vocabulary,
    canonical_json,
    compile_programme,
    load_programme,
)
from services.rulebook.situation import parse_canonical


@dataclass(frozen=True)
class Replay:
    """What was frozen and what comes out of it now; `reason` says why nothing does."""

    situation: dict[str, Any]
    frozen: dict[str, Any]
    recomputed: dict[str, Any] | None
    recomputed_sha256: str | None
    same: bool
    reason: str | None = None


def situation_document(case: Case, programme: PlanProgramme, answer: Answer) -> dict[str, Any]:
    """Write down everything that an answer rests on."""
    # Absent where there is none, so that all other situations keep their bytes.
    judged = {name: dict(each.source) for name, each in answer.judged.items()}
    stale = {name: since.isoformat() for name, since in answer.stale.items()}
    return {
        **({"judged": judged} if judged else {}),
        **({"stale": stale} if stale else {}),
        "applicant": {"kind": case.applicant_kind, "id": case.applicant_id},
        "declared": answer.declared,
        "facts_known_until": answer.firm.facts_known_until.isoformat(),
        "grounds": answer.grounds,
        "language_version": LANGUAGE_VERSION,
        "matter": {
            "kind": case.matter_kind,
            "id": case.matter_id,
            "period": case.matter_period,
        },
        "parameters": {
            name: {
                "id": number.id,
                "value": number.value,
                "source": number.source,
                "valid_from": number.valid_from and number.valid_from.isoformat(),
            }
            for name, number in answer.numbers.items()
        },
        "plan": {"id": programme.plan.id, "version": programme.plan.version},
        "programme": programme.id,
        "rule_sha256": digest(programme.rule),
        "rule_version": programme.version,
        "situation": answer.situation.to_json(),
    }


def show_answer(case: Case, programme: PlanProgramme, answer: Answer) -> None:
    """Let the case show what is known today and what follows from it."""
    case.situation = situation_document(case, programme, answer)
    case.assessment = answer.assessment.to_json()
    case.facts_known_until = answer.firm.facts_known_until
    case.plan_version = programme.plan.version


async def freeze_situation(
    session: AsyncSession, case: Case, programme: PlanProgramme, answer: Answer, *, now: datetime
) -> None:
    """Keep the grounds of a proposal and its answer as canonical text, never to be changed."""
    show_answer(case, programme, answer)
    rule_sha256 = digest(programme.rule)
    rule = insert(RuleText).values(sha256=rule_sha256, text=programme.rule)
    await session.execute(rule.on_conflict_do_nothing())
    situation = canonical_json(case.situation)
    assessment = answer.assessment.canonical()
    session.add(
        FrozenSituation(
            id=new_id(), case_id=case.id, attempt=case.attempt, plan=programme.plan.id,
            plan_version=programme.plan.version, programme=programme.id,
            rule_version=programme.version, language_version=LANGUAGE_VERSION,
            rule_sha256=rule_sha256, situation=situation, situation_sha256=digest(situation),
            assessment=assessment, assessment_sha256=digest(assessment), frozen_at=now,
        )
    )  # fmt: skip
    await session.flush()


async def replay_case(session: AsyncSession, case: Case) -> tuple[FrozenSituation, Replay]:
    """Recompute the latest proposal of a case from what was frozen with it."""
    row = await queries.frozen(session, case)
    rule = await session.get_one(RuleText, row.rule_sha256)
    return row, replay(row, rule.text)


def replay(row: FrozenSituation, rule: str) -> Replay:
    """Recompute an assessment from frozen text alone, and compare the bytes."""
    situation, frozen = parse_canonical(row.situation), parse_canonical(row.assessment)
    hashes = ((rule, row.rule_sha256), (row.situation, row.situation_sha256),
              (row.assessment, row.assessment_sha256))  # fmt: skip
    if any(digest(text) != sha256 for text, sha256 in hashes):
        return Replay(situation, frozen, None, None, same=False, reason="hash-mismatch")
    try:
        compiled = revive(rule)
        values = {name: number["value"] for name, number in situation["parameters"].items()}
        assessment = mark_provisional(
            compiled.assess(Situation.from_json(situation["situation"]), values),
            situation.get("declared", ()),
            situation.get("stale", ()),
        )
    except Refusal as refusal:
        return Replay(situation, frozen, None, None, same=False, reason=refusal.issues[0].code)
    text = assessment.canonical()
    return Replay(situation, frozen, assessment.to_json(), digest(text), text == row.assessment)


def revive(rule: str) -> CompiledProgramme:
    """Compile a rule from its frozen text, with the facts that it was frozen with."""
    data = parse_canonical(rule)
    facts = Vocabulary(Fact(**fact) for fact in data["facts"])
    return compile_programme(load_programme(data["programme"]), facts)
