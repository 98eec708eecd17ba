"""The numbers that clauses leave open: each with unit, meaning, bounds and what is known of it."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from services.policy.plan.actions.read_document import Document
from services.policy.plan.actions.reading import Reading
from services.policy.plan.models import BoundsFile, ParameterFile, ParametersFile
from services.policy.plan.rules import (
    DEMONSTRATION,
    DatedParameter,
    ParameterEntry,
    PlanProgramme,
    Unit,
)
from services.rulebook.errors import pointer_to

Declared = Mapping[str, tuple[Document, str]]


def read_parameters(
    reading: Reading,
    paths: Iterable[Path],
    programmes: Mapping[str, PlanProgramme],
    declared: Declared,
) -> dict[str, ParameterEntry]:
    """Read every parameter; what a programme declares must have an entry, and the reverse."""
    entries: dict[str, ParameterEntry] = {}
    for path in paths:
        document = reading.read(path)
        file = reading.shape(document, ParametersFile)
        samples = file.overlay.demonstration
        for name, each in file.parameters.items():
            if name in entries:
                pointer = pointer_to("parameters", name)
                reading.fault(document, pointer, "a parameter of another plan", "a name of its own")
            entries[name] = _entry(name, each, samples.get(name))
            _check(reading, document, entries[name], programmes, declared)
        for name in samples.keys() - file.parameters.keys():
            pointer = pointer_to("overlay", DEMONSTRATION, name)
            reading.fault(document, pointer, "no such parameter", " ".join(file.parameters))
    for name in sorted(declared.keys() - entries.keys()):
        document, pointer = declared[name]
        reading.fault(document, pointer, f"{name} is not in parameters.yaml", "an entry there")
    return entries


def bounds_of(reading: Reading, paths: Iterable[Path]) -> dict[str, BoundsFile]:
    """Give what each parameter cannot leave, so that a rule can be proved not to overflow."""
    files = [reading.shape(reading.read(path), ParametersFile) for path in paths]
    stated = ((name, each.bounds) for file in files for name, each in file.parameters.items())
    return {name: bounds for name, bounds in stated if bounds is not None}


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


def _check(
    reading: Reading,
    document: Document,
    entry: ParameterEntry,
    programmes: Mapping[str, PlanProgramme],
    declared: Declared,
) -> None:
    pointer = pointer_to("parameters", entry.id)
    if (entry.unit is Unit.MODE) is not bool(entry.allowed):
        reading.fault(document, pointer, "`allowed` without a mode, or a mode without it")
    for index, dated in enumerate(entry.values):
        if fault := value_fault(entry, dated.value):
            reading.fault(document, f"{pointer}/values/{index}/value", *fault)
    days = [dated.valid_from for dated in entry.values]
    if len(set(days)) != len(days):
        reading.fault(document, f"{pointer}/values", "two values for one day", "one value a day")
    if entry.sample is not None and (fault := value_fault(entry, entry.sample)):
        reading.fault(document, pointer_to("overlay", DEMONSTRATION, entry.id), *fault)
    if entry.programme is None:
        return
    programme = programmes.get(entry.programme)
    name = entry.id.partition(".")[2]
    stated = programme.compiled.programme.parameters if programme else {}
    if name not in stated:
        if entry.id not in declared:
            reading.fault(document, pointer, "no programme declares it", " ".join(declared))
    elif stated[name].unit != entry.unit:
        reading.fault(document, f"{pointer}/unit", str(entry.unit), stated[name].unit)


def _entry(name: str, file: ParameterFile, sample: int | None) -> ParameterEntry:
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
