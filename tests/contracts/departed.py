"""What the officers' desk announces: a departure from a rule, and a case of earlier years."""

from tests.contracts.world import REVIEWER, World

REASON = "合约测试：经部门会议研究，按较低金额提请。"
COLUMNS = (
    "external_ref,programme,applicant_id,matter_kind,matter_period,state,decided_on,paid_on,"
    "amount_fen,document"
)


async def depart_from_rule(world: World) -> None:
    """Propose a case with another amount than the rule's."""
    case = await world.case("in-review")
    data = {"outcome": "approve", "override": {"reason": REASON, "amount_fen": 100}}
    deed = {"event": "propose", "version": case["version"], "data": data}
    await world.post(REVIEWER, f"/v1/policy/cases/{case['id']}/events", deed)


async def import_legacy_case(world: World) -> None:
    """Have a case of earlier years on record, with what was paid for it."""
    row = f"contract-1,digital-growth,{world.uscc},year,2001,closed,2002-05-01,2002-06-01,100,测试"
    headers = {**world.platform.key(), "Content-Type": "text/csv"}
    answer = await world.client("registrar").post(
        "/v1/policy/cases/imports", content=f"{COLUMNS}\n{row}\n".encode(), headers=headers
    )
    assert answer.status_code == 202, answer.text
    await world.platform.settle()
    done = await world.get("registrar", answer.headers["location"])
    assert done["result"] == {"created": 1, "unchanged": 0, "refused": 0}, done
