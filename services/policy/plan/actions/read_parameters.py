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
from services.policy.wording import Said, nearest_of, one_of
from services.rulebook.errors import pointer_to

OF_ANOTHER_PLAN = Said("另一政策已有此参数", "a parameter of another plan")
OWN_NAME = Said("另取名称", "a name of its own")
NO_PARAMETER = Said("没有这个参数", "no such parameter")
MODE_AND_ALLOWED = Said(
    "allowed与mode单位须同时写", "`allowed` without a mode, or a mode without it"
)
TWO_VALUES = (
    Said("同一日有两个取值", "two values for one day"), Said("每日一个取值", "one value a day")
)  # fmt: skip
UNDECLARED = Said("没有项目声明此参数", "no programme declares it")
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
                reading.fault(document, pointer, OF_ANOTHER_PLAN, OWN_NAME)
            entries[name] = _entry(name, each, samples.get(name))
            _check(reading, document, entries[name], programmes, declared)
        for name in samples.keys() - file.parameters.keys():
            pointer = pointer_to("overlay", DEMONSTRATION, name)
            reading.fault(document, pointer, NO_PARAMETER, nearest_of(name, file.parameters))
    for name in sorted(declared.keys() - entries.keys()):
        document, pointer = declared[name]
        found = Said(f"parameters.yaml中没有{name}", f"{name} is not in parameters.yaml")
        reading.fault(document, pointer, found, Said("在该文件中列明", "an entry there"))
    return entries


def bounds_of(files: Iterable[ParametersFile]) -> dict[str, BoundsFile]:
    """Give what each parameter cannot leave, so that a rule can be proved not to overflow."""
    stated = ((name, each.bounds) for file in files for name, each in file.parameters.items())
    return {name: bounds for name, bounds in stated if bounds is not None}


def value_fault(entry: ParameterEntry, value: object) -> tuple[Said, Said] | None:
    """Tell what is wrong with a parameter's value, and what would be accepted."""
    if entry.unit is Unit.MODE:
        is_known = value in entry.allowed
        return None if is_known else (Said("没有这种方式", "no such mode"), one_of(entry.allowed))
    if type(value) is not int:
        return Said("不是整数", "no whole number"), Said(
            f"整数，单位{entry.unit}", f"a whole number of {entry.unit}"
        )
    low = entry.low if entry.low is not None else 0
    if value < low or (entry.high is not None and value > entry.high):
        return Said("超出取值范围", "a number out of bounds"), Said(
            f"{low}至{entry.high}", f"{low} to {entry.high}"
        )
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
        reading.fault(document, pointer, MODE_AND_ALLOWED)
    for index, dated in enumerate(entry.values):
        if fault := value_fault(entry, dated.value):
            reading.fault(document, f"{pointer}/values/{index}/value", *fault)
    days = [dated.valid_from for dated in entry.values]
    if len(set(days)) != len(days):
        reading.fault(document, f"{pointer}/values", *TWO_VALUES)
    if entry.sample is not None and (fault := value_fault(entry, entry.sample)):
        reading.fault(document, pointer_to("overlay", DEMONSTRATION, entry.id), *fault)
    if entry.programme is None:
        return
    programme = programmes.get(entry.programme)
    name = entry.id.partition(".")[2]
    stated = programme.compiled.programme.parameters if programme else {}
    if name not in stated:
        if entry.id not in declared:
            reading.fault(document, pointer, UNDECLARED, nearest_of(entry.id, declared))
    elif stated[name].unit != entry.unit:
        found = Said(f"单位与项目所写不同：{entry.unit}", f"another unit: {entry.unit}")
        reading.fault(document, f"{pointer}/unit", found, one_of([stated[name].unit]))


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
