"""The language the plan is written in: pure, exact, in three values, and without I/O.

An officer writes conditions and amounts as SQL expressions over the facts of a `Vocabulary`;
`load_programme` refuses what is not in the language, `compile_programme` parses it once into one
Python function, and `assess` answers for one applicant on one day from a frozen `Situation`:
outcome, amount, every reason, what is missing and what failed narrowly. The same situation under
the same programme and language version gives the same bytes in ten years. `rule_set` asks many
programmes at once; `columns` asks them of a whole table, by Polars or by Spark.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from services.rulebook.administration import (
        Beneficiary,
        CompetitionException,
        Kind,
        Restriction,
    )
    from services.rulebook.assess import Assessment, CompiledProgramme, compile_programme
    from services.rulebook.errors import FactError, Issue, Refusal, RuleError
    from services.rulebook.examples import Failure, run_examples
    from services.rulebook.findings import Verdict
    from services.rulebook.programme import (
        LANGUAGE_VERSION,
        Condition,
        Example,
        Expectation,
        ParameterDeclaration,
        Programme,
        load_programme,
    )
    from services.rulebook.ruleset import RuleSet, rule_set
    from services.rulebook.situation import Holdings, Situation, canonical_json
    from services.rulebook.stated import read_situation
    from services.rulebook.vocabulary import Fact, Vocabulary

__all__ = [
    "LANGUAGE_VERSION",
    "Assessment",
    "Beneficiary",
    "CompetitionException",
    "CompiledProgramme",
    "Condition",
    "Example",
    "Expectation",
    "Fact",
    "FactError",
    "Failure",
    "Holdings",
    "Issue",
    "Kind",
    "ParameterDeclaration",
    "Programme",
    "Refusal",
    "Restriction",
    "RuleError",
    "RuleSet",
    "Situation",
    "Verdict",
    "Vocabulary",
    "canonical_json",
    "compile_programme",
    "load_programme",
    "read_situation",
    "rule_set",
    "run_examples",
]

# Where each name lives: who needs only the stacking rules does not load a parser.
_HOMES = {
    "Assessment": "assess",
    "Beneficiary": "administration",
    "CompetitionException": "administration",
    "CompiledProgramme": "assess",
    "Condition": "programme",
    "Example": "programme",
    "Expectation": "programme",
    "Fact": "vocabulary",
    "FactError": "errors",
    "Failure": "examples",
    "Holdings": "situation",
    "Issue": "errors",
    "Kind": "administration",
    "LANGUAGE_VERSION": "programme",
    "ParameterDeclaration": "programme",
    "Programme": "programme",
    "Refusal": "errors",
    "Restriction": "administration",
    "RuleError": "errors",
    "RuleSet": "ruleset",
    "Situation": "situation",
    "Verdict": "findings",
    "Vocabulary": "vocabulary",
    "canonical_json": "situation",
    "compile_programme": "assess",
    "load_programme": "programme",
    "read_situation": "stated",
    "rule_set": "ruleset",
    "run_examples": "examples",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
