"""Archives on plain values: retention, the words of a restriction, the zip."""

import io
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from zipfile import ZipFile

import pytest
from pydantic import ValidationError

from services.kernel.errors import Conflict, TooLarge
from services.policy.archives import rules
from services.policy.archives.rules import Original, Stored
from services.policy.cases.rules import CaseState
from services.policy.office import PACKAGED, Retention, RetentionClass, load_office
from services.policy.plan.rules import KIND_NAMES

LAW = "《法》"
TABLE = "期限表（测试）"
ON = date(2026, 11, 28)


@pytest.mark.parametrize("state", CaseState)
def test_only_an_ended_case_is_archived(state: CaseState) -> None:
    ended = {CaseState.CLOSED, CaseState.WITHDRAWN, CaseState.REFUSED, CaseState.REVOKED}
    if state in ended:
        rules.require_ended(state)
        return
    with pytest.raises(Conflict) as refused:
        rules.require_ended(state)
    assert refused.value.code == "case-not-ended"


@pytest.mark.parametrize(
    ("class_", "until"),
    [
        (RetentionClass.YEARS_10, date(2036, 12, 31)),
        (RetentionClass.YEARS_30, date(2056, 12, 31)),
        (RetentionClass.PERMANENT, None),
        (None, None),
    ],
)
def test_retention_is_counted_from_the_year_after(
    class_: RetentionClass | None, until: date | None
) -> None:
    retention = Retention.model_validate({"class": class_, "source": class_ and TABLE})

    assert rules.retained_until(date(2026, 1, 1), retention) == until


def test_no_kind_of_programme_has_a_retention_that_nobody_set() -> None:
    office = load_office().archive

    assert set(office.retention) == set(KIND_NAMES)
    assert {each.class_ for each in office.retention.values()} == {None}
    assert (office.fonds, office.days_after_end) == (None, None)


def test_a_retention_class_without_its_source_is_refused(tmp_path: Path) -> None:
    own = tmp_path / "office.yaml"
    text = PACKAGED.read_text("utf-8")
    own.write_text(text.replace("reward: {class: null", "reward: {class: 30-years"), "utf-8")

    with pytest.raises(ValidationError, match="needs the source"):
        load_office(own)


@pytest.mark.parametrize(
    ("class_", "until", "says"),
    [
        (None, None, "保管期限尚未确定"),
        (RetentionClass.PERMANENT, None, "保管永久"),
        (RetentionClass.YEARS_30, date(2056, 12, 31), "保管至2056-12-31"),
        (RetentionClass.YEARS_10, ON, f"保管至{ON}"),
        (RetentionClass.YEARS_10, date(2026, 11, 27), "已于2026-11-27届满；销毁须先经档案鉴定"),
    ],
)
def test_a_restriction_names_its_rule(
    class_: RetentionClass | None, until: date | None, says: str
) -> None:
    zh, en = rules.restriction_words(class_, TABLE, until, on=ON, law=LAW)

    assert says in zh
    assert en.isascii()


async def package_of(files: dict[str, bytes]) -> bytes:
    async def each() -> AsyncIterator[tuple[str, bytes]]:
        for name, content in files.items():
            yield name, content

    return b"".join([piece async for piece in rules.zipped(each())])


async def test_the_same_files_make_the_same_zip() -> None:
    files = {"manifest.json": b"{}", "01-办件.json": "内容".encode() * 1000}

    package = await package_of(files)

    assert package == await package_of(files)
    with ZipFile(io.BytesIO(package)) as opened:
        assert opened.testzip() is None
        assert {name: opened.read(name) for name in opened.namelist()} == files


def test_a_volume_has_a_limit() -> None:
    half = bytes(rules.ARCHIVE_BYTES_MAX // 2)
    one = Original("a", "a", "a", "application/json", half)
    more = Original("b", "b", "b", "application/json", half + b" ")

    assert rules.require_size([one, one]) == rules.ARCHIVE_BYTES_MAX
    with pytest.raises(TooLarge):
        rules.require_size([one, more])
    stored = Stored("c", "c", "c", "application/pdf", "0" * 64, rules.ARCHIVE_BYTES_MAX)
    assert rules.require_size([one, one, stored]) == 2 * rules.ARCHIVE_BYTES_MAX
