"""From the files of the plans to one `Library`: every fault is named with file, line and field."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from services.policy.plan.actions.read_document import Document, Fault, PlanInvalid, read_document
from services.policy.plan.models import (
    FactsFile,
    MeasureFile,
    ParameterFile,
    ParametersFile,
    PlanFile,
)
from services.policy.plan.rules import (
    DEMONSTRATION,
    DatedParameter,
    Department,
    FactEntry,
    Library,
    Measure,
    ParameterEntry,
    Plan,
    PlanProgramme,
    Unit,
)
from services.rulebook import (
    CompiledProgramme,
    Fact,
    Programme,
    RuleError,
    Vocabulary,
    canonical_json,
    compile_programme,
    load_programme,
    run_examples,
)
from services.rulebook.errors import pointer_to

PLANS = Path(__file__).parents[1]
VERSION_CHARS = 12
FileT = TypeVar("FileT", bound=BaseModel)


@cache
def library() -> Library:
    """Give the plans of this release, read and checked once in a process."""
    return load_library(PLANS)


def load_library(root: Path) -> Library:
    """Read every plan below a folder, or refuse with all faults."""
    return _Loader(root).load()


class _Loader:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.faults: list[Fault] = []
        self.departments: dict[str, Department] = {}
        self.declared: dict[str, tuple[Document, str]] = {}
        self.documents: dict[Path, Document] = {}
        self.numbers: dict[Path, ParametersFile] = {}

    def load(self) -> Library:
        """Read facts first, then numbers, then measures: each rests on the one before."""
        folders = sorted(path.parent for path in self.root.glob("*/plan.yaml"))
        main = self._main(folders)
        facts_document = self._read(main / "facts.yaml")
        facts_file = self._shape(facts_document, FactsFile)
        facts = self._facts(facts_document, facts_file)
        documents = {folder: self._documents(folder) for folder in folders}
        vocabulary = Vocabulary(
            (_fact(entry) for entry in facts.values()),
            recognitions=facts_file.recognitions,
            lists=facts_file.lists,
            programmes=_programme_ids(documents.values()),
        )
        plans = {folder: self._plan(folder) for folder in folders}
        self.numbers = {
            folder: self._shape(self._read(folder / "parameters.yaml"), ParametersFile)
            for folder in folders
            if (folder / "parameters.yaml").is_file()
        }
        measures: list[Measure] = []
        programmes: dict[str, PlanProgramme] = {}
        for folder in folders:
            for document in documents[folder]:
                measure, found = self._measure(document, plans[folder], vocabulary)
                measures.append(measure)
                for each in found:
                    if each.id in programmes:
                        self._fault(document, "/programmes", f"{each.id} stands twice")
                    programmes[each.id] = each
        parameters = self._parameters(programmes)
        if self.faults:
            raise PlanInvalid(self.faults)
        return Library(
            plans={plan.id: plan for plan in plans.values()},
            measures=tuple(measures),
            programmes=dict(sorted(programmes.items())),
            facts=facts,
            parameters=parameters,
            vocabulary=vocabulary,
            main=plans[main],
            by_department=_by_department(programmes),
        )

    def _main(self, folders: list[Path]) -> Path:
        """Find the plan that brings the vocabulary, which all others use."""
        main = [folder for folder in folders if (folder / "facts.yaml").is_file()]
        if len(main) != 1:
            found = f"{len(main)} plans with a vocabulary"
            raise PlanInvalid([Fault("facts.yaml", 1, "", found, "exactly one facts.yaml")])
        return main[0]

    def _documents(self, folder: Path) -> list[Document]:
        return [self._read(path) for path in sorted((folder / "measures").glob("*.yaml"))]

    def _facts(self, document: Document, file: FactsFile) -> dict[str, FactEntry]:
        self.departments = {c: Department(c, name) for c, name in file.bureaus.items()}
        entries: dict[str, FactEntry] = {}
        for name, fact in file.facts.items():
            pointer = pointer_to("facts", name)
            source = file.sources.get(fact.source)
            if source is None:
                allowed = " ".join(file.sources)
                self._fault(document, f"{pointer}/source", f"{fact.source} is no source", allowed)
                continue
            entry = FactEntry(
                name=name, period=fact.period, type=fact.type, unit=fact.unit, zh=fact.zh,
                en=fact.en, owner=self._department(document, f"{pointer}/owner", fact.owner),
                source=fact.source, source_zh=source.zh, source_en=source.en,
                sharing=fact.sharing, low=fact.bounds and fact.bounds.low,
                high=fact.bounds and fact.bounds.high, values=fact.values,
            )  # fmt: skip
            if (entry.type == "int") is (fact.bounds is None):
                allowed = "bounds for a number, and for nothing else"
                self._fault(document, f"{pointer}/bounds", "bounds that do not fit", allowed)
                continue
            try:
                _fact(entry)
            except RuleError as error:
                self._fault(document, pointer, error.issues[0].found)
                continue
            entries[name] = entry
        if self.faults:
            raise PlanInvalid(self.faults)
        return entries

    def _plan(self, folder: Path) -> Plan:
        document = self._read(folder / "plan.yaml")
        file = self._shape(document, PlanFile)
        if file.id != folder.name:
            self._fault(document, "/id", f"{file.id}", f"the folder's name, {folder.name}")
        force = file.in_force
        return Plan(
            id=file.id, version=self._version(folder), title=file.title, english=file.english,
            status=file.status, document=file.document, unified_number=file.unified_number,
            published_on=file.published_on, legality_review=file.legality_review,
            collective_decision=file.collective_decision, in_force_from=force.from_,
            days_after_publication=force.days_after_publication,
            in_force_reading=force.reading, in_force_to=force.to,
            closing_clauses={clause.id: clause.text for clause in file.closing_clauses},
        )  # fmt: skip

    def _version(self, folder: Path) -> str:
        """Hash what all files of a plan say, so that a case can name what it was decided under."""
        paths = sorted(folder.rglob("*.yaml"))
        said = {p.relative_to(folder).as_posix(): self._read(p).digest() for p in paths}
        return _short(canonical_json(said))

    def _measure(
        self, document: Document, plan: Plan, vocabulary: Vocabulary
    ) -> tuple[Measure, list[PlanProgramme]]:
        file = self._shape(document, MeasureFile)
        compiled = [
            self._programme(document, index, file.number, vocabulary)
            for index in range(len(file.programmes))
        ]
        kept = [each for each in compiled if each is not None]
        where = "/departments"
        measure = Measure(
            plan=plan, id=Path(document.file).stem, number=file.number, part=file.part,
            heading=file.heading, clause=file.clause, verbatim=file.verbatim,
            lead=self._department(document, f"{where}/lead", file.departments.lead),
            support=tuple(
                self._department(document, f"{where}/support/{index}", code)
                for index, code in enumerate(file.departments.support)
            ),
            departments_provisional=file.departments.provisional,
            programmes=tuple(each.programme.id for each in kept),
        )  # fmt: skip
        return measure, [PlanProgramme(each, measure, rule_text(each)) for each in kept]

    def _programme(
        self, document: Document, index: int, number: int | None, vocabulary: Vocabulary
    ) -> CompiledProgramme | None:
        """Compile one programme and work its examples; None where it has a fault."""
        base = pointer_to("programmes", index)
        data = {**document.data["programmes"][index], "measure": number}
        try:
            programme = self._bounded(load_programme(data))
            compiled = compile_programme(programme, vocabulary)
        except RuleError as error:
            for issue in error.issues:
                found = f"{issue.detail_en}: {issue.found or issue.expression}"
                if issue.found and issue.expression not in ("", issue.found):
                    found += f", in `{issue.expression}`"
                self._fault(document, base + issue.pointer, found, issue.allowed)
            return None
        for name in programme.parameters:
            pointer = f"{base}/parameters/{name}"
            self.declared[f"{programme.id}.{name}"] = (document, pointer)
        version = _short(rule_text(compiled))
        compiled = replace(compiled, programme=programme.model_copy(update={"version": version}))
        self._work_examples(document, base, compiled)
        return compiled

    def _bounded(self, programme: Programme) -> Programme:
        """Bound each number as parameters.yaml does, so that products can be proved to fit."""
        stated = {
            name: each for file in self.numbers.values() for name, each in file.parameters.items()
        }
        declared = dict(programme.parameters)
        for name, each in programme.parameters.items():
            entry = stated.get(f"{programme.id}.{name}")
            if entry is not None and entry.bounds is not None:
                declared[name] = each.model_copy(update=entry.bounds.model_dump())
        return programme.model_copy(update={"parameters": declared})

    def _work_examples(self, document: Document, base: str, compiled: CompiledProgramme) -> None:
        examples = compiled.programme.examples
        if not examples:
            self._fault(document, base, "a rule without an example", "at least one example")
        names = [example.name for example in examples]
        for failure in run_examples(compiled):
            pointer = f"{base}/examples/{names.index(failure.example)}/expect"
            self._fault(document, pointer, f"the rule gives {failure.given!r}", str(failure))

    def _parameters(self, programmes: Mapping[str, PlanProgramme]) -> dict[str, ParameterEntry]:
        entries: dict[str, ParameterEntry] = {}
        for folder, file in self.numbers.items():
            document = self._read(folder / "parameters.yaml")
            samples = file.overlay.demonstration
            for name, each in file.parameters.items():
                entries[name] = _parameter(name, each, samples.get(name))
                self._check_parameter(document, entries[name], programmes)
            for name in samples.keys() - file.parameters.keys():
                pointer = pointer_to("overlay", DEMONSTRATION, name)
                self._fault(document, pointer, "no such parameter", " ".join(file.parameters))
        for name in self.declared.keys() - entries.keys():
            document, pointer = self.declared[name]
            self._fault(document, pointer, f"{name} is not in parameters.yaml", "an entry there")
        return entries

    def _check_parameter(
        self, document: Document, entry: ParameterEntry, programmes: Mapping[str, PlanProgramme]
    ) -> None:
        pointer = pointer_to("parameters", entry.id)
        if (entry.unit is Unit.MODE) is not bool(entry.allowed):
            self._fault(document, pointer, "`allowed` without a mode, or a mode without it")
        for index, dated in enumerate(entry.values):
            if fault := value_fault(entry, dated.value):
                self._fault(document, f"{pointer}/values/{index}/value", *fault)
        if entry.sample is not None and (fault := value_fault(entry, entry.sample)):
            self._fault(document, pointer_to("overlay", DEMONSTRATION, entry.id), *fault)
        if entry.programme is None:
            return
        programme = programmes.get(entry.programme)
        name = entry.id.partition(".")[2]
        declared = programme.compiled.programme.parameters if programme else {}
        if name not in declared:
            self._fault(document, pointer, "no programme declares it", " ".join(self.declared))
        elif declared[name].unit != entry.unit:
            self._fault(document, f"{pointer}/unit", str(entry.unit), declared[name].unit)

    def _read(self, path: Path) -> Document:
        if path not in self.documents:
            self.documents[path] = read_document(path, self.root)
        return self.documents[path]

    def _shape(self, document: Document, shape: type[FileT]) -> FileT:
        try:
            return shape.model_validate(document.data)
        except ValidationError as error:
            raise PlanInvalid(
                [
                    document.fault(pointer_to(*each["loc"]), each["msg"], _allowed(shape, each))
                    for each in error.errors(include_url=False, include_input=False)
                ]
            ) from None

    def _department(self, document: Document, pointer: str, code: str) -> Department:
        if code not in self.departments:
            self._fault(document, pointer, f"{code} is no bureau", " ".join(self.departments))
        return self.departments.get(code, Department(code, code))

    def _fault(self, document: Document, pointer: str, found: str, allowed: str = "") -> None:
        self.faults.append(document.fault(pointer, found, allowed))


def rule_text(compiled: CompiledProgramme) -> str:
    """Write a rule with the facts it looks at, so that it can be read again without the plan."""
    names = sorted({*compiled.facts, "recognitions", "lists"} & compiled.vocabulary.keys())
    return canonical_json(
        {
            "facts": [asdict(compiled.vocabulary[name]) for name in names],
            "programme": compiled.programme.model_dump(mode="json", exclude={"examples"}),
        }
    )


def value_fault(entry: ParameterEntry, value: object) -> tuple[str, str] | None:
    """Tell what is wrong with a parameter's value, and what would be accepted."""
    if entry.unit is Unit.MODE:
        return None if value in entry.allowed else ("no such mode", " ".join(entry.allowed))
    if type(value) is not int:
        return "no whole number", f"a whole number of {entry.unit}"
    low = entry.low if entry.low is not None else 0
    if value < low or (entry.high is not None and value > entry.high):
        return "a number out of bounds", f"{low} to {entry.high}"
    return None


