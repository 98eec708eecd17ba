"""A mobile back end acts for a person, and the person for a firm: never the back end alone."""

from typing import Any

import httpx

from services.identity.demo.actions import DEMO_ISSUER
from services.kernel.ids import new_id
from tests.journeys.steps import City, case_of, deed, good

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


async def exchange(city: City, person: str, **more: str) -> httpx.Response:
    """Sign a person in at the demonstration's provider and exchange the token, as `mobile`."""
    public = city.platform.client("public")
    signed_in = good(await public.post("/v1/demo/subject-tokens", json={"subject": person}))
    entry = city.platform.credentials.clients["mobile"]
    form = {
        "grant_type": EXCHANGE,
        "subject_token": signed_in["subject_token"],
        "subject_token_type": signed_in["subject_token_type"],
        "client_id": entry["client_id"],
        "client_secret": entry["client_secret"],
        **more,
    }
    return await public.post("/oauth2/token", data=form)


async def bind(city: City, person: str, uscc: str) -> dict[str, Any]:
    body = {"issuer": DEMO_ISSUER, "subject": person, "uscc": uscc, "document": "授权书（测试）"}
    return await city.post("admin", "/v1/identity/bindings", body)


async def test_a_back_end_alone_reads_no_firm(city: City) -> None:
    uscc = await city.growing_firm()
    alone = city.with_token(await city.platform.token("mobile"))

    for path in (
        "/v1/enterprise/firms",
        f"/v1/enterprise/firms/{uscc}",
        f"/v1/enterprise/firms/{uscc}/facts",
        f"/v1/policy/firms/{uscc}/entitlements",
        "/v1/policy/cases",
        "/v1/finance/awards",
    ):
        answer = await alone.get(path)
        assert answer.status_code == 403, (path, answer.text)


async def test_a_person_acts_for_the_own_firm_and_no_other(city: City) -> None:
    uscc, foreign = await city.growing_firm(), await city.growing_firm()
    person = f"person-{new_id()}"
    nobody = await exchange(city, person)
    assert (nobody.status_code, nobody.json()["error"]) == (400, "invalid_grant")

    binding = await bind(city, person, uscc)
    wrong = await exchange(city, person, uscc=foreign)
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_target")
    token = good(await exchange(city, person))["access_token"]
    phone = city.with_token(token)

    assert good(await phone.get(f"/v1/enterprise/firms/{uscc}"))["uscc"] == uscc
    entitled = good(await phone.get(f"/v1/policy/firms/{uscc}/entitlements"))
    assert entitled["uscc"] == uscc
    for path in (f"/v1/enterprise/firms/{foreign}", f"/v1/policy/firms/{foreign}/entitlements"):
        assert (await phone.get(path)).status_code == 404
    key = city.platform.key
    refused = await phone.post("/v1/policy/cases", json=case_of(foreign, city.year), headers=key())
    assert refused.status_code == 404
    case = good(await phone.post("/v1/policy/cases", json=case_of(uscc, city.year), headers=key()))
    path = f"/v1/policy/cases/{case['id']}/events"
    assert good(await phone.post(path, json=deed("submit", 1), headers=key()))["version"] == 2

    path = f"/v1/identity/bindings/{binding['id']}/events"
    await city.post("admin", path, {"event": "revoke", "version": 1})
    await city.platform.settle()
    for path in (f"/v1/enterprise/firms/{uscc}", f"/v1/policy/cases/{case['id']}"):
        assert (await phone.get(path)).status_code == 401
    assert (await exchange(city, person)).json()["error"] == "invalid_grant"


async def test_who_may_act_for_several_firms_says_for_which(city: City) -> None:
    first, second = await city.growing_firm(), await city.growing_firm()
    person = f"person-{new_id()}"
    for uscc in (first, second):
        await bind(city, person, uscc)
    unsaid = await exchange(city, person)
    assert (unsaid.status_code, unsaid.json()["error"]) == (400, "invalid_target")

    phone = city.with_token(good(await exchange(city, person, uscc=second))["access_token"])
    assert (await phone.get(f"/v1/enterprise/firms/{second}")).status_code == 200
    assert (await phone.get(f"/v1/enterprise/firms/{first}")).status_code == 404


async def test_others_may_not_exchange(city: City) -> None:
    person = f"person-{new_id()}"
    await bind(city, person, await city.growing_firm())
    entry = city.platform.credentials.clients["bank"]
    answer = await exchange(
        city, person, client_id=entry["client_id"], client_secret=entry["client_secret"]
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")
