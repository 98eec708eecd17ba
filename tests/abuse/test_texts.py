"""A16, A17: a name is stored exactly and found again, or refused; a code has one spelling."""

import json
import unicodedata
from typing import Any

import pytest

from services.launch.city.uscc import make_uscc
from tests.abuse.report import tried
from tests.conftest import TestPlatform
from tests.contracts.world import TOWN

FIRMS = "/v1/enterprise/firms"
AUTHORITY, FIRST = "330226", 700_000
STORED = {
    "CJK Extension B": "慈溪市𠀀𫝀𠮷科技有限公司",
    "CJK Extension G": "慈溪市𰻞𰻞面业有限公司",
    "composed": "Société Générale é 慈溪有限公司",
    "decomposed": unicodedata.normalize("NFD", "Société Générale é 慈溪有限公司"),
    "markup": "<script>alert(1)</script>慈溪有限公司",
    "quotes": "慈溪'; DROP TABLE firm; --有限公司",
    "wildcards": "慈溪100%_有限公司",
    "backslashes": "慈溪\\有限\\公司",
    "200 characters": "慈" * 196 + "有限公司",
}
REFUSED = {
    "a NUL": "慈溪\u0000公司",
    "a lone surrogate": "慈溪\ud800公司",
    "a right-to-left override": "慈溪\u202e公司",
    "an isolate": "慈溪\u2066公司",
    "a zero-width space": "慈溪\u200b公司",
    "a line break": "慈溪\n公司",
    "201 characters": "慈" * 201,
    "10^5 characters": "慈" * 10**5,
}


def firm(number: int, name: str) -> dict[str, Any]:
    return {
        "uscc": make_uscc(AUTHORITY, FIRST + number),
        "name": name,
        "industry_code": "3854",
        "town_code": TOWN,
        "synthetic": True,
    }


@pytest.mark.parametrize(("number", "kind"), list(enumerate(STORED)))
async def test_an_unusual_name_is_stored_exactly_and_found_again(
    platform: TestPlatform, number: int, kind: str
) -> None:
    registrar, new = platform.client("registrar"), firm(number, STORED[kind])
    made = await registrar.post(FIRMS, json=new)
    assert made.status_code == 201, made.text
    kept = (await registrar.get(f"{FIRMS}/{new['uscc']}")).json()
    # Composed: the one form in which equal texts have equal characters.
    assert kept["name"] == unicodedata.normalize("NFC", new["name"])
    found = await registrar.get(FIRMS, params={"q": new["name"][:100]})
    assert new["uscc"] in [item["uscc"] for item in found.json()["items"]]
    tried("A16", "unusual names, stored exactly and found again")


async def test_of_two_spellings_of_one_letter_each_finds_both(platform: TestPlatform) -> None:
    registrar = platform.client("registrar")
    twins = [unicodedata.normalize(form, "Crème Brûlée 慈溪有限公司") for form in ("NFC", "NFD")]
    new = [firm(100 + n, name) for n, name in enumerate(twins)]
    for each in new:
        assert (await registrar.post(FIRMS, json=each)).status_code == 201
    for name in twins:
        found = (await registrar.get(FIRMS, params={"q": name})).json()["items"]
        assert {each["uscc"] for each in new} <= {item["uscc"] for item in found}
        tried("A16", "twins of one name, each finds both")


@pytest.mark.parametrize(("number", "kind"), list(enumerate(REFUSED)))
async def test_a_name_that_would_deceive_is_refused(
    platform: TestPlatform, number: int, kind: str
) -> None:
    registrar, new = platform.client("registrar"), firm(200 + number, REFUSED[kind])
    # Written with escapes, as a lone surrogate can only be.
    content, headers = json.dumps(new).encode(), {"Content-Type": "application/json"}
    answer = await registrar.post(FIRMS, content=content, headers=headers)
    assert answer.status_code == 422, answer.text
    assert (await registrar.get(f"{FIRMS}/{new['uscc']}")).status_code == 404
    tried("A16", "names that would deceive")


def spellings(uscc: str) -> dict[str, str]:
    wide = "".join(chr(ord(c) + 0xFEE0) for c in uscc)
    return {
        "lower case": uscc.lower(),
        "full width": wide,
        "full width, lower case": "".join(chr(ord(c) + 0xFEE0) for c in uscc.lower()),
        "spaces within": f"{uscc[:6]} {uscc[6:12]} {uscc[12:]}",
        "spaces around": f"  {uscc}\u3000",
        "one digit full width": uscc[:8].replace("9", "９", 1) + uscc[8:],
    }


async def test_a_code_is_one_however_it_is_spelled(platform: TestPlatform) -> None:
    registrar, first = platform.client("registrar"), firm(300, "慈溪市示范拼写有限公司")
    assert (await registrar.post(FIRMS, json=first)).status_code == 201
    for kind, spelled in spellings(first["uscc"]).items():
        again = await registrar.post(FIRMS, json={**first, "uscc": spelled})
        tried("A17", "spellings of a code registered again", wrong=again.status_code != 409)
        assert again.status_code == 409, f"{kind}: {again.text}"


async def test_any_other_check_digit_is_refused(platform: TestPlatform) -> None:
    new = firm(301, "慈溪市示范校验有限公司")
    uscc, registrar = new["uscc"], platform.client("registrar")
    for digit in "0123456789ABCDEFGHJKLMNPQRTUWXY".replace(uscc[-1], ""):
        answer = await registrar.post(FIRMS, json={**new, "uscc": uscc[:-1] + digit})
        tried("A17", "wrong check digits", wrong=answer.status_code != 422)
        assert answer.status_code == 422, digit
