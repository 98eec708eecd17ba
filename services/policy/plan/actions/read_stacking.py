"""What may be received together, from the `stacking.yaml` beside each plan.

A group that several programmes share must be declared: a misspelt one would compete with nobody.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from services.policy.plan.actions.read_document import Document
from services.policy.plan.actions.read_measures import programme_ids
from services.policy.plan.actions.reading import Reading
from services.policy.plan.models import HighestRuleFile, OneClauseRuleFile, StackingFile
from services.policy.plan.rules import ParameterEntry, Plan, Unit
from services.policy.stacking.rules import Confidence, Stacking, StackingGroup, StackingRule
from services.policy.wording import Said, nearest_of, one_of
from services.rulebook.errors import pointer_to
from services.rulebook.stacking import Clause, OneClause

FILE = "stacking.yaml"
OWN_NAME = Said("另取名称", "a name of its own")
NOT_SAID = Said("政策原文没有这些文字", "words that the plan does not say")
SAID_OR_LESS_SURE = Said(
    "本政策条款的原文，或改写confidence", "words of a clause of this plan, or another `confidence`"
)
OF_ALL = Said(
    "限额及于该年度事项的一切补助，不论是否相关",
    "a ceiling over all aid of a year's matter, related or not",
)
# The matter of programmes that are received for a year.
YEAR = "year"


def read_stacking(
    reading: Reading,
    plans: Mapping[Path, Plan],
    documents: Mapping[Path, Sequence[Document]],
    parameters: Mapping[str, ParameterEntry],
) -> Stacking:
    """Read the rules of every plan; exactly one of them states 从高、不重复, for all."""
    reader = _StackingReader(reading, plans, documents)
    for folder, file in reader.files.items():
        reader.check_ids(folder, file)
    for folder, file in reader.files.items():
        reader.check_rules(folder, file)
    reader.check_programmes()
    folder, highest = reader.highest(parameters)
    return Stacking(
        highest=_rule(plans[folder], highest),
        mode=highest.mode,
        one_clause=tuple(
            _rule(plans[each], rule)
            for each, file in reader.files.items()
            for rule in file.one_clause
        ),
        groups=reader.groups,
        open={plans[each].id: file.open for each, file in reader.files.items()},
    )


class _StackingReader:
    def __init__(
        self,
        reading: Reading,
        plans: Mapping[Path, Plan],
        documents: Mapping[Path, Sequence[Document]],
    ) -> None:
        self.reading = reading
        self.plans = plans
        self.documents = documents
        self.files = {
            folder: reading.shape(self._document(folder), StackingFile)
            for folder in plans
            if (folder / FILE).is_file()
        }
        self.groups: dict[str, StackingGroup] = {}
        self.rules: set[str] = set()
        self.programmes = set(programme_ids(each for found in documents.values() for each in found))

    def check_ids(self, folder: Path, file: StackingFile) -> None:
        """Take up the groups and the ids of a plan's rules, each of which stands once."""
        for index, group in enumerate(file.groups):
            if group.id in self.groups or group.id in self.programmes:
                self._fault(folder, pointer_to("groups", index, "id"), _twice(group.id))
            self.groups[group.id] = StackingGroup(group.id, group.title, group.english)
        for at, rule in _rules(file):
            if rule.id in self.rules:
                self._fault(folder, f"{at}/id", _twice(rule.id))
            self.rules.add(rule.id)

    def check_rules(self, folder: Path, file: StackingFile) -> None:
        """Check what rules name, and that words said to be verbatim stand in the plan."""
        text = [each.text for each in self.plans[folder].closing_clauses.values()]
        text += [str(each.data.get("clause", "")) for each in self.documents[folder]]
        for at, rule in _rules(file):
            is_said = any(rule.says in each for each in text)
            if rule.confidence is Confidence.VERBATIM and not is_said:
                self._fault(folder, f"{at}/says", NOT_SAID, SAID_OR_LESS_SURE)
            if isinstance(rule, OneClauseRuleFile):
                self._check_names(folder, at, rule)

    def check_programmes(self) -> None:
        """Refuse a group that nobody declared, and a ceiling over all that a year is about."""
        for document in (each for found in self.documents.values() for each in found):
            found = document.data.get("programmes")
            for index, each in enumerate(found if isinstance(found, list) else []):
                if isinstance(each, dict):
                    self._check_programme(document, pointer_to("programmes", index), each)

    def _check_programme(self, document: Document, at: str, data: Mapping[str, Any]) -> None:
        group = data.get("stacking_group")
        if isinstance(group, str) and not self._is_group(group):
            allowed = nearest_of(group, self.groups)
            allowed = Said(f"{allowed.zh}（{FILE}）", f"{allowed.en} ({FILE})")
            self.reading.fault(document, f"{at}/stacking_group", _no_group(group), allowed)
        ceilings = data.get("ceilings")
        if data.get("matter", YEAR) != YEAR or not isinstance(ceilings, list):
            return
        for index, ceiling in enumerate(ceilings):
            if isinstance(ceiling, dict) and ceiling.get("of") == "matter":
                allowed = one_of(("group", "beneficiary-year"))
                self.reading.fault(document, f"{at}/ceilings/{index}/of", OF_ALL, allowed)

    def highest(self, parameters: Mapping[str, ParameterEntry]) -> tuple[Path, HighestRuleFile]:
        """Find the one rule 从高、不重复, whose mode must be a parameter."""
        found = [(folder, file.highest) for folder, file in self.files.items() if file.highest]
        if len(found) != 1:
            self.reading.fault(self._without_one_highest(found), "/highest", *_highest(len(found)))
            self.reading.raise_faults()
        folder, rule = found[0]
        modes = [name for name, each in parameters.items() if each.unit is Unit.MODE]
        if rule.mode not in modes:
            found_ = Said(f"{rule.mode}不是方式参数", f"{rule.mode} is no mode")
            self._fault(folder, "/highest/mode", found_, one_of(modes))
        return folder, rule

    def _without_one_highest(self, found: Sequence[tuple[Path, HighestRuleFile]]) -> Document:
        """Give the file that states it once too often, or the one where it is to be stated."""
        if found:
            return self._document(found[1][0])
        if self.files:
            return self._document(next(iter(self.files)))
        name = next(iter(self.plans)).name
        return Document(f"{name}/{FILE}", {}, {})

    def _check_names(self, folder: Path, at: str, rule: OneClauseRuleFile) -> None:
        if not rule.programmes and not rule.groups:
            allowed = Said("programmes或groups", "`programmes` or `groups`")
            self._fault(folder, at, Said("没有写明对象", "a rule that names nothing"), allowed)
        for key in ("programmes", "repeatable"):
            for index, name in enumerate(getattr(rule, key)):
                if name not in self.programmes:
                    found = Said(f"没有{name}这个项目", f"{name} is no programme")
                    allowed = nearest_of(name, self.programmes)
                    self._fault(folder, f"{at}/{key}/{index}", found, allowed)
        for index, name in enumerate(rule.groups):
            if not self._is_group(name):
                allowed = nearest_of(name, self.groups)
                self._fault(folder, f"{at}/groups/{index}", _no_group(name), allowed)

    def _is_group(self, name: str) -> bool:
        return name in self.groups or name in self.programmes

    def _document(self, folder: Path) -> Document:
        return self.reading.read(folder / FILE)

    def _fault(self, folder: Path, pointer: str, found: Said, allowed: Said = OWN_NAME) -> None:
        self.reading.fault(self._document(folder), pointer, found, allowed)


def _twice(name: str) -> Said:
    return Said(f"{name}重复", f"{name} stands twice")


def _no_group(name: str) -> Said:
    return Said(f"没有{name}这个分组", f"{name} is no group")


def _rules(file: StackingFile) -> Iterator[tuple[str, HighestRuleFile | OneClauseRuleFile]]:
    """List every rule of a file with where it stands."""
    if file.highest is not None:
        yield "/highest", file.highest
    for index, rule in enumerate(file.one_clause):
        yield pointer_to("one_clause", index), rule


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


def _highest(found: int) -> tuple[Said, Said]:
    return (
        Said(
            f"{found}个政策写有highest（必填）", f"{found} plans state `highest`, which is required"
        ),
        Said(f"恰有一个政策的{FILE}写明highest", f"`highest` in the {FILE} of exactly one plan"),
    )
