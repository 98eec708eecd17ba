"""What an auditor asks of the command line: a decision recomputed."""

from uuid import UUID

from rich.console import Console

from services.kernel.actors import Actor, Role
from services.kernel.errors import Refusal
from services.launch.commands.operating import sessions_of
from services.launch.standing import standing
from services.policy.cases import queries as cases
from services.policy.situations import actions as situations

OPERATOR = Actor("operator", "operator", frozenset({Role.AUDITOR}))


async def replay_case(console: Console, case: str) -> int:
    """Recompute a decided case from its frozen situation; 2 where there is no such case."""
    try:
        case_id = UUID(case)
    except ValueError:
        console.print(
            "案件编号是一个UUID，见 GET /v1/policy/cases · a case id is a UUID, as listed there"
        )
        return 2
    async with (
        standing() as settings,
        sessions_of(settings, "policy") as sessions,
        sessions() as session,
    ):
        try:
            found = await cases.case(session, OPERATOR, case_id)
            frozen, report = await situations.replay_case(session, found)
        except Refusal as refusal:
            console.print(f"{refusal.zh} · {refusal.en}")
            return 2
        console.print(f"situation  {frozen.situation_sha256}")
        console.print(f"assessment {frozen.assessment_sha256}")
        console.print("the same byte for byte" if report.same else f"different: {report.reason}")
    return 0 if report.same else 1
