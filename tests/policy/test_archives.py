"""One case, one archive: sealed, checked, taken out, and kept when its erasure is asked for."""

import csv
import hashlib
import io
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from zipfile import ZipFile

import httpx
import orjson
import pytest

from services.policy.archives.actions.archive_case import archive_ended
from services.policy.base import STORAGE
from services.policy.office import OFFICE, Office, load_office
from tests.policy.document_steps import (
    audited,
    awarded,
    decision,
    draft,
    issue,
    pdf_of,
    tampering,
)
from tests.policy.files import fresh_pdf, send_file
from tests.policy.notice_steps import in_notice, object_to
from tests.policy.panel_steps import applied, call_of, convened, done, expert, scored, scores
from tests.policy.review_steps import case_now, do_step, in_review
from tests.policy.steps import (
    code,
    firm_client,
    fresh_uscc,
    move,
    open_case,
    register,
)


def path_of(case: dict[str, Any], *more: str) -> str:
    return "/".join((f"/v1/policy/cases/{case['id']}/archive", *more))


async def try_archive(platform: Any, case: dict[str, Any]) -> httpx.Response:
    return await platform.client("approver").post(path_of(case), headers=platform.key())


async def archived(platform: Any, case: dict[str, Any]) -> dict[str, Any]:
    answer = await try_archive(platform, case)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def revoked(platform: Any) -> tuple[dict[str, Any], httpx.AsyncClient, dict[str, Any]]:
    """Have a case that was approved with a document and revoked; give its firm and document."""
    case, firm = await awarded(platform)
    document = await issue(platform, await draft(platform, decision(case)))
    case = await move(platform, platform.client("approver"), case, "revoke", note="材料不实")
    return case, firm, document


async def withdrawn(platform: Any) -> dict[str, Any]:
    uscc = fresh_uscc()
    await register(platform, uscc)
    await platform.settle()
    firm = await firm_client(platform, uscc)
    return await move(platform, firm, await open_case(platform, firm, uscc), "withdraw")


async def checked(platform: Any, case: dict[str, Any]) -> dict[str, Any]:
    answer = await platform.client("auditor").get(path_of(case, "verification"))
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
async def office(platform: Any) -> AsyncIterator[Any]:
    """Let a test run under office settings of its own."""
    known = platform.service("policy").sessions.kw["info"]
    packaged = known[OFFICE]

    def change(**archive: Any) -> None:
        changed = packaged.model_dump(by_alias=True)
        changed["archive"] |= archive
        known[OFFICE] = Office.model_validate(changed)

    yield change
    known[OFFICE] = packaged


async def test_an_archive_holds_every_original_under_its_hash(platform: Any) -> None:
    case, _, document = await revoked(platform)
    archive = await archived(platform, case)

    items = archive["manifest"]["items"]
    assert [item["number"] for item in items] == list(range(1, len(items) + 1))
    assert [item["kind"] for item in items] == [
        "case", "clocks", "situation", "assessment", "rule", "history", "document",
        "document-data", "payment",
    ]  # fmt: skip
    paper = next(item for item in items if item["kind"] == "document")
    assert paper["sha256"] == document["pdf_sha256"]
    decided = archive["manifest"]["decision"]
    assert (decided["kind"], decided["document"]) == (document["kind"], document["id"])
    assert archive["retention"] == {"class": None, "source": None, "until": None}
    assert (archive["fonds"], archive["case_state"]) == (None, "revoked")


