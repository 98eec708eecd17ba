"""From the files of the plans to one `Library`: every fault is named with file, line and field."""

import hashlib
import os
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from services.policy.plan.actions.read_document import Document, Fault, PlanInvalid
from services.policy.plan.actions.read_facts import read_facts, read_holdings, word_of
from services.policy.plan.actions.read_measures import (
    VERSION_CHARS,
    MeasureReader,
    programme_ids,
    unaccounted,
)
from services.policy.plan.actions.read_parameters import bounds_of, read_parameters
from services.policy.plan.actions.read_stacking import FILE as STACKING_FILE
from services.policy.plan.actions.read_stacking import read_stacking
from services.policy.plan.actions.reading import Reading
from services.policy.plan.models import (
    FactsFile,
    MeasureFile,
    ParametersFile,
    PlanFile,
    StackingFile,
)
from services.policy.plan.rules import (
    ClosingClause,
    CompetitionReview,
    FactEntry,
    Library,
    Measure,
    Phrase,
    Plan,
    PlanProgramme,
    uncovered,
)
from services.policy.wording import Said
from services.rulebook import Vocabulary, canonical_json
from services.rulebook.errors import pointer_to

PLANS = Path(__file__).parents[1]
# Another city runs its own plans: a folder of plan folders, as the one of this package.
PLANS_VARIABLE = "LIANGXIN_PLANS"
PLAN_FOLDERS = Said(
    "每个政策一个文件夹，内有plan.yaml", "a folder for each plan, with its plan.yaml"
)


@cache
def library() -> Library:
    """Give the plans that this installation runs, read and checked once in a process."""
    return load_library(Path(os.environ.get(PLANS_VARIABLE, PLANS)))


def load_library(root: Path) -> Library:
    """Read every plan below a folder, or refuse with all faults.

    Facts come first, then measures, then parameters: each rests on the one before.
    """
    reading = Reading(root)
    folders = sorted(path.parent for path in root.glob("*/plan.yaml"))
    if not folders:
        raise PlanInvalid([_no_plans(root)])
    main = _main(folders)
    facts_document = reading.read(main / "facts.yaml")
    facts = read_facts(reading, facts_document, reading.shape(facts_document, FactsFile))
    recognitions = read_holdings(reading, facts_document, "recognitions")
    lists = read_holdings(reading, facts_document, "lists")
    documents = {folder: _measures(reading, folder) for folder in folders}
    vocabulary = Vocabulary(
        (word_of(entry) for entry in facts.values()),
        recognitions=recognitions,
        lists=lists,
        programmes=programme_ids(each for folder in documents.values() for each in folder),
    )
    paths = [folder / "parameters.yaml" for folder in folders]
    numbers = [path for path in paths if path.is_file()]
    _check_shapes(reading, folders, numbers, documents, vocabulary, facts)
    plans = {folder: _plan(reading, folder) for folder in folders}
    reader = MeasureReader(
        reading,
        vocabulary,
        facts,
        bounds_of(reading.shape(reading.read(path), ParametersFile) for path in numbers),
    )
    measures: list[Measure] = []
    editions: dict[str, list[PlanProgramme]] = {}
    for folder in folders:
        for document in documents[folder]:
            measure, found = reader.read(document, plans[folder])
            measures.append(measure)
            for each in found:
                _add_edition(reading, document, editions.setdefault(each.id, []), each)
    programmes = {name: found[0] for name, found in sorted(editions.items())}
    parameters = read_parameters(reading, numbers, programmes, reader.declared)
    stacking = read_stacking(reading, plans, documents, parameters)
    reading.raise_faults()
    return Library(
        plans={plan.id: plan for plan in plans.values()}, measures=tuple(measures),
        programmes=programmes,
        editions={name: tuple(found) for name, found in editions.items()}, facts=facts,
        recognitions=recognitions,
        lists=lists, parameters=parameters, vocabulary=vocabulary, main=plans[main],
        stacking=stacking, departments=reading.departments,
        by_department=_by_department(programmes),
    )  # fmt: skip


