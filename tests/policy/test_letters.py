"""Letters of recommendation: written from the review, drafted by one and issued by another."""

from typing import Any

import httpx
import pytest

from tests.policy.document_steps import (
    DOCUMENTS,
    decision,
    fresh_number,
    issue,
    pdf_of,
    try_event,
    verified,
    withdraw,
)
from tests.policy.recommendation_steps import (
    STAR,
    begun,
    body_for,
    desk_of,
    event,
    filing,
    history,
    letter,
    new_firm,
    now,
    result,
)
from tests.policy.recommendation_steps import try_event as try_move
from tests.policy.steps import client_of, code
from tests.policy.test_typesetting import text_of

UPPER = "宁波市科学技术局"


def letter_body(found: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "kind": "recommendation-letter", "number": fresh_number(), "recommendation": found["id"],
        "addressee": UPPER, **changes,
    }  # fmt: skip


async def post(platform: Any, client: httpx.AsyncClient, body: Any) -> httpx.Response:
    return await client.post(DOCUMENTS, json=body, headers=platform.key())


async def drafted(platform: Any, client: httpx.AsyncClient, body: Any) -> dict[str, Any]:
    answer = await post(platform, client, body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def reviewed(
    platform: Any, desk: httpx.AsyncClient, outcome: str = "pass"
) -> tuple[dict[str, Any], httpx.AsyncClient]:
    """Bring a recommendation to the end of its local review."""
    uscc, firm = await new_firm(platform)
    found = await begun(platform, firm, body_for(uscc, STAR))
    await event(platform, firm, found, "file", **filing(number=f"NB-{uscc}"))
    finding = "材料齐全，符合申报通知的条件。"
    return await event(platform, desk, found, "review", outcome=outcome, finding=finding), firm


async def test_a_letter_is_written_from_the_review_and_recommends_once_it_is_issued(
    platform: Any,
) -> None:
    desk = await desk_of(platform)
    found, firm = await reviewed(platform, desk)
    body = letter_body(found)
    document = await drafted(platform, desk, body)

    assert (document["state"], document["recommendation"]) == ("draft", found["id"])
    assert (document["cases"], document["lines"], document["department"]) == (0, [], "kjj")
    assert (await firm.get(f"{DOCUMENTS}/{document['id']}")).status_code == 404
    assert (await now(platform, found))["state"] == "passed"
    issued = await issue(platform, document)
    text = text_of(await pdf_of(platform, issued))
    for said in (
        body["number"], f"{UPPER}：", found["applicant_name"], found["applicant"]["id"],
        f"NB-{found['applicant']['id']}", "宁波市科技管理系统", "2026年10月20日", "（宁波级）",
        "初审意见：材料齐全，符合申报通知的条件。", "请予审核", "验证码",
    ):  # fmt: skip
        assert said in text, said

    stands = await now(platform, found)
    assert stands["state"] == "recommended"
    assert stands["letter"] == {
        "number": body["number"], "issued_on": issued["issued_on"],
        "file": f"{DOCUMENTS}/{document['id']}/pdf", "sha256": issued["pdf_sha256"],
        "issued_by": issued["issued_by"],
    }  # fmt: skip
    last = (await history(desk, found))[-1]
    assert (last["event"], last["from_state"], last["to_state"]) == (
        "issue-letter", "passed", "recommended",
    )  # fmt: skip
    assert (await firm.get(f"{DOCUMENTS}/{document['id']}")).json()["validity"] == "valid"
    listed = await firm.get(DOCUMENTS, params={"kind": "recommendation-letter"})
    assert [each["recommendation"] for each in listed.json()["items"]] == [found["id"]]
    told = await verified(platform, issued["verification_code"])
    assert (told["kind_name"], told["validity"], told["addressee"], told["sha256"]) == (
        "推荐函", "valid", UPPER, issued["pdf_sha256"],
    )  # fmt: skip
    # It goes on like one whose letter was written elsewhere.
    done = await event(
        platform, desk, found, "result", **result(decided_on=issued["issued_on"])
    )  # fmt: skip
    assert done["state"] == "granted"


async def test_a_letter_takes_a_second_person_who_has_not_reviewed(platform: Any) -> None:
    both = await client_of(platform, "letters-both", roles=["reviewer", "approver"],
                           department="kjj")  # fmt: skip
    found, _ = await reviewed(platform, both)
    document = await drafted(platform, platform.client("approver"), letter_body(found))
    act = {"event": "issue", "version": 1}
    path = f"{DOCUMENTS}/{document['id']}/events"
    by_reviewer = await both.post(path, json=act, headers=platform.key())
    assert code(by_reviewer) == (403, "four-eyes")
    own = await try_event(platform, document, "issue", "approver")
    assert code(own) == (403, "four-eyes")

    assert (await now(platform, found))["state"] == "passed"
    assert (await issue(platform, document))["state"] == "issued"


async def test_only_what_passed_gets_a_letter_and_only_one(platform: Any) -> None:
    desk = await desk_of(platform)
    failed, _ = await reviewed(platform, desk, "fail")
    assert code(await post(platform, desk, letter_body(failed))) == (
        409, "recommendation-not-passed",
    )  # fmt: skip
    found, _ = await reviewed(platform, desk)
    document = await drafted(platform, desk, letter_body(found))
    assert code(await post(platform, desk, letter_body(found))) == (409, "document-stands")
    # An outside letter remains possible, and then the draft is of no use.
    approver = platform.client("approver")
    outside = await event(platform, approver, found, "issue-letter", **letter())
    assert outside["state"] == "recommended"
    assert code(await try_event(platform, document, "issue")) == (409, "recommendation-not-passed")


async def test_a_withdrawn_letter_is_replaced_and_the_recommendation_goes_on(
    platform: Any,
) -> None:
    desk = await desk_of(platform)
    found, _ = await reviewed(platform, desk)
    first = await issue(platform, await drafted(platform, desk, letter_body(found)))
    first = await withdraw(platform, first)
    assert (await now(platform, found))["state"] == "recommended"
    assert (await verified(platform, first["verification_code"]))["validity"] == "withdrawn"
    bare = await post(platform, desk, letter_body(found))
    assert code(bare) == (409, "recommendation-not-passed")
    other, _ = await reviewed(platform, desk)
    strange = await post(platform, desk, letter_body(other, replaces=first["id"]))
    assert code(strange) == (409, "recommendation-not-passed")

    draft = await drafted(platform, desk, letter_body(found, replaces=first["id"]))
    second = await issue(platform, draft)
    stands = await now(platform, found)
    assert (stands["state"], stands["letter"]["number"]) == ("recommended", second["number"])
    told = await verified(platform, first["verification_code"])
    assert (told["validity"], told["replaced_by"]) == ("replaced", second["number"])


async def test_who_has_nothing_to_do_with_it_writes_no_letter(platform: Any) -> None:
    desk = await desk_of(platform)
    found, firm = await reviewed(platform, desk)
    other = await desk_of(platform, "rsj")

    assert (await post(platform, other, letter_body(found))).status_code == 404
    assert code(await post(platform, firm, letter_body(found))) == (403, "role-required")
    stake = await client_of(
        platform, "letters-stake", roles=["approver", "firm"], uscc=found["applicant"]["id"]
    )
    assert code(await post(platform, stake, letter_body(found))) == (403, "conflict-of-interest")
    assert (await post(platform, platform.client("treasurer"), letter_body(found))
            ).status_code == 403  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"recommendation": None}, "recommendation-required"),
        ({"addressee": None}, "addressee-required"),
        ({"cases": [{"case": "01936b2c-0000-7000-8000-000000000001"}]}, "cases-unexpected"),
        ({"kind": "decision-approval"}, "letter-only"),
        ({"minutes": {"number": "慈会纪1号", "held_on": "2026-11-20"}}, "minutes-unexpected"),
    ],
)
async def test_a_letter_names_its_ground_and_no_other(
    platform: Any, changes: dict[str, Any], told: str
) -> None:
    known = {"id": "01936b2c-0000-7000-8000-000000000002"}
    answer = await post(platform, platform.client("approver"), {**letter_body(known), **changes})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == told


async def test_other_documents_name_their_cases(platform: Any) -> None:
    body = {**decision({"id": ""}), "cases": []}
    answer = await post(platform, platform.client("approver"), body)

    assert answer.json()["errors"][0]["code"] == "cases-required"


async def test_a_recommendation_that_changed_since_the_draft_takes_a_new_one(platform: Any) -> None:
    desk = await desk_of(platform)
    found, firm = await reviewed(platform, desk)
    document = await drafted(platform, desk, letter_body(found))
    withdrawn = await try_move(platform, firm, found, "withdraw")
    assert withdrawn.status_code == 200
    refused = await try_event(platform, document, "issue")

    assert code(refused) == (409, "recommendation-not-passed")
