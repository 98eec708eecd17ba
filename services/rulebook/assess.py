"""One applicant, one programme, one day: the outcome, its reasons and the amount."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Literal, cast

from services.rulebook.compile import Function, Outcome, compile_rules
from services.rulebook.errors import FactError, Issue, RuleError, pointer_to
from services.rulebook.evaluate import World, value_of
from services.rulebook.explain import KNOWN, Miss, cause_of, facts_used, near_misses, plain
from services.rulebook.findings import AmountStatus, Finding, Findings, Verdict
from services.rulebook.nodes import Node, Tally
from services.rulebook.programme import Condition, Programme
from services.rulebook.reading import ParsedProgramme, parse_programme
from services.rulebook.reasons import sentences
from services.rulebook.scoring import Score
from services.rulebook.situation import JsonObject, Situation, canonical_json
from services.rulebook.stated import check_type
from services.rulebook.tallies import Sheet
from services.rulebook.terms import TRUTHS
from services.rulebook.vocabulary import Vocabulary

OUTCOMES: Final[dict[Outcome, Literal["eligible", "ineligible", "unknown"]]] = {
    True: "eligible",
    False: "ineligible",
    None: "unknown",
}


@dataclass(frozen=True)
class Assessment:
    """The answer that people and other systems read, in the shape of the contract."""

    programme: str
    measure: int | None
    version: str
    on: date
    outcome: Literal["eligible", "ineligible", "unknown"]
    conditions: tuple[JsonObject, ...]
    missing: tuple[JsonObject, ...]
    flags: tuple[str, ...]
    near: tuple[JsonObject, ...]
    amount_fen: int | None
    amount_status: AmountStatus
    amount_kind: Literal["fixed", "ceiling"]
    reason: str
    reason_en: str
    ceilings: tuple[JsonObject, ...] = ()
    instalments: tuple[JsonObject, ...] = ()
    score: JsonObject | None = None
    classes: JsonObject = field(default_factory=dict[str, Any])

    def to_json(self) -> JsonObject:
        answer: JsonObject = {
            "programme": self.programme,
            "measure": self.measure,
            "version": self.version,
            "on": self.on.isoformat(),
            "outcome": self.outcome,
            "score": self.score,
            "conditions": [dict(entry) for entry in self.conditions],
            "missing": [dict(entry) for entry in self.missing],
            "flags": list(self.flags),
            "classes": self.classes,
            "near": [dict(entry) for entry in self.near],
            "amount_fen": self.amount_fen,
            "amount_status": self.amount_status,
            "amount_kind": self.amount_kind,
            "reason": self.reason,
            "reason_en": self.reason_en,
        }
        for name in ("ceilings", "instalments"):
            if entries := getattr(self, name):
                answer[name] = [dict(entry) for entry in entries]
        return answer

    def canonical(self) -> str:
        return canonical_json(self.to_json())


@dataclass(frozen=True)
class CompiledProgramme(ParsedProgramme):
    """A programme whose expressions are parsed, and whose function is made, once."""

    function: Function

    def decide(
        self, situation: Situation, parameters: Mapping[str, int | None] | None = None
    ) -> Verdict:
        """Answer without reasons, fast; for lists of firms and of programmes.

        The situation must have been checked against the vocabulary, as `read_situation` does.
        """
        return self._verdict(situation, self._in_force(parameters))

    def assess(
        self, situation: Situation, parameters: Mapping[str, int | None] | None = None
    ) -> Assessment:
        """Answer with every reason: facts used, what is missing, what failed narrowly."""
        values = self._in_force(parameters)
        self._check_types(situation)
        verdict = self._verdict(situation, values)
        world = World(situation, values)
        findings = self._findings(verdict, world)
        reason, reason_en = sentences(findings, self.vocabulary)
        return Assessment(
            programme=self.programme.id,
            measure=self.programme.measure,
            version=self.programme.version,
            on=situation.on,
            outcome=OUTCOMES[findings.outcome],
            conditions=tuple(_condition_json(f) for f in findings.conditions if _is_shown(f)),
            missing=tuple(
                {"fact": name, "year": year, "owner": self.vocabulary.owner_of(name)}
                for name, year in findings.missing
            ),
            flags=tuple(findings.flags),
            near=tuple(_near_json(f, miss) for f in findings.failed for miss in f.misses),
            amount_fen=findings.amount_fen,
            amount_status=findings.amount_status,
            amount_kind=self.programme.amount_kind,
            reason=reason,
            reason_en=reason_en,
            ceilings=self.terms.ceilings_json(self.programme, world),
            instalments=self.terms.instalments_json(self.programme, world, findings.amount_fen),
            score=self.sheet and _score_json(self.sheet, self.programme, world),
            classes={name: plain(value_of(n, world)) for name, n in self.classes.items()},
        )

    def _in_force(self, given: Mapping[str, int | None] | None) -> dict[str, int | None]:
        """Take the given number of each declared parameter, else the one a draft brings along."""
        given = given or {}
        values = {
            name: given.get(name, declared.value)
            for name, declared in self.programme.parameters.items()
        }
        for name, value in values.items():
            if value is not None and type(value) is not int:
                raise RuleError([Issue("bad-value", pointer_to("parameters", name))])
        return values

    def _verdict(self, situation: Situation, values: Mapping[str, int | None]) -> Verdict:
        (answer,) = self.function.answers(situation, values)
        return Verdict._make(answer)

    def _findings(self, verdict: Verdict, world: World) -> Findings:
        computed = dict(
            zip((condition.id for condition, _ in self.checks), verdict.checks, strict=True)
        )
        nodes = {condition.id: node for condition, node in self.checks}
        amount_is_open = verdict.outcome is True and verdict.amount_fen is None
        return Findings(
            programme=self.programme,
            outcome=verdict.outcome,
            conditions=[
                _finding(condition, nodes.get(condition.id), computed.get(condition.id), world)
                for condition in self.programme.conditions
            ],
            amount_fen=verdict.amount_fen,
            amount_cause=(
                cause_of(self.amount, world) if self.amount and amount_is_open else KNOWN
            ),
            is_history_open=self.asks_history and world.situation.history is None,
            class_causes=[cause_of(node, world) for node in self.classes.values()],
        )

    def _check_types(self, situation: Situation) -> None:
        """Refuse a situation that the vocabulary of today would read differently.

        Its bounds are not asked again: they guard what is stated, not what was frozen.
        """
        for name in self.facts:
            value = situation.facts.get(name)
            if value is None:
                continue
            fact, pointer = self.vocabulary[name], pointer_to("facts", name)
            if isinstance(value, Mapping) is not (fact.period == "year"):
                raise FactError([Issue("wrong-period", pointer, allowed=fact.period)])
            for known in value.values() if isinstance(value, Mapping) else [value]:
                check_type(fact, known, pointer)


def compile_programme(
    programme: Programme, vocabulary: Vocabulary, *, where: str = ""
) -> CompiledProgramme:
    """Parse every expression, name every fault at once, and make the function."""
    parsed = parse_programme(programme, vocabulary, where=where)
    return CompiledProgramme(
        **vars(parsed), function=compile_rules([(parsed.deciding, parsed.amount)])
    )


def _finding(condition: Condition, node: Node | None, outcome: Outcome, world: World) -> Finding:
    if node is None:
        return Finding(condition, None, {})
    cause = cause_of(node, world) if outcome is None else KNOWN
    misses = tuple(near_misses(node, world)) if outcome is False else ()
    return Finding(condition, outcome, facts_used(node, world), cause, misses)


def _is_shown(finding: Finding) -> bool:
    """Tell whether the condition is one of the text: a test that only flags is none."""
    return finding.condition.decides or finding.condition.manual


def _condition_json(finding: Finding) -> JsonObject:
    return {
        "id": finding.condition.id,
        "says": finding.condition.says,
        "outcome": TRUTHS[finding.outcome],
        "facts": finding.facts,
        "source": finding.condition.source,
    }


def _score_json(sheet: Sheet, programme: Programme, world: World) -> JsonObject:
    def span(tally: Tally) -> JsonObject:
        low, high = (plain(value_of(end, world)) for end in (tally.low, tally.high))
        return {"low": low, "high": high}

    table = cast("Score", programme.score)
    parts = [
        {"id": stated.id, **span(tally), "max": stated.max}
        for stated, tally in zip(table.parts, sheet.parts, strict=True)
    ]
    return {**span(sheet.total), "pass": table.pass_, "parts": parts}


def _near_json(finding: Finding, miss: Miss) -> JsonObject:
    return {
        "condition": finding.condition.id,
        "fact": miss.fact,
        "needed": plain(miss.needed),
        "actual": plain(miss.actual),
        "lacking": plain(miss.lacking),
        "lacking_bp": miss.lacking_bp,
    }
