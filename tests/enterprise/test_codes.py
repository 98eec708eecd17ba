"""Codes of firms, towns and industries (WC-17; GB 32100-2015, GB 11714, GB/T 4754-2017)."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import uscc as stdnum_uscc

from services.enterprise.codes.industries import IndustryLevel, industries, industry, sections
from services.enterprise.codes.towns import TownKind, is_division_code, town, towns
from services.enterprise.codes.uscc import (
    ALPHABET,
    UsccInvalid,
    canonical_uscc,
    organisation_check_digit,
)

# The formulas of the standards, written out a second time.
WEIGHTS = [3**n % 31 for n in range(17)]
ORGANISATION_WEIGHTS = [3, 7, 9, 10, 5, 8, 4, 2]


def weighted_sum(first_17: str) -> int:
    return sum(
        ALPHABET.index(each) * weight for each, weight in zip(first_17, WEIGHTS, strict=True)
    )


def organisation_sum(base: str) -> int:
    return sum(
        (ord(each) - 55 if each.isalpha() else int(each)) * weight
        for each, weight in zip(base, ORGANISATION_WEIGHTS, strict=True)
    )


def check_18(first_17: str) -> str:
    return ALPHABET[(31 - weighted_sum(first_17) % 31) % 31]


def check_9(base: str) -> str:
    return {10: "X", 11: "0"}.get(digit := 11 - organisation_sum(base) % 11, str(digit))


@pytest.mark.parametrize(
    "code",
    ["91330282671205242Y", "91330282MA00T35T2N", "12330282688011591A", "113302060029544576"],
)
def test_a_valid_code_is_its_own_canonical_form(code: str) -> None:
    assert canonical_uscc(code) == code
    assert stdnum_uscc.is_valid(code)


def test_the_check_digits_of_the_worked_case_are_computed_as_written() -> None:
    assert weighted_sum("91330282671205242") == 1024
    assert check_18("91330282671205242") == ALPHABET[30] == "Y"
    assert organisation_sum("67120524") == 152
    assert check_9("67120524") == organisation_check_digit("67120524") == "2"


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("91330282671205242X", "uscc-check-digit", "第18位"),
        ("91330282671205242Z", "uscc-character", "第18位是字母Z"),
        ("9133028267120524Y", "uscc-length", "现为17位"),
        ("91330282671205242YY", "uscc-length", "现为19位"),
        ("", "uscc-length", "现为0位"),
        ("9133O282671205242Y", "uscc-character", "第5位是字母O"),
        ("91330282671205I42Y", "uscc-character", "第15位是字母I"),
        ("S1330282671205242Y", "uscc-character", "第1位是字母S"),
        ("91330282V71205242Y", "uscc-character", "第9位是字母V"),
        ("9133028A671205242Y", "uscc-character", "第8位应为数字"),
        ("91330282-71205242Y", "uscc-character", "第9位不是"),
        ("91330282慈71205242Y", "uscc-character", "第9位不是"),
        ("٩1330282671205242Y", "uscc-character", "第1位不是"),
    ],
)
def test_an_invalid_code_is_told_what_is_wrong(text: str, code: str, says: str) -> None:
    with pytest.raises(UsccInvalid) as refusal:
        canonical_uscc(text)
    assert refusal.value.code == code
    assert says in refusal.value.zh
    assert refusal.value.en == str(refusal.value)
    assert not text or text not in refusal.value.zh + refusal.value.en


def test_a_wrong_check_digit_inside_the_organisation_code_is_found() -> None:
    forged = "91330282671205243"
    with pytest.raises(UsccInvalid) as refusal:
        canonical_uscc(forged + check_18(forged))
    assert refusal.value.code == "uscc-check-digit"
    assert "第17位" in refusal.value.zh
    assert "organisation code" in refusal.value.en


@pytest.mark.parametrize(
    "text",
    [
        "91330282ma00t35t2n",
        "９１３３０２８２ＭＡ００Ｔ３５Ｔ２Ｎ",
        "\u3000913302 82MA\u00a000T35T2N\t\n",
        "\ufeff9133\u200b0282MA00T35T2N",
    ],
)
def test_case_width_and_spaces_are_brought_into_canonical_form(text: str) -> None:
    assert canonical_uscc(text) == "91330282MA00T35T2N"


@given(st.text("0123456789", min_size=8, max_size=8), st.text(ALPHABET, min_size=8, max_size=8))
def test_every_code_built_by_the_formulas_passes_here_and_in_stdnum(head: str, base: str) -> None:
    first_17 = head + base + check_9(base)
    code = first_17 + check_18(first_17)
    assert canonical_uscc(code.lower()) == code
    assert stdnum_uscc.validate(code) == code


@given(
    st.text(ALPHABET, min_size=18, max_size=18),
    st.integers(0, 17),
    st.sampled_from(ALPHABET),
)
def test_no_code_passes_that_stdnum_refuses(text: str, position: int, other: str) -> None:
    for candidate in (text, "91330282671205242Y"[:position] + other + text[position + 1 :]):
        try:
            canonical_uscc(candidate)
        except UsccInvalid:
            continue
        assert stdnum_uscc.is_valid(candidate)


@given(st.integers(0, 17), st.sampled_from(ALPHABET))
def test_a_single_wrong_character_never_passes(position: int, other: str) -> None:
    code = "91330282671205242Y"
    changed = code[:position] + other + code[position + 1 :]
    if changed == code:
        assert canonical_uscc(changed) == code
    else:
        with pytest.raises(UsccInvalid):
            canonical_uscc(changed)


def test_the_city_has_five_subdistricts_fourteen_towns_and_five_zones() -> None:
    assert Counter(each.kind for each in towns()) == {
        TownKind.SUBDISTRICT: 5,
        TownKind.TOWN: 14,
        TownKind.STATISTICAL_ZONE: 5,
    }
    assert all(each.code.startswith("330282") and is_division_code(each.code) for each in towns())
    assert len({each.zh for each in towns()}) == len({each.en for each in towns()}) == 24


def test_towns_are_found_by_their_code() -> None:
    guanhaiwei = town("330282107")
    assert guanhaiwei is not None
    assert (guanhaiwei.zh, guanhaiwei.en) == ("观海卫镇", "Guanhaiwei Town")
    assert town("330282105") is None


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("330282", True),
        ("330282107", True),
        ("330201", True),
        ("3302", False),
        ("3302821", False),
        ("030282", False),
        ("３３０２８２", False),
        ("330282\n", False),
        ("", False),
    ],
)
def test_division_codes_have_six_or_nine_digits(code: str, *, expected: bool) -> None:
    assert is_division_code(code) is expected


def test_the_classification_is_complete() -> None:
    assert len(sections()) == 20
    assert Counter(each.level for each in industries()) == {
        IndustryLevel.DIVISION: 97,
        IndustryLevel.GROUP: 473,
        IndustryLevel.CLASS: 1382,
    }


def test_every_code_hangs_below_its_parent_in_the_same_section() -> None:
    for each in industries():
        if each.parent is None:
            assert each.level is IndustryLevel.DIVISION
            continue
        parent = industry(each.parent)
        assert parent is not None
        assert parent.section is each.section


def test_manufacturing_is_divisions_13_to_43() -> None:
    divisions = [each for each in industries() if each.level is IndustryLevel.DIVISION]
    assert [each.code for each in divisions if each.section.code == "C"] == [
        str(code) for code in range(13, 44)
    ]


def test_an_undivided_group_has_one_class_of_the_same_name() -> None:
    undivided = [each for each in industries() if each.code.endswith("0") and len(each.code) == 4]
    assert len(undivided) == 199
    for each in undivided:
        group = industry(each.code[:3])
        assert group is not None
        assert group.zh == each.zh
        assert not any(industry(each.code[:3] + last) for last in "123456789")


@pytest.mark.parametrize(
    ("code", "zh"),
    [
        ("385", "家用电力器具制造"),
        ("3851", "家用制冷电器具制造"),
        ("3852", "家用空气调节器制造"),
        ("3853", "家用通风电器具制造"),
        ("3854", "家用厨房电器具制造"),
        ("3855", "家用清洁卫生电器具制造"),
        ("3856", "家用美容、保健护理电器具制造"),
        ("3857", "家用电力器具专用配件制造"),
        ("3859", "其他家用电力器具制造"),
        ("3451", "滚动轴承制造"),
        ("3670", "汽车零部件及配件制造"),
        ("9231", "监察委员会"),
    ],
)
def test_known_codes_carry_their_names(code: str, zh: str) -> None:
    found = industry(code)
    assert found is not None
    assert found.zh == zh


@pytest.mark.parametrize("code", ["", "C", "99", "3858", "38541", "０１１１"])
def test_a_code_outside_the_classification_is_not_found(code: str) -> None:
    assert industry(code) is None
