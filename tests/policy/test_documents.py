"""Decisions and payment documents: drafted, issued by another, verified, withdrawn, replaced."""

import hashlib
from typing import Any

import orjson
import pytest
from sqlalchemy.exc import IntegrityError, ProgrammingError

from tests.policy.document_steps import (
    DOCUMENTS,
    MINUTES,
    announced,
    audited,
    awarded,
    copies,
    decision,
    draft,
    issue,
    payment,
    pdf_of,
    try_draft,
    try_event,
    verified,
    withdraw,
)
from tests.policy.steps import (
    code,
    firm_client,
    fresh_uscc,
    move,
    open_case,
    register,
    state,
    walk_to_review,
)
from tests.policy.test_typesetting import text_of


async def test_a_decision_says_facts_conditions_clause_amount_and_remedies(platform: Any) -> None:
    case, _ = await awarded(platform)
    document = await issue(platform, await draft(platform, decision(case), "reviewer"))

    pdf = await pdf_of(platform, document)
    text = text_of(pdf)

    assert hashlib.sha256(pdf).hexdigest() == document["pdf_sha256"]
    assert "慈溪市经济和信息化局文件" in text
    assert case["applicant_name"] in text
    assert document["content"]["clause"]["text"].replace(" ", "") in text
    for condition in case["assessment"]["conditions"]:
        assert condition["says"].replace(" ", "") in text
    for fact in ("营业收入", "企业年度报告（测试）", "2,600,000,000.00元"):
        assert fact in text
    # Whose statement it was, and not from where such a fact may lawfully come.
    assert "企业自行申报并授权使用" not in text
    sources = {each["title"]: each["source"] for each in document["content"]["facts"]}
    assert sources["营业收入（销售收入）"].startswith("企业年度报告（测试）（")
    assert sources["数字经济制造业企业"].startswith("主管部门认定（测试）（")
    verbatim = document["content"]["clause"]["verbatim"]
    assert ("条件（条款原文）" in text) is verbatim
    assert ("条件（条款摘要）" in text) is not verbatim
    amount_fen = case["reservation"]["amount_fen"]
    assert document["content"]["amount"]["fen"] == amount_fen
    assert f"人民币{document['content']['amount']['capital']}" in text
    assert "60日内向慈溪市人民政府申请行政复议" in text
    assert "6个月内向有管辖权的人民法院提起行政诉讼" in text
    assert document["verification_code"] in text
    assert "演示文书" in text


async def test_a_draft_shows_neither_code_nor_day(platform: Any) -> None:
    case, _ = await awarded(platform)
    document = await draft(platform, decision(case))

    text = text_of(await pdf_of(platform, document))

    assert "（未签发）" in text
    assert "草稿" in text
    assert "验证码" not in text
    assert (document["verification_code"], document["pdf_sha256"]) == (None, None)


async def test_who_drafted_a_document_does_not_issue_it(platform: Any) -> None:
    case, _ = await awarded(platform)
    document = await draft(platform, decision(case))

    assert document["allowed_events"] == ["withdraw"]
    assert code(await try_event(platform, document, "issue", "approver")) == (403, "four-eyes")


async def test_the_database_holds_the_four_eyes_too(platform: Any) -> None:
    case, _ = await awarded(platform)
    document = await issue(platform, await draft(platform, decision(case)))

    async with platform.service("policy").sessions() as session:
        connection = await session.connection()
        with pytest.raises(IntegrityError, match="four_eyes"):
            await connection.exec_driver_sql(
                "UPDATE official_document SET issued_by = drafted_by"  # noqa: S608
                f" WHERE id = '{document['id']}'"
            )


async def test_what_a_document_says_is_never_changed(platform: Any) -> None:
    case, _ = await awarded(platform)
    document = await draft(platform, decision(case))

    async with platform.service("policy").sessions() as session:
        connection = await session.connection()
        with pytest.raises(ProgrammingError, match="permission denied"):
            await connection.exec_driver_sql(
                "UPDATE official_document SET content = '{}'"  # noqa: S608
                f" WHERE id = '{document['id']}'"
            )


async def test_a_firm_reads_its_own_decision_once_it_is_issued(platform: Any) -> None:
    case, firm = await awarded(platform)
    document = await draft(platform, decision(case))
    path = f"{DOCUMENTS}/{document['id']}"
    stranger = await firm_client(platform, fresh_uscc())

    assert (await firm.get(path)).status_code == 404
    await issue(platform, document)

    assert (await firm.get(path)).json()["state"] == "issued"
    assert (await firm.get(f"{path}/pdf")).status_code == 200
    assert (await stranger.get(path)).status_code == 404


