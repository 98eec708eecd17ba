"""What may be received together, from the `stacking.yaml` beside each plan.

A group that several programmes share must be declared: a misspelt one would compete with nobody.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from services.policy.plan.actions.read_document import Document
from services.policy.plan.actions.read_measures import programme_ids
from services.policy.plan.actions.reading import Reading
from services.policy.plan.models import HighestRuleFile, OneClauseRuleFile, StackingFile
from services.policy.plan.rules import ParameterEntry, Plan, Unit
from services.policy.stacking.rules import Confidence, Stacking, StackingGroup, StackingRule
from services.rulebook.errors import nearest, pointer_to
from services.rulebook.stacking import Clause, OneClause

FILE = "stacking.yaml"


def read_stacking(
    reading: Reading,
    plans: Mapping[Path, Plan],
    documents: Mapping[Path, Sequence[Document]],
    parameters: Mapping[str, ParameterEntry],
) -> Stacking:
    """Read the rules of every plan; exactly one of them states 从高、不重复, for all."""
    reader = _StackingReader(reading, documents)
    files = {
        folder: reading.shape(reading.read(folder / FILE), StackingFile)
        for folder in plans
        if (folder / FILE).is_file()
    }
    for folder, file in files.items():
        reader.declare(reading.read(folder / FILE), file)
    for folder, file in files.items():
        reader.check_rules(reading.read(folder / FILE), file, plans[folder], documents[folder])
    reader.check_programmes(each for found in documents.values() for each in found)
    highest = [
        (plans[folder], reading.read(folder / FILE), index, rule)
        for folder, file in files.items()
        for index, rule in enumerate(file.rules)
        if isinstance(rule, HighestRuleFile)
    ]
    if len(highest) != 1:
        document = highest[1][1] if highest else reading.read(next(iter(plans)) / "plan.yaml")
        found = f"{len(highest)} rules of kind `highest`"
        reading.fault(document, "/rules", found, "one in all plans together")
        reading.raise_faults()
    plan, document, index, rule = highest[0]
    if rule.mode not in parameters or parameters[rule.mode].unit is not Unit.MODE:
        modes = " ".join(name for name, each in parameters.items() if each.unit is Unit.MODE)
        reading.fault(document, pointer_to("rules", index, "mode"), "no mode parameter", modes)
    return Stacking(
        highest=_rule(plan, rule),
        mode=rule.mode,
        one_clause=tuple(
            _rule(plans[folder], each)
            for folder, file in files.items()
            for each in file.rules
            if isinstance(each, OneClauseRuleFile)
        ),
        groups=reader.groups,
        open={plans[folder].id: file.open for folder, file in files.items()},
    )


class _StackingReader:
    def __init__(self, reading: Reading, documents: Mapping[Path, Sequence[Document]]) -> None:
        self.reading = reading
        self.groups: dict[str, StackingGroup] = {}
        self.rules: set[str] = set()
        self.programmes = set(programme_ids(each for found in documents.values() for each in found))

    def declare(self, document: Document, file: StackingFile) -> None:
        """Take up the groups and the ids of a plan's rules, each of which stands once."""
        for index, group in enumerate(file.groups):
            if group.id in self.groups or group.id in self.programmes:
                pointer = pointer_to("groups", index, "id")
                self.reading.fault(
                    document, pointer, f"{group.id} stands twice", "a name of its own"
                )
            self.groups[group.id] = StackingGroup(group.id, group.title, group.english)
        for index, rule in enumerate(file.rules):
            if rule.id in self.rules:
                pointer = pointer_to("rules", index, "id")
                self.reading.fault(
                    document, pointer, f"{rule.id} stands twice", "a name of its own"
                )
            self.rules.add(rule.id)

    def check_rules(
        self, document: Document, file: StackingFile, plan: Plan, measures: Sequence[Document]
    ) -> None:
        """Check what rules name, and that words said to be verbatim stand in the plan."""
        text = [each.text for each in plan.closing_clauses.values()]
        text += [str(each.data.get("clause", "")) for each in measures]
        for index, rule in enumerate(file.rules):
            at = pointer_to("rules", index)
            if rule.confidence is Confidence.VERBATIM and not any(
                rule.says in each for each in text
            ):
                allowed = "words of a clause of this plan, or another `confidence`"
                self.reading.fault(
                    document, f"{at}/says", "words that the plan does not say", allowed
                )
            if isinstance(rule, OneClauseRuleFile):
                self._check_names(document, at, rule)

    def check_programmes(self, documents: Iterator[Document]) -> None:
        """Refuse a group that nobody declared and that is not the programme's own."""
        for document in documents:
            found = document.data.get("programmes")
            for index, each in enumerate(found if isinstance(found, list) else []):
                group = each.get("stacking_group") if isinstance(each, dict) else None
                if isinstance(group, str) and not self._is_group(group):
                    pointer = pointer_to("programmes", index, "stacking_group")
                    allowed = f"{nearest(group, self.groups)} Declared in {FILE}."
                    self.reading.fault(document, pointer, f"{group} is no group", allowed)

    def _check_names(self, document: Document, at: str, rule: OneClauseRuleFile) -> None:
        if not rule.programmes and not rule.groups:
            allowed = "`programmes` or `groups`"
            self.reading.fault(document, at, "a rule that names nothing", allowed)
        for key in ("programmes", "repeatable"):
            for index, name in enumerate(getattr(rule, key)):
                if name not in self.programmes:
                    allowed = nearest(name, self.programmes)
                    self.reading.fault(
                        document, f"{at}/{key}/{index}", f"{name} is no programme", allowed
                    )
        for index, name in enumerate(rule.groups):
            if not self._is_group(name):
                allowed = nearest(name, self.groups)
                self.reading.fault(document, f"{at}/groups/{index}", f"{name} is no group", allowed)

    def _is_group(self, name: str) -> bool:
        return name in self.groups or name in self.programmes


def _rule(plan: Plan, rule: HighestRuleFile | OneClauseRuleFile) -> StackingRule:
    counts = None
    if isinstance(rule, OneClauseRuleFile):
        counts = OneClause(
            rule.id, rule.says, rule.per, rule.at_most, rule.programmes, rule.groups,
            rule.repeatable, rule.levels, rule.source,
        )  # fmt: skip
    return StackingRule(
        plan.id, Clause(rule.id, rule.says, rule.source), rule.english, rule.confidence,
        rule.reading, counts,
    )  # fmt: skip
