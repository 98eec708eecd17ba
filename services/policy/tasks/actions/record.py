"""Recording what happened to a task: history, audit and announcement, in the same transaction."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import SYSTEM, Actor, Role
from services.kernel.audit import audit
from services.kernel.ids import new_id
from services.kernel.outbox import announce
from services.policy.contract.events import TaskChanged
from services.policy.tasks.models import Task, TaskHistory
from services.policy.tasks.rules import STAFF, TaskState

_ROLES_BY_WEIGHT = (Role.APPROVER, Role.REVIEWER, Role.REGISTRAR)


@dataclass(frozen=True)
class Doer:
    """Who did it, and what was said."""

    actor: Actor = SYSTEM
    note: str = ""

    @property
    def role(self) -> str:
        held = [role for role in _ROLES_BY_WEIGHT if self.actor.has(role)]
        return str(held[0]) if held and self.actor.has(*STAFF) else "system"


OURS = Doer()


async def record(
    session: AsyncSession,
    task: Task,
    event: str,
    *,
    was: TaskState | None,
    now: datetime,
    by: Doer = OURS,
    data: dict[str, Any] | None = None,
) -> None:
    """Add one row to the task's history under its version, audit it, and announce the state."""
    detail = data or {}
    task.changed_at = now
    state = changed(task)
    session.add(task)
    await session.flush()
    session.add(
        TaskHistory(
            id=new_id(), task_id=task.id, number=task.version, event=event, from_state=was,
            to_state=task.state, role=by.role, department=by.actor.department,
            actor=by.actor.subject, note=by.note, data=detail,
            stood=state.model_dump(mode="json"), at=now,
        )
    )  # fmt: skip
    await session.flush()
    told = {"from": was, "to": task.state, "version": task.version, **detail}
    audit(session, by.actor, f"task.{event}", "task", task.id, now=now, detail=told)
    announce(session, state, now=now)


def changed(task: Task) -> TaskChanged:
    """Word how a task stands."""
    return TaskChanged.model_validate(
        {
            "task_id": task.id,
            **{name: getattr(task, name) for name in TaskChanged.model_fields if name != "task_id"},
        }
    )