async def test_a_code_verifies_and_an_altered_one_does_not(platform: Any) -> None:
    case, _ = await awarded(platform)
    document = await issue(platform, await draft(platform, decision(case)))
    known = document["verification_code"]

    found = await verified(platform, known.lower())

    assert found == {
        "kind": "decision-approval", "kind_name": "决定书（批准）", "number": document["number"],
        "issued_on": document["issued_on"], "department": "慈溪市经济和信息化局",
        "sha256": document["pdf_sha256"], "validity": "valid", "validity_name": "有效",
        "addressee": "慈溪***公司", "replaced_by": None, "demonstration": True,
    }  # fmt: skip
    page = await platform.client("public").get(
        f"{DOCUMENTS}/verify/{known}", headers={"Accept": "text/html,*/*;q=0.8"}
    )
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    for said in (
        "有效（演示文书，不具有法律效力）",
        document["number"],
        document["pdf_sha256"],
        "慈溪***公司",
    ):
        assert said in page.text
    altered = known[:-1] + ("0" if known[-1] != "0" else "1")
    answer = await platform.client("public").get(f"{DOCUMENTS}/verify/{altered}")
    assert code(answer) == (404, "verification-code-unknown")
    for language, words in (("zh-CN", "没有这个验证码的文书"), ("en", "No document has this code")):
        page = await platform.client("public").get(
            f"{DOCUMENTS}/verify/{altered}",
            headers={"Accept": "text/html,*/*;q=0.8", "Accept-Language": language},
        )
        assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
        assert words in page.text
        assert "page.css" in page.text


async def test_a_draft_has_no_code_that_verifies(platform: Any) -> None:
    case, _ = await awarded(platform)
    document = await draft(platform, decision(case))
    async with platform.service("policy").sessions() as session:
        connection = await session.connection()
        known = await connection.exec_driver_sql(
            f"SELECT code FROM official_document WHERE id = '{document['id']}'"  # noqa: S608
        )
        answer = await platform.client("public").get(f"{DOCUMENTS}/verify/{known.scalar_one()}")
    assert code(answer) == (404, "verification-code-unknown")


async def test_a_revoked_decision_is_no_longer_valid_and_has_a_document_of_its_own(
    platform: Any,
) -> None:
    case, _ = await awarded(platform)
    document = await issue(platform, await draft(platform, decision(case)))

    await move(platform, platform.client("approver"), case, "revoke", note="申报材料不实")
    body = decision(case, "decision-revocation")
    revocation = await issue(platform, await draft(platform, body))

    assert (await verified(platform, document["verification_code"]))["validity"] == "revoked"
    assert (await verified(platform, revocation["verification_code"]))["validity"] == "valid"
    text = text_of(await pdf_of(platform, revocation))
    assert "撤销此前就上述申请作出的批准决定" in text
    assert "申报材料不实" in text


async def test_a_refusal_names_the_conditions_that_failed(platform: Any) -> None:
    uscc = fresh_uscc()
    await register(platform, uscc)
    await state(platform, uscc, 2025, revenue_fen=1)
    await platform.settle()
    firm = await firm_client(platform, uscc)
    case = await walk_to_review(platform, firm, await open_case(platform, firm, uscc))
    reviewer, approver = platform.client("reviewer"), platform.client("approver")
    await move(platform, reviewer, case, "propose", data={"outcome": "refuse"})
    await move(
        platform, approver, case, "decide", data={"outcome": "refuse"}, note="增速未达到要求"
    )

    document = await issue(platform, await draft(platform, decision(case, "decision-refusal")))

    text = text_of(await pdf_of(platform, document))
    assert "不予批准" in text
    assert "决定理由：增速未达到要求" in text
    assert "未知" in text
    assert document["content"]["amount"] is None


async def test_an_approval_is_not_made_of_a_case_that_is_open(platform: Any) -> None:
    uscc = fresh_uscc()
    await register(platform, uscc)
    await platform.settle()
    firm = await firm_client(platform, uscc)
    case = await open_case(platform, firm, uscc)

    assert code(await try_draft(platform, decision(case))) == (409, "case-not-decided")


async def test_a_payment_document_of_many_payees_sums_exactly(platform: Any) -> None:
    case, _ = await awarded(platform)
    cases = await copies(platform, case, 32)
    body = payment(cases)
    body["cases"][0] |= {
        "functional_subject": "2150899 其他支持中小企业发展和管理支出",
        "economic_subject": "30799 其他对企业补助",
        "quota_document": "慈财预〔2026〕1号",
    }
    document = await issue(platform, await draft(platform, body))

    total_fen = sum(each["reservation_amount_fen"] for each in cases)
    assert document["total_fen"] == document["content"]["total"]["fen"] == total_fen
    assert sum(line["amount_fen"] for line in document["lines"]) == total_fen
    assert [line["payee_name"] for line in document["lines"]] == [
        each["applicant_name"] for each in cases
    ]
    text = text_of(await pdf_of(platform, document))
    for each in cases:
        assert each["applicant_name"] in text
    assert text.count(document["content"]["total"]["figures"]) == 2
    assert document["content"]["total"]["capital"] in text
    assert "2150899其他支持中小企业发展和管理支出" in text
    assert text.count("未知") == 31 * 3
    assert MINUTES["number"] in text