def _parameter(name: str, file: ParameterFile, sample: int | None) -> ParameterEntry:
    values = () if isinstance(file.values, str) else file.values
    return ParameterEntry(
        id=name, programme=name.partition(".")[0] if "." in name else None, zh=file.zh,
        en=file.en, unit=file.unit, clause=file.clause, low=file.bounds and file.bounds.low,
        high=file.bounds and file.bounds.high, allowed=file.allowed, sample=sample,
        values=tuple(
            DatedParameter(each.value, each.valid_from, each.source, each.reading)
            for each in sorted(values, key=lambda each: each.valid_from)
        ),
    )  # fmt: skip


def _fact(entry: FactEntry) -> Fact:
    return Fact(
        name=entry.name, period=entry.period, type=entry.type,  # type: ignore[arg-type]
        unit=entry.unit or "", title=entry.zh, english=entry.en, owner=entry.owner.name,
        low=entry.low, high=entry.high,
    )  # fmt: skip


def _programme_ids(documents: Iterable[list[Document]]) -> Iterator[str]:
    """Name every programme before any is read: a rule may ask for the history of another."""
    for document in (each for folder in documents for each in folder):
        found = document.data.get("programmes")
        for programme in found if isinstance(found, list) else []:
            if isinstance(programme, dict) and isinstance(programme.get("id"), str):
                yield programme["id"]


def _by_department(programmes: Mapping[str, PlanProgramme]) -> dict[str, tuple[str, ...]]:
    codes = {code for each in programmes.values() for code in each.department_codes}
    return {
        code: tuple(sorted(p.id for p in programmes.values() if code in p.department_codes))
        for code in sorted(codes)
    }


def _allowed(shape: type[BaseModel], error: Any) -> str:
    context = error.get("ctx") or {}
    if "expected" in context:
        return str(context["expected"])
    if error["type"] == "extra_forbidden" and len(error["loc"]) == 1:
        return " ".join(shape.model_fields)
    return ""


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:VERSION_CHARS]