def _check_shapes(
    reading: Reading,
    folders: Iterable[Path],
    numbers: Iterable[Path],
    documents: Mapping[Path, list[Document]],
    vocabulary: Vocabulary,
    facts: Mapping[str, FactEntry],
) -> None:
    """Refuse files of another shape, all together, and with them the faults of every programme."""
    known = len(reading.faults)
    for folder in folders:
        reading.try_shape(reading.read(folder / "plan.yaml"), PlanFile)
        if (folder / STACKING_FILE).is_file():
            reading.try_shape(reading.read(folder / STACKING_FILE), StackingFile)
    bounds = [reading.try_shape(reading.read(path), ParametersFile) for path in numbers]
    for document in (each for found in documents.values() for each in found):
        reading.try_shape(document, MeasureFile)
    if len(reading.faults) == known:
        return
    stated = bounds_of(each for each in bounds if each is not None)
    reader = MeasureReader(reading, vocabulary, facts, stated)
    for document in (each for found in documents.values() for each in found):
        reader.read_programmes(document)
    reading.raise_faults()


def _no_plans(root: Path) -> Fault:
    """Say that a folder is not there, or has no plan in it."""
    found = Said("文件夹内没有任何政策", "no plan in this folder")
    if not root.is_dir():
        found = Said("没有这个文件夹", "there is no such folder")
    return Fault(root.as_posix(), 1, "", found, PLAN_FOLDERS)


def _main(folders: list[Path]) -> Path:
    """Find the plan that brings the vocabulary, which all others use."""
    main = [folder for folder in folders if (folder / "facts.yaml").is_file()]
    if len(main) != 1:
        found = Said(f"{len(main)}个政策写有词表", f"{len(main)} plans with a vocabulary")
        allowed = Said("恰有一个facts.yaml", "exactly one facts.yaml")
        raise PlanInvalid([Fault("facts.yaml", 1, "", found, allowed)])
    return main[0]


def _add_edition(
    reading: Reading, document: Document, known: list[PlanProgramme], new: PlanProgramme
) -> None:
    """Keep the newest edition first; two wordings of one day would be two laws."""
    start, end = new.edition_days
    for each in known:
        other_start, other_end = each.edition_days
        if start <= other_end and other_start <= end:
            found = Said(f"{new.id}在同一日有两个文本", f"{new.id} stands twice for a day")
            allowed = Said("edition日期互不重叠", "editions whose `edition` days do not meet")
            reading.fault(document, "/programmes", found, allowed)
    known.append(new)
    known.sort(key=lambda each: each.edition_days, reverse=True)


def _measures(reading: Reading, folder: Path) -> list[Document]:
    return [reading.read(path) for path in sorted((folder / "measures").glob("*.yaml"))]


def _plan(reading: Reading, folder: Path) -> Plan:
    document = reading.read(folder / "plan.yaml")
    file = reading.shape(document, PlanFile)
    if file.id != folder.name:
        allowed = Said(f"文件夹名{folder.name}", f"the folder's name, {folder.name}")
        reading.fault(document, "/id", Said(file.id, file.id), allowed)
    force = file.in_force
    return Plan(
        id=file.id, version=_version(reading, folder), title=file.title, english=file.english,
        status=file.status, document=file.document, unified_number=file.unified_number,
        published_on=file.published_on, legality_review=file.legality_review,
        collective_decision=file.collective_decision,
        competition_review=CompetitionReview(**file.competition_review.model_dump()),
        in_force_from=force.from_,
        days_after_publication=force.days_after_publication,
        in_force_reading=force.reading, in_force_to=force.to,
        closing_clauses=_closing_clauses(reading, document, file),
    )  # fmt: skip


def _closing_clauses(
    reading: Reading, document: Document, file: PlanFile
) -> dict[str, ClosingClause]:
    clauses: dict[str, ClosingClause] = {}
    for index, clause in enumerate(file.closing_clauses):
        phrases = tuple(
            Phrase(each.text, each.programmes, each.tasks, each.parameters, each.why_not)
            for each in clause.phrases
        )
        for rest in uncovered(clause.text, [each.text for each in phrases]):
            pointer = pointer_to("closing_clauses", index, "phrases")
            reading.fault(document, pointer, unaccounted(rest))
        clauses[clause.id] = ClosingClause(clause.id, clause.text, phrases)
    return clauses


def _version(reading: Reading, folder: Path) -> str:
    """Hash what all files of a plan say, so that a case can name what it was decided under."""
    paths = sorted(folder.rglob("*.yaml"))
    said = {p.relative_to(folder).as_posix(): reading.read(p).digest() for p in paths}
    return hashlib.sha256(canonical_json(said).encode()).hexdigest()[:VERSION_CHARS]


def _by_department(programmes: Mapping[str, PlanProgramme]) -> dict[str, tuple[str, ...]]:
    codes = {code for each in programmes.values() for code in each.department_codes}
    return {
        code: tuple(sorted(p.id for p in programmes.values() if code in p.department_codes))
        for code in sorted(codes)
    }