async def test_an_issued_payment_document_is_announced_once(platform: Any) -> None:
    case, _ = await awarded(platform)
    cases = await copies(platform, case, 2)
    document = await draft(platform, payment(cases))
    assert await announced(platform, document) == []

    document = await issue(platform, document)
    (event,) = await announced(platform, document)
    told = orjson.loads(event.payload)

    assert event.type == "liangxin.policy.document.issued.v1"
    assert told["total_fen"] == sum(line["amount_fen"] for line in told["lines"])
    assert told["pdf_sha256"] == document["pdf_sha256"]
    assert {line["case_id"] for line in told["lines"]} == {str(each["id"]) for each in cases}
    assert "示范第1有限公司" not in event.payload

    await withdraw(platform, document)
    assert [each.type for each in await announced(platform, document)] == [
        "liangxin.policy.document.issued.v1",
        "liangxin.policy.document.withdrawn.v1",
    ]


async def test_a_decision_is_not_announced_to_others(platform: Any) -> None:
    case, _ = await awarded(platform)
    document = await issue(platform, await draft(platform, decision(case)))

    assert await announced(platform, document) == []


async def test_a_case_is_in_one_standing_document_of_a_kind(platform: Any) -> None:
    case, _ = await awarded(platform)
    first = await draft(platform, payment([case]))

    assert code(await try_draft(platform, payment([case]))) == (409, "document-stands")
    await withdraw(platform, first)
    await draft(platform, payment([case]))


async def test_a_withdrawn_document_is_replaced_and_its_code_says_by_which(platform: Any) -> None:
    case, _ = await awarded(platform)
    first = await issue(platform, await draft(platform, payment([case])))
    body = payment([case], replaces=first["id"])
    assert code(await try_draft(platform, body)) == (409, "document-stands")

    first = await withdraw(platform, first)
    assert (await verified(platform, first["verification_code"]))["validity"] == "withdrawn"
    second = await issue(platform, await draft(platform, body))

    found = await verified(platform, first["verification_code"])
    assert (found["validity"], found["replaced_by"]) == ("replaced", second["number"])
    third = payment([case], replaces=first["id"])
    await withdraw(platform, second)
    await draft(platform, third)


async def test_the_number_of_an_issued_document_is_never_given_again(platform: Any) -> None:
    case, _ = await awarded(platform)
    document = await issue(platform, await draft(platform, payment([case])))
    await withdraw(platform, document)

    again = payment([case], number=document["number"])
    assert code(await try_draft(platform, again)) == (409, "number-taken")


async def test_a_document_is_withdrawn_with_a_reason_only(platform: Any) -> None:
    case, _ = await awarded(platform)
    document = await draft(platform, payment([case]))

    assert code(await try_event(platform, document, "withdraw")) == (422, "note-required")


async def test_a_draft_whose_case_has_changed_is_not_issued(platform: Any) -> None:
    case, _ = await awarded(platform)
    document = await draft(platform, payment([case]))
    await move(platform, platform.client("approver"), case, "revoke", note="申报材料不实")

    assert code(await try_event(platform, document, "issue")) == (409, "case-not-decided")


async def test_a_draft_whose_amount_has_changed_is_not_issued(platform: Any) -> None:
    case, _ = await awarded(platform)
    (copy,) = await copies(platform, case, 1)
    document = await draft(platform, payment([copy]))
    async with platform.service("policy").sessions() as session, session.begin():
        connection = await session.connection()
        await connection.exec_driver_sql(
            "UPDATE policy_case SET reservation_amount_fen = 1"  # noqa: S608
            f" WHERE id = '{copy['id']}'"
        )

    assert code(await try_event(platform, document, "issue")) == (409, "document-stale")


async def test_a_payment_rests_on_minutes_and_a_decision_on_one_case(platform: Any) -> None:
    case, _ = await awarded(platform)
    without = {k: v for k, v in payment([case]).items() if k != "minutes"}
    twice = payment([case, case])
    both = decision(case) | {"cases": payment([case, case])["cases"]}

    assert code(await try_draft(platform, without)) == (422, "minutes-required")
    assert code(await try_draft(platform, twice)) == (422, "case-twice")
    assert code(await try_draft(platform, both)) == (422, "one-case")
    assert code(await try_draft(platform, decision(case, minutes=MINUTES))) == (
        422, "minutes-unexpected",
    )  # fmt: skip


async def test_a_reviewer_drafts_no_payment(platform: Any) -> None:
    case, _ = await awarded(platform)

    assert code(await try_draft(platform, payment([case]), "reviewer")) == (403, "role-required")


async def test_what_happens_to_a_document_is_on_record(platform: Any) -> None:
    case, _ = await awarded(platform)
    document = await issue(platform, await draft(platform, decision(case)))
    await pdf_of(platform, document, "auditor")
    await withdraw(platform, document)

    assert await audited(platform, document["id"]) == [
        "document.draft", "document.issue", "document.download", "document.withdraw",
    ]  # fmt: skip
