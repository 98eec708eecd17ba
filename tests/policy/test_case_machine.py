"""Whatever is tried in whatever order, a case does what it may, its money adds up, nothing else.

Each sequence is the life of a fresh firm's cases of two programmes, one with a public notice, in
the running platform. A model of its own says what each attempt must be answered with.
"""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from services.kernel.ids import new_id
from tests.faults.report import IS_FULL, SEED, held, tries
from tests.policy.case_course import KINDS, SLOTS, WAYS, Course, Step
from tests.policy.case_hands import DAYS, Hands
from tests.policy.case_model import LIFE, PROGRAMMES, SOFTWARE
from tests.policy.steps import budget, client_of, reset_clock, set_clock

SEQUENCES = tries(1_000, 12)
STEPS_MIN, STEPS_MAX = (8, 20) if IS_FULL else (1, 4)
BUDGET_FEN = 10**13
# How many moves old the first two cases are when anything is tried.
AGES = st.sampled_from((13, 9, 5, 0, 11, 7, 3, 15) if IS_FULL else (9, 0, 4))
STEPS = st.lists(
    st.tuples(
        st.sampled_from(KINDS), st.sampled_from(SLOTS), st.integers(0, 999), st.integers(0, 999)
    ),
    min_size=STEPS_MIN,
    max_size=STEPS_MAX,
)


@pytest.fixture(scope="module")
async def both(platform: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Have somebody signed in who reviews and approves, two lines that last, and a known day."""
    await set_clock(platform, DAYS[0])
    for programme in PROGRAMMES:
        await budget(platform, programme, amount_fen=BUDGET_FEN)
    name = f"both-{new_id().hex[-12:]}"
    yield await client_of(platform, name, roles=["reviewer", "approver"], department="jxj")
    await reset_clock(platform)


async def begin(platform: Any, both: httpx.AsyncClient, counts: Counter[str]) -> Course:
    """Begin with a draft of each programme, on the first day."""
    course = Course(await Hands.begin(platform, both), counts)
    for programme in PROGRAMMES:
        await course.open(programme)
    return course


async def test_every_course_of_a_case_is_as_the_model_says(
    platform: Any, both: httpx.AsyncClient
) -> None:
    loop, counts, failed = asyncio.get_running_loop(), Counter[str](), Counter[str]()

    async def play(begun: tuple[int, int], steps: list[Step]) -> None:
        counts["sequences"] += 1
        course, done = await begin(platform, both, counts), 0
        try:
            await course.grow(begun)
            for done, step in enumerate(steps, 1):  # noqa: B007  told of below
                counts["steps"] += 1
                await course.step(step)
        except Exception as error:
            error.add_note(f"begun {begun}, after these steps: {steps[:done]}")
            failed["sequences"] += 1
            raise
        finally:
            if course.world.tick:
                await set_clock(platform, DAYS[0])

    @seed(SEED)
    @settings(
        max_examples=SEQUENCES, deadline=None, database=None,
        suppress_health_check=[HealthCheck.too_slow], phases=[Phase.generate],
    )  # fmt: skip
    @given(begun=st.tuples(AGES, AGES), steps=STEPS)
    def every_course(begun: tuple[int, int], steps: list[Step]) -> None:
        asyncio.run_coroutine_threadsafe(play(begun, steps), loop).result()

    try:
        await asyncio.to_thread(every_course)
    finally:
        sys.stdout.write("".join(f"{count:7} {name}\n" for name, count in sorted(counts.items())))
        held("C02", "whole lives of cases, legal or not", tries=counts["sequences"],
             lost=failed["sequences"], double=0, note=told(counts))  # fmt: skip
    if IS_FULL:
        missed = {f"{state}: {event}" for state in LIFE for event in LIFE[state]} - set(counts)
        assert not missed, "never done in any sequence"


def told(counts: Counter[str]) -> str:
    """Say in one line how much was done and how much was refused."""
    done = {name for name in counts if ": " in name}
    refused = sum(count for name, count in counts.items() if name.startswith("refused"))
    return (
        f"{counts['steps']} steps: {len(done)} ways from state to state,"
        f" {sum(counts[name] for name in done)} done, {refused} refused as the model says"
    )


async def test_a_long_life_meets_what_chance_seldom_does(
    platform: Any, both: httpx.AsyncClient
) -> None:
    """Objected to, upheld, dismissed, decided, paid, returned, paid, recovered, revoked."""
    course = await begin(platform, both, Counter())
    case = course.world.cases[PROGRAMMES.index(SOFTWARE)]
    life = [
        ("submit", "own"), ("return", "both"), ("complete", "own"), ("accept", "reviewer"),
        ("review", "reviewer"), ("propose", "reviewer"), ("object-publicly", "public"),
        ("object-publicly", "public"), ("dismiss", "reviewer"), ("uphold-review", "reviewer"),
        ("propose", "reviewer"), ("object", "own"), ("uphold-refuse", "reviewer"),
        ("propose", "reviewer"), ("tick", ""), ("decide", "both"), ("decide", "approver"),
        ("prepare", "treasurer"), ("check", "treasurer"), ("check", "treasurer-b"),
        ("send", "treasurer"), ("settle", "treasurer"), ("recover", "treasurer"),
        ("give-back", "treasurer-b"), ("prepare", "treasurer"), ("check", "treasurer-b"),
        ("send", "treasurer"), ("settle", "treasurer"), ("recover-part", "treasurer"),
        ("confirm-recovery", "treasurer"), ("confirm-recovery", "treasurer-b"),
        ("give-back", "treasurer"), ("revoke", "approver-b"), ("recover", "treasurer-b"),
        ("confirm-recovery", "treasurer"), ("recover", "treasurer"), ("revoke", "approver"),
    ]  # fmt: skip
    try:
        for name, caller in life:
            way = "approve" if name in WAYS else ""
            await (course.tick() if name == "tick" else course.do(case, name, caller, way))
            await course.hands.look("auditor", case)
    finally:
        await set_clock(platform, DAYS[0])
    assert (case.state, case.attempt) == ("revoked", 3)
    assert case.award is not None
    assert (case.award.state, case.award.recovered) == ("recovered", case.award.amount)
