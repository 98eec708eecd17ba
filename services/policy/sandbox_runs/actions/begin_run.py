"""Taking on a run of the sandbox: what does not fit is refused before anything is computed."""

from datetime import datetime

from fastapi import Response
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor
from services.kernel.audit import audit
from services.kernel.clock import city_day
from services.kernel.errors import TooMany
from services.kernel.operations import accept_operation
from services.kernel.tables import Operation
from services.policy.parameters.queries import decisions
from services.policy.sandbox_runs import queries
from services.policy.sandbox_runs.actions.draw_up import draw_up, ground_of
from services.policy.sandbox_runs.models import SandboxRun
from services.policy.sandbox_runs.rules import Tally
from services.policy.sandbox_runs.schemas import NewRun

OPERATION = "sandbox-run"
OPEN_RUNS_MAX = 3
RETRY_S = 10


async def begin_run(
    session: AsyncSession,
    response: Response,
    actor: Actor,
    new: NewRun,
    *,
    demonstration: bool,
    now: datetime,
) -> Operation:
    """Begin to try a changed plan over every firm; what it stands on is written down first."""
    if await queries.open_runs(session, OPERATION, actor.subject) >= OPEN_RUNS_MAX:
        raise TooMany(
            f"您已有{OPEN_RUNS_MAX}次测算正在进行，请待其完成。",
            f"You have {OPEN_RUNS_MAX} runs under way; wait until one is over.",
            code="runs-under-way",
            retry_after_s=RETRY_S,
        )
    on = new.on or city_day(now)
    ground = ground_of(await decisions(session), on, demonstration=demonstration)
    draw_up(new, ground, on)
    operation = accept_operation(
        session, response, "policy", actor, OPERATION,
        input_={"after": "", "tally": Tally().to_json()}, content=None,
        total=None, now=now,
    )  # fmt: skip
    await session.flush()
    session.add(
        SandboxRun(
            id=operation.id, name=new.name, on_day=on, demonstration=demonstration,
            started_by=actor.subject, started_at=now,
            request=new.model_dump(mode="json", exclude_unset=True), ground=ground.to_json(),
        )
    )  # fmt: skip
    detail = {"on": on.isoformat(), "changes": len(new.changes)}
    audit(session, actor, "sandbox.begin", "sandbox-run", operation.id, now=now, detail=detail)
    return operation
