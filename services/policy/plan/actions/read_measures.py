"""A measure: its clause, every phrase of it accounted for, its programmes and its tasks."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

from services.policy.plan.actions.faults_beside import faults_beside
from services.policy.plan.actions.read_document import Document
from services.policy.plan.actions.reading import Reading, told
from services.policy.plan.models import BoundsFile, MeasureFile, PhraseFile, TaskFile
from services.policy.plan.rules import (
    FactEntry,
    Measure,
    Phrase,
    Plan,
    PlanProgramme,
    Task,
    uncovered,
)
from services.policy.records import RECORDS
from services.policy.titles.rules import title_faults
from services.policy.wording import Said, nearest_of, one_of
from services.rulebook import (
    CompiledProgramme,
    Programme,
    RuleError,
    Vocabulary,
    canonical_json,
    compile_programme,
    load_programme,
    run_examples,
)
from services.rulebook.errors import pointer_to

VERSION_CHARS = 12
EVERY_PHRASE = Said(
    "条款的每一语句，依其次序和文字", "every phrase of the clause, in its order and its words"
)
NO_KIND = Said("没有写明类型", "no kind"), Said("项目给予什么", "what the programme hands out")
NO_WORD_ON_APPLYING = (
    Said("没有写明能否免申即享", "nothing"), Said("写明是否可以及理由", "allowed or not, and why")
)  # fmt: skip
NO_RECORD = Said("没有业务记录", "no record")
NO_EXAMPLE = (
    Said("规则没有示例", "a rule without an example"), Said("至少一个示例", "at least one example")
)  # fmt: skip
# What is no part of who is entitled to what: steps are kept with the cases that take them.
NOT_THE_RULE = {"examples", "steps"}


class MeasureReader:
    """Reads measures under one vocabulary; `declared` collects the parameters they leave open."""

    def __init__(
        self,
        reading: Reading,
        vocabulary: Vocabulary,
        facts: Mapping[str, FactEntry],
        bounds: Mapping[str, BoundsFile],
    ) -> None:
        self.reading = reading
        self.vocabulary = vocabulary
        self.facts = facts
        self.bounds = bounds
        self.declared: dict[str, tuple[Document, str]] = {}

    def read(self, document: Document, plan: Plan) -> tuple[Measure, list[PlanProgramme]]:
        file = self.reading.shape(document, MeasureFile)
        kept = self.read_programmes(document)
        lead = self.reading.department(document, "/departments/lead", file.departments.lead)
        support = self.reading.support(document, "/departments/support", file.departments.support)
        tasks = tuple(
            self._task(document, index, each, file) for index, each in enumerate(file.tasks)
        )
        measure = Measure(
            plan=plan, id=Path(document.file).stem, number=file.number, part=file.part,
            heading=file.heading, clause=file.clause, verbatim=file.verbatim, lead=lead,
            support=support, departments_provisional=file.departments.provisional,
            programmes=tuple(dict.fromkeys(each.programme.id for each in kept)), tasks=tasks,
            phrases=self._phrases(document, file),
        )  # fmt: skip
        return measure, [PlanProgramme(each, measure, rule_text(each)) for each in kept]

    def read_programmes(self, document: Document) -> list[CompiledProgramme]:
        """Compile the programmes of a file, also of one that has faults beside them."""
        number, stated = document.data.get("number"), document.data.get("programmes")
        compiled = [
            self._programme(document, index, {**data, "measure": number})
            for index, data in enumerate(stated if isinstance(stated, list) else [])
            if isinstance(data, dict)
        ]
        return [each for each in compiled if each is not None]

    def _phrases(self, document: Document, file: MeasureFile) -> tuple[Phrase, ...]:
        """Check that the phrases are the clause, and that each leads to something that exists."""
        for rest in uncovered(file.clause, [each.text for each in file.phrases]):
            self.reading.fault(document, "/phrases", unaccounted(rest), EVERY_PHRASE)
        names = {each.get("id") for each in file.programmes}
        for index, phrase in enumerate(file.phrases):
            self._check_targets(document, index, phrase, names, {t.id for t in file.tasks})
        return tuple(
            Phrase(each.text, each.programmes, each.tasks, each.parameters, each.why_not)
            for each in file.phrases
        )

    def _check_targets(
        self,
        document: Document,
        index: int,
        phrase: PhraseFile,
        programmes: set[str | None],
        tasks: set[str],
    ) -> None:
        for key, given, known in (
            ("programmes", phrase.programmes, {name for name in programmes if name}),
            ("tasks", phrase.tasks, tasks),
        ):
            for name in given:
                if name not in known:
                    pointer = pointer_to("phrases", index, key)
                    found = Said(f"没有{name}", f"no {name} here")
                    self.reading.fault(document, pointer, found, nearest_of(name, known))

    def _task(self, document: Document, index: int, file: TaskFile, measure: MeasureFile) -> Task:
        at = pointer_to("tasks", index)
        lead = file.lead or measure.departments.lead
        return Task(
            id=file.id, title=file.title, english=file.english,
            lead=self.reading.department(document, f"{at}/lead", lead),
            support=self.reading.support(document, f"{at}/support", file.support),
            due=file.due, every=file.every, done_when=file.done_when, source=file.source,
        )  # fmt: skip

    def _programme(
        self, document: Document, index: int, data: Mapping[str, Any]
    ) -> CompiledProgramme | None:
        """Compile one programme and work its examples; None where it has a fault."""
        base = pointer_to("programmes", index)
        try:
            programme = self._bounded(load_programme(data))
            compiled = compile_programme(programme, self.vocabulary)
        except RuleError as error:
            for issue in (*error.issues, *faults_beside(data, error, self._compile)):
                self.reading.fault(document, base + issue.pointer, *told(issue))
            # What it declares counts as declared, so that its number is no second fault.
            self._declare(document, base, data.get("id"), data.get("parameters"))
            return None
        self._declare(document, base, programme.id, programme.parameters)
        version = _short(rule_text(compiled))
        compiled = replace(compiled, programme=programme.model_copy(update={"version": version}))
        self._check_administration(document, base, compiled)
        self._work_examples(document, base, compiled)
        return compiled

    def _declare(self, document: Document, base: str, programme: object, names: object) -> None:
        for name in cast("Mapping[Any, Any]", names) if isinstance(names, Mapping) else ():
            pointer = base + pointer_to("parameters", name)
            self.declared[f"{programme}.{name}"] = (document, pointer)

    def _compile(self, data: Mapping[str, Any]) -> None:
        compile_programme(self._bounded(load_programme(data)), self.vocabulary)

    def _bounded(self, programme: Programme) -> Programme:
        """Bound each number as parameters.yaml does, so that products can be proved to fit."""
        declared = {
            name: each.model_copy(update=bounds.model_dump())
            if (bounds := self.bounds.get(f"{programme.id}.{name}"))
            else each
            for name, each in programme.parameters.items()
        }
        return programme.model_copy(update={"parameters": declared})

    def _check_administration(
        self, document: Document, base: str, compiled: CompiledProgramme
    ) -> None:
        """Refuse a programme of a plan that leaves open what a draft may leave open."""
        programme, fault = compiled.programme, self.reading.fault
        if programme.kind == "award" or "kind" not in programme.model_fields_set:
            fault(document, f"{base}/kind", *NO_KIND)
        if programme.without_application is None:
            fault(document, f"{base}/without_application", *NO_WORD_ON_APPLYING)
        if not programme.records:
            fault(document, f"{base}/records", NO_RECORD, one_of(RECORDS))
        for index, name in enumerate(programme.records):
            if name not in RECORDS:
                found = Said(f"没有{name}这类记录", f"no record is called {name}")
                fault(document, f"{base}/records/{index}", found, nearest_of(name, RECORDS))
        for pointer, found, allowed in title_faults(programme, self.vocabulary.recognitions):
            fault(document, base + pointer, found, allowed)
        if programme.departments is not None:
            at = f"{base}/departments"
            self.reading.department(document, f"{at}/lead", programme.departments.lead)
            self.reading.support(document, f"{at}/support", programme.departments.support)
        self._check_steps(document, base, programme)
        self._check_panel(document, base, programme)
        subjects = {programme.beneficiary, programme.matter, *programme.subjects}
        for name in compiled.facts:
            if (subject := self.facts[name].subject) not in subjects:
                found = Said(f"{name}是{subject}的事实", f"{name} is a fact of a {subject}")
                names = " ".join(sorted(subjects))
                allowed = Said(
                    f"{names}的事实，或写明subjects: [{subject}]",
                    f"facts of {names}, or `subjects: [{subject}]`",
                )
                fault(document, base, found, allowed)

    def _check_steps(self, document: Document, base: str, programme: Programme) -> None:
        """Let only those review whose desks have the case: its lead and its support."""
        file = self.reading.try_shape(document, MeasureFile)
        own = programme.departments or (file and file.departments)
        if own is None:
            return
        desks = (own.lead, *own.support)
        for index, step in enumerate(programme.steps):
            for place, code in enumerate(step.departments):
                if code not in desks:
                    pointer = base + pointer_to("steps", index, "departments", place)
                    found = Said(
                        f"{code}既不牵头也不配合该项目",
                        f"{code} neither leads nor supports the programme",
                    )
                    self.reading.fault(document, pointer, found, one_of(desks))

    def _check_panel(self, document: Document, base: str, programme: Programme) -> None:
        """Refuse a panel whose score would become a fact that is no number of points."""
        name = programme.panel.points if programme.panel else None
        fact = self.facts.get(name) if name else None
        if name is not None and (fact is None or (fact.type, fact.period) != ("int", "day")):
            names = [each.name for each in self.facts.values() if each.unit == "points"]
            found = Said(f"{name}不是以分计的事实", f"{name} is no fact that is a number of points")
            self.reading.fault(document, f"{base}/panel/points", found, nearest_of(name, names))

    def _work_examples(self, document: Document, base: str, compiled: CompiledProgramme) -> None:
        examples = compiled.programme.examples
        if not examples:
            self.reading.fault(document, base, *NO_EXAMPLE)
        names = [example.name for example in examples]
        for failure in run_examples(compiled):
            pointer = f"{base}/examples/{names.index(failure.example)}/expect"
            found = Said(
                f"示例“{failure.example}”的{failure.what}按规则为{failure.given!r}",
                f"the rule gives {failure.given!r}: {failure}",
            )
            expected = repr(failure.expected)
            self.reading.fault(document, pointer, found, Said(expected, expected))


def unaccounted(rest: str) -> Said:
    return Said(f"“{rest}”没有交代", f"{rest} is not accounted for")


def programme_ids(documents: Iterable[Document]) -> set[str]:
    """Name every programme before any is read: a rule may ask for the history of another."""
    ids: set[str] = set()
    for document in documents:
        found = document.data.get("programmes")
        for programme in found if isinstance(found, list) else []:
            if isinstance(programme, dict) and isinstance(programme.get("id"), str):
                ids.add(programme["id"])
    return ids


def rule_text(compiled: CompiledProgramme) -> str:
    """Write a rule with the facts it looks at, so that it can be read again without the plan."""
    names = sorted({*compiled.facts, "recognitions", "lists"} & compiled.vocabulary.keys())
    return canonical_json(
        {
            "facts": [asdict(compiled.vocabulary[name]) for name in names],
            "programme": compiled.programme.model_dump(mode="json", exclude=NOT_THE_RULE),
        }
    )


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:VERSION_CHARS]
