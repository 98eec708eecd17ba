"""The vocabulary of a plan: every fact with its owner, its lawful source and its subject."""

from services.policy.plan.actions.read_document import Document
from services.policy.plan.actions.reading import Reading, told
from services.policy.plan.models import FactFile, FactsFile
from services.policy.plan.rules import Department, FactEntry, HoldingEntry
from services.policy.wording import Said, one_of
from services.rulebook import Fact, RuleError
from services.rulebook.errors import pointer_to


def read_facts(reading: Reading, document: Document, file: FactsFile) -> dict[str, FactEntry]:
    """Read every fact, or refuse with all faults: no rule can be read without its words."""
    reading.departments = {code: Department(code, name) for code, name in file.bureaus.items()}
    entries = {name: _entry(reading, document, file, name) for name in file.facts}
    reading.raise_faults()
    return {name: entry for name, entry in entries.items() if entry is not None}


def read_holdings(reading: Reading, document: Document, key: str) -> dict[str, HoldingEntry]:
    """Read the recognitions or lists that rules may name."""
    file = reading.shape(document, FactsFile)
    stated = file.recognitions if key == "recognitions" else file.lists
    return {
        name: HoldingEntry(
            id=name, zh=each.zh, en=each.en, criteria=each.criteria,
            owner=reading.department(document, pointer_to(key, name, "owner"), each.owner),
        )
        for name, each in stated.items()
    }  # fmt: skip


def word_of(entry: FactEntry) -> Fact:
    """Give the fact as the rule language knows it."""
    return Fact(
        name=entry.name, period=entry.period, type=entry.type,  # type: ignore[arg-type]
        unit=entry.unit or "", title=entry.zh, english=entry.en, owner=entry.owner.name,
        low=entry.low, high=entry.high,
    )  # fmt: skip


def _entry(reading: Reading, document: Document, file: FactsFile, name: str) -> FactEntry | None:
    fact: FactFile = file.facts[name]
    pointer = pointer_to("facts", name)
    source = file.sources.get(fact.source)
    if source is None:
        found = Said(f"{fact.source}不是已列明的来源", f"{fact.source} is no source")
        reading.fault(document, f"{pointer}/source", found, one_of(file.sources))
        return None
    entry = FactEntry(
        name=name, subject=fact.subject, period=fact.period, type=fact.type, unit=fact.unit,
        zh=fact.zh, en=fact.en, owner=reading.department(document, f"{pointer}/owner", fact.owner),
        source=fact.source, source_zh=source.zh, source_en=source.en, sharing=fact.sharing,
        restricts=fact.restricts, is_survey=source.survey,
        low=fact.bounds and fact.bounds.low, high=fact.bounds and fact.bounds.high,
        values=fact.values,
    )  # fmt: skip
    if (entry.type == "int") is (fact.bounds is None):
        found = Said("取值范围与类型不符", "bounds that do not fit")
        allowed = Said("整数须写范围，其他类型不写", "bounds for a number, and for nothing else")
        reading.fault(document, f"{pointer}/bounds", found, allowed)
        return None
    try:
        word_of(entry)
    except RuleError as error:
        for issue in error.issues:
            reading.fault(document, pointer, *told(issue))
        return None
    return entry