async def test_a_package_is_what_its_manifest_says(platform: Any) -> None:
    case, _, document = await revoked(platform)
    archive = await archived(platform, case)

    answer = await platform.client("approver").get(path_of(case, "package"))

    assert answer.headers["content-type"] == "application/zip"
    with ZipFile(io.BytesIO(answer.content)) as package:
        manifest = package.read("manifest.json")
        assert hashlib.sha256(manifest).hexdigest() == archive["package_sha256"]
        items = orjson.loads(manifest)["items"]
        assert package.namelist() == ["manifest.json", *(item["name"] for item in items)]
        for item in items:
            content = package.read(item["name"])
            assert (len(content), hashlib.sha256(content).hexdigest()) == (
                item["bytes"], item["sha256"],
            )  # fmt: skip
        pdf = next(item["name"] for item in items if item["kind"] == "document")
        assert package.read(pdf) == await pdf_of(platform, document)


async def test_an_untouched_archive_verifies(platform: Any) -> None:
    case = await withdrawn(platform)
    archive = await archived(platform, case)
    assert archive["manifest"]["decision"] is None

    found = await checked(platform, case)

    assert (found["same"], found["differs"]) == (True, [])
    assert found["found_sha256"] == archive["package_sha256"]


async def test_one_flipped_byte_names_its_file_and_no_other(platform: Any) -> None:
    case, _, _ = await revoked(platform)
    items = (await archived(platform, case))["manifest"]["items"]
    pdf = next(item for item in items if item["kind"] == "document")
    flip = "set_byte(content, 100, get_byte(content, 100) # 1)"
    async with tampering(platform) as admin:
        await admin.execute(
            f"UPDATE kept_file SET content = {flip} WHERE sha256 = $1",  # noqa: S608
            pdf["sha256"],
        )

    found = await checked(platform, case)

    assert (found["same"], found["differs"]) == (False, [pdf["name"]])
    (item,) = [each for each in found["items"] if not each["same"]]
    assert item["found_sha256"] not in (None, pdf["sha256"])


async def test_a_file_that_is_gone_is_named(platform: Any) -> None:
    case = await withdrawn(platform)
    items = (await archived(platform, case))["manifest"]["items"]
    gone = next(item for item in items if item["kind"] == "history")
    async with tampering(platform) as admin:
        await admin.execute("DELETE FROM kept_file WHERE sha256 = $1", gone["sha256"])

    found = await checked(platform, case)

    assert found["differs"] == [gone["name"]]
    (item,) = [each for each in found["items"] if not each["same"]]
    assert item["found_sha256"] is None


async def test_an_altered_manifest_is_named(platform: Any) -> None:
    case = await withdrawn(platform)
    await archived(platform, case)
    async with tampering(platform) as admin:
        await admin.execute(
            "UPDATE case_archive SET manifest = replace(manifest, 'withdrawn', 'refused')"
            " WHERE case_id = $1",
            case["id"],
        )

    assert (await checked(platform, case))["differs"] == ["manifest.json"]


async def test_a_case_is_archived_once_as_it_stands(platform: Any) -> None:
    case = await withdrawn(platform)
    await archived(platform, case)

    assert code(await try_archive(platform, case)) == (409, "already-archived")


async def test_what_happens_to_a_case_later_makes_a_further_volume(platform: Any) -> None:
    case = await withdrawn(platform)
    first = await archived(platform, case)
    async with tampering(platform) as admin:
        await admin.execute(
            "UPDATE policy_case SET version = version + 1 WHERE id = $1", case["id"]
        )

    second = await archived(platform, case)

    assert (first["volume"], second["volume"]) == (1, 2)
    shown = await platform.client("auditor").get(path_of(case))
    assert shown.json()["package_sha256"] == second["package_sha256"] != first["package_sha256"]


async def test_a_case_that_has_not_ended_is_not_archived(platform: Any) -> None:
    case, _ = await awarded(platform)

    assert code(await try_archive(platform, case)) == (409, "case-not-ended")
    answer = await platform.client("auditor").get(path_of(case))
    assert code(answer) == (404, "not-archived")


