"""Which of several statements counts, and how names are folded, on plain values."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.enterprise.facts.rules import in_force, instant_of
from services.enterprise.firms.rules import (
    Dated,
    joined_line,
    name_tokens,
    normal_name,
    search_tokens,
    value_on,
)

FIRST = date(2026, 1, 1)


@dataclass(frozen=True)
class Said:
    value: int | None
    valid_from: date | None = None


def line(*days: tuple[int, int | None]) -> list[Dated]:
    return [Dated(FIRST + timedelta(n), value) for n, value in days]


lines = st.lists(
    st.tuples(st.integers(0, 12), st.one_of(st.none(), st.integers(0, 3))), max_size=5
).map(lambda pairs: line(*sorted(dict(pairs).items())))


@given(owned=lines, declared=lines, day=st.integers(-1, 14))
def test_the_joined_line_says_on_every_day_what_counts(
    owned: list[Dated], declared: list[Dated], day: int
) -> None:
    on = FIRST + timedelta(day)
    counting = in_force(owned, declared, on)
    expected = counting.value if counting is not None else None

    assert value_on(joined_line(owned, declared), on) == expected


@given(owned=lines, declared=lines)
def test_the_joined_line_names_changes_only_in_order(
    owned: list[Dated], declared: list[Dated]
) -> None:
    joined = joined_line(owned, declared)

    assert [d.valid_from for d in joined] == sorted({d.valid_from for d in joined})
    values = [None, *(each.value for each in joined)]
    assert all(a != b for a, b in pairwise(values))


def test_an_owner_outranks_a_firm_even_where_the_firm_speaks_later() -> None:
    assert joined_line(line((0, 1)), line((5, 2))) == line((0, 1))
    assert joined_line(line((5, 2)), line((0, 1))) == line((0, 1), (5, 2))
    assert joined_line(line((0, 1), (5, None)), line((3, 2))) == line((0, 1), (5, 2))


def test_of_a_year_the_last_word_of_each_side_counts() -> None:
    assert in_force([Said(1)], [Said(2)]) == Said(1)
    assert in_force([Said(None)], [Said(2)]) == Said(2)
    assert in_force([Said(0)], [Said(2)]) == Said(0)
    assert in_force([], [Said(None)]) is None


def test_names_are_folded_by_width_case_and_space() -> None:
    assert normal_name(" 示范ＡＢc （慈溪）") == "示范abc(慈溪)"


@given(st.text(min_size=1, max_size=20), st.data())
def test_every_part_of_a_name_is_found_by_its_tokens(name: str, data: st.DataObject) -> None:
    normal = normal_name(name)
    if not normal:
        return
    begin = data.draw(st.integers(0, len(normal) - 1))
    end = data.draw(st.integers(begin + 1, len(normal)))

    assert set(search_tokens(normal[begin:end])) <= set(name_tokens(normal))


def test_as_of_a_day_means_its_end_in_the_city() -> None:
    assert instant_of("2026-01-01") == datetime(2026, 1, 1, 15, 59, 59, 999999, tzinfo=UTC)
    assert instant_of("2026-01-01T08:00:00+08:00") == datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("sign", ["+", " "])
def test_an_unescaped_plus_sign_is_understood(sign: str) -> None:
    assert instant_of(f"2026-01-01T08:00:00{sign}08:00") == datetime(2026, 1, 1, tzinfo=UTC)
