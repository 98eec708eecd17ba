"""Random rules on random facts: the compiled function, the slow reading and a plain interpreter."""

from typing import Any

from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from services.rulebook import (
    Holdings,
    RuleError,
    Situation,
    compile_programme,
    load_programme,
)
from services.rulebook.evaluate import World, value_of
from services.rulebook.explain import Cause, cause_of
from services.rulebook.nodes import IsUnknown, Node, sql_text, walk
from services.rulebook.parse import parse_amount, parse_condition
from tests.rulebook import interpreter
from tests.rulebook.builders import DAY, YEAR
from tests.rulebook.random_rules import (
    BOOLS,
    IDS,
    PARAMETERS,
    REFUSED_AS_IDLE,
    VOCABULARY,
    YEARLY,
    conditions,
    numbers,
)

small = st.integers(-4, 12)


def _maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), values, values, values)


facts = st.fixed_dictionaries(
    {
        **{(name, back): _maybe(small) for name in YEARLY for back in range(4)},
        ("class1_ip_count", 0): _maybe(small),
        ("industry_code", 0): _maybe(st.sampled_from(["1", "2"])),
        **{(name, 0): _maybe(st.booleans()) for name in BOOLS},
        **{("param", name): _maybe(small) for name in PARAMETERS},
        "history": _maybe(st.frozensets(st.sampled_from(IDS))),
        **{(kind, "held"): st.dictionaries(st.sampled_from(IDS), st.sampled_from([None, "1", "2"]))
           for kind in ("recognitions", "lists")},
        **{(kind, "state"): st.sampled_from(["unknown", "partial", "complete"])
           for kind in ("recognitions", "lists")},
    }
)  # fmt: skip


def _holdings(world: dict[Any, Any], kind: str) -> Holdings | None:
    state, held = world[kind, "state"], world[kind, "held"]
    if state == "unknown":
        return None
    not_held = frozenset(IDS[:1]) - held.keys()
    return Holdings(held, not_held, complete=state == "complete")


def _look(world: dict[Any, Any], kind: str, name: str) -> tuple[bool | None, str | None]:
    state, held = world[kind, "state"], world[kind, "held"]
    if state == "unknown":
        return None, None
    if name in held:
        return True, held[name]
    return (False, "") if state == "complete" or name == IDS[0] else (None, None)


def _situation(world: dict[Any, Any]) -> Situation:
    stated: dict[str, Any] = {
        name: {YEAR - back: world[name, back] for back in range(4)} for name in YEARLY
    }
    stated.update({name: world[name, 0] for name in [*BOOLS, "class1_ip_count", "industry_code"]})
    return Situation(
        on=DAY,
        facts=stated,
        recognitions=_holdings(world, "recognitions"),
        lists=_holdings(world, "lists"),
        history=world["history"],
    )


def _completed(world: dict[Any, Any]) -> dict[Any, Any]:
    """Add what the interpreter asks for by word and id."""
    asked: dict[Any, Any] = {}
    for name in IDS:
        asked["holds", name], asked["grade", name] = _look(world, "recognitions", name)
        asked["on_list", name], _ = _look(world, "lists", name)
    return {**world, **asked}


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
@given(condition=conditions(2), amount=numbers(2), world=facts)
def test_the_engines_agree(condition: Any, amount: Any, world: dict[Any, Any]) -> None:
    parameters = {name: world["param", name] for name in PARAMETERS}
    text, sum_text = interpreter.sql(condition), interpreter.sql(amount)
    nodes = _parsed(text, sum_text)
    if nodes is None:
        reject()
    node, sum_node = nodes
    compiled = compile_programme(
        load_programme(
            {
                "id": "draft",
                "title": "草案",
                "eligibility": [
                    {"id": "c", "says": "c", "when": text},
                    {"id": "d", "says": "d", "when": f"({text}) OR is_listed"},
                ],
                "amount": sum_text,
                "parameters": dict.fromkeys(PARAMETERS, "number"),
                # One firm is reckoned without a limit; 1.1 did not ask whether columns could.
                "language": "1.1",
            }
        ),
        VOCABULARY,
    )
    situation = _situation(world)
    full = _completed(world)

    verdict = compiled.decide(situation, parameters)
    expected = interpreter.value(condition, full)
    either = interpreter.value(("OR", condition, ("fact", "is_listed")), full)
    assert verdict.checks == (expected, either)
    outcome = False if False in (expected, either) else None if None in (expected, either) else True
    assert verdict.outcome is outcome
    if outcome is True:
        pays = interpreter.value(amount, full)
        assert verdict.amount_fen == (None if pays is None else max(0, pays.__floor__()))
    elif outcome is False:
        assert verdict.amount_fen == 0
    else:
        assert verdict.amount_fen is None

    _check_explanation(node, sum_node, World(situation, parameters), expected, full, amount)
    assert parse_condition(sql_text(node), VOCABULARY, PARAMETERS) == node
    assert parse_amount(sql_text(sum_node), VOCABULARY, PARAMETERS) == sum_node
    answer = compiled.assess(situation, parameters)
    assert (
        answer.canonical()
        == compiled.assess(Situation.from_json(situation.canonical()), parameters).canonical()
    )


def _parsed(text: str, sum_text: str) -> tuple[Node, Node] | None:
    """Read a condition and an amount; None where chance made one that cannot fail."""
    try:
        return (
            parse_condition(text, VOCABULARY, PARAMETERS),
            parse_amount(sum_text, VOCABULARY, PARAMETERS),
        )
    except RuleError as error:
        if {issue.code for issue in error.issues} <= REFUSED_AS_IDLE:
            return None
        raise


def _check_explanation(
    node: Any, sum_node: Any, world: World, expected: Any, full: dict[Any, Any], amount: Any
) -> None:
    assert value_of(node, world) is expected
    assert value_of(sum_node, world) == interpreter.value(amount, full)
    cause = cause_of(node, world)
    is_explained = bool(cause.missing or cause.parameters or cause.has_zero_base)
    assert is_explained is (expected is None)
    if any(isinstance(part, IsUnknown) for part in walk(node)):
        return
    after = cause_of(node, World(_with(cause, world.situation, full), world.parameters))
    assert after.missing == frozenset(), "stating all that is missing leaves nothing missing"


def _with(cause: Cause, known: Situation, full: dict[Any, Any]) -> Situation:
    """State everything that is named as missing, and change nothing that is known."""
    stated = {lack.fact for lack in cause.missing}
    examples = {**dict.fromkeys(BOOLS, True), "class1_ip_count": 3, "industry_code": "1"}
    facts: dict[str, Any] = {
        name: {
            YEAR - back: _filled(full[name, back], is_stated=name in stated, like=3)
            for back in range(4)
        }
        for name in YEARLY
    }
    facts.update(
        {
            name: _filled(full[name, 0], is_stated=name in stated, like=like)
            for name, like in examples.items()
        }
    )
    return Situation(
        on=DAY,
        facts=facts,
        recognitions=_all_known(known.recognitions)
        if "recognitions" in stated
        else known.recognitions,
        lists=_all_known(known.lists) if "lists" in stated else known.lists,
        history=known.history,
    )


def _all_known(known: Holdings | None) -> Holdings:
    before = known or Holdings()
    held = {name: before.grade(name) or "1" for name in IDS if before.state(name) is not False}
    return Holdings(held, complete=True)


def _filled(known: Any, *, is_stated: bool, like: Any) -> Any:
    return like if known is None and is_stated else known