async def test_erasure_is_restriction_and_the_answer_names_the_rule(
    platform: Any, office: Any
) -> None:
    reward = {"class": "30-years", "source": "期限表（测试）"}
    office(retention=dict.fromkeys(load_office().archive.retention, reward))
    case, firm, _ = await revoked(platform)
    await archived(platform, case)

    answer = await firm.post(
        path_of(case, "erasure-requests"), json={"reason": "不再申报"}, headers=platform.key()
    )

    told = answer.json()
    assert (told["erased"], told["restricted"]) == (False, True)
    assert told["retention"]["class"] == "30-years"
    assert "期限表（测试）" in told["rule"]
    assert "第四十七条" in told["rule"]
    package = path_of(case, "package")
    assert code(await platform.client("approver").get(package)) == (409, "archive-restricted")
    assert (await platform.client("auditor").get(package)).status_code == 200
    assert (await checked(platform, case))["same"]


async def test_nobody_asks_for_the_erasure_of_a_foreign_case(platform: Any) -> None:
    case = await withdrawn(platform)
    await archived(platform, case)
    stranger = await firm_client(platform, fresh_uscc())

    answer = await stranger.post(
        path_of(case, "erasure-requests"), json={"reason": "不再申报"}, headers=platform.key()
    )
    assert answer.status_code == 404


async def test_nothing_is_archived_by_itself_until_the_office_says_when(
    platform: Any, office: Any
) -> None:
    case = await withdrawn(platform)
    await run_timer(platform, days=400)
    assert (await platform.client("auditor").get(path_of(case))).status_code == 404

    office(days_after_end=30)
    await run_timer(platform, days=29)
    assert (await platform.client("auditor").get(path_of(case))).status_code == 404
    await run_timer(platform, days=31)

    answer = await platform.client("auditor").get(path_of(case))
    assert answer.json()["made_by"] == "system"


async def run_timer(platform: Any, days: int) -> None:
    """Fire the timer as if so many days had passed, until nothing is left to do."""
    policy = platform.service("policy")
    now = policy.clock.now() + timedelta(days=days)
    for _ in range(5):
        async with policy.sessions() as session, session.begin():
            await archive_ended(session, "recurring", now)


async def test_archives_are_listed_for_hand_over(platform: Any) -> None:
    case = await withdrawn(platform)
    archive = await archived(platform, case)
    year = archive["ended_on"][:4]

    listed = await platform.client("auditor").get(f"/v1/policy/archives?year={year}&limit=200")
    row = next(each for each in listed.json()["items"] if each["case"] == case["id"])
    assert row == {name: archive[name] for name in row}
    path, accept = f"/v1/policy/archives?year={year}", {"Accept": "text/csv"}
    file = await platform.client("auditor").get(path, headers=accept)
    lines = csv.DictReader(io.StringIO(file.text.removeprefix("\ufeff")))
    (line,) = [each for each in lines if each["case"] == case["id"]]
    assert (line["package_sha256"], line["restricted"]) == (archive["package_sha256"], "false")
    other = await platform.client("auditor").get("/v1/policy/archives?year=2001")
    assert other.json()["items"] == []


async def test_taking_a_package_out_is_on_record(platform: Any) -> None:
    case = await withdrawn(platform)
    await archived(platform, case)
    await platform.client("auditor").get(path_of(case, "package"))

    assert (await audited(platform, case["id"]))[-2:] == ["archive.make", "archive.download"]


async def test_files_and_published_lists_go_into_the_package(platform: Any) -> None:
    uscc = fresh_uscc()
    await register(platform, uscc)
    await platform.settle()
    firm = await firm_client(platform, uscc)
    case = await open_case(platform, firm, uscc)
    kept, gone = fresh_pdf(), fresh_pdf()
    for content in (kept, gone):
        file = (await send_file(firm, case, content, name="证明.pdf")).json()
    await firm.post(
        f"/v1/policy/evidence/{file['id']}/events",
        json={"event": "withdraw", "version": file["version"]}, headers=platform.key(),
    )  # fmt: skip
    await move(platform, firm, case, "withdraw")

    archive = await archived(platform, case)

    items = {item["kind"]: item for item in archive["manifest"]["items"]}
    paper = items["evidence"]
    assert paper["sha256"] == hashlib.sha256(kept).hexdigest()
    assert sum(item["kind"] == "evidence" for item in archive["manifest"]["items"]) == 1
    answer = await platform.client("approver").get(path_of(case, "package"))
    with ZipFile(io.BytesIO(answer.content)) as package:
        assert package.read(paper["name"]) == kept
        register_ = orjson.loads(package.read(items["evidence-list"]["name"]))
    assert [row["state"] for row in register_] == ["scanned", "withdrawn"]
    assert (await checked(platform, case))["same"]

    await platform.service("policy").sessions.kw["info"][STORAGE].blobs.remove(paper["sha256"])
    assert (await checked(platform, case))["differs"] == [paper["name"]]


async def contents(platform: Any, case: dict[str, Any]) -> dict[str, Any]:
    """Take a case's archive out; give its files by kind, those of data as data."""
    archive = await archived(platform, case)
    answer = await platform.client("auditor").get(path_of(case, "package"))
    with ZipFile(io.BytesIO(answer.content)) as package:
        return {
            item["kind"]: orjson.loads(package.read(item["name"]))
            for item in archive["manifest"]["items"]
            if item["media_type"] == "application/json"
        }


async def test_what_experts_said_of_a_case_is_in_its_archive(platform: Any) -> None:
    call = await call_of(platform)
    firm, case = await applied(platform, call)
    _, other = await applied(platform, call)
    experts = [await expert(platform) for _ in range(2)]
    panel = await convened(platform, experts, call=call["id"])
    await scored(platform, panel, experts, {case["id"]: [80, 90], other["id"]: [11, 13]})
    await done(platform, panel, "close")
    table = await scores(platform, panel)
    case = (await firm.get(f"/v1/policy/cases/{case['id']}")).json()
    await move(platform, firm, case, "withdraw")

    found = await contents(platform, case)

    assert found["call"]["id"] == call["id"]
    (row,) = found["panels"]
    assert (row["id"], row["convened_by"], row["confirmed_by"]) == (
        panel["id"], "panel-desk", panel["confirmed_by"],
    )  # fmt: skip
    assert [each["subject"] for each in found["experts"]] == [each.subject for each in experts]
    # Its own sheets, and of the others' what the frozen table says.
    totals = [sum(p["points_hundredths"] for p in each["points"]) for each in found["sheets"]]
    assert sorted(totals) == [8000, 9000]
    archive = (await platform.client("auditor").get(path_of(case))).json()
    paper = next(item for item in archive["manifest"]["items"] if item["kind"] == "scores")
    assert paper["sha256"] == table["sha256"]
    assert (await checked(platform, case))["same"]


async def test_what_the_desks_found_is_in_the_archive(platform: Any) -> None:
    case, firm = await in_review(platform)
    await do_step(platform, "reviewer-town", case, "town-review")
    case = await case_now(platform, case)
    await move(platform, firm, case, "withdraw")

    found = await contents(platform, case)

    first = found["steps"][0]
    assert (first["kind"], first["state"], first["finding"]) == (
        "town-review", "passed", "情况属实。",
    )  # fmt: skip
    assert {each["kind"] for each in found["clocks"]} >= {"accept", "review", "step"}


async def test_an_objection_is_in_the_archive_and_who_objected_is_not(platform: Any) -> None:
    case, firm = await in_notice(platform)
    answer = await object_to(platform, case)
    assert answer.status_code == 201, answer.text
    case = (await firm.get(f"/v1/policy/cases/{case['id']}")).json()
    await move(platform, firm, case, "withdraw")

    (row,) = (await contents(platform, case))["objections"]

    assert (row["id"], row["state"]) == (answer.json()["id"], "received")
    assert not {"sealed", "sealed_reply", "fingerprint"} & row.keys()
