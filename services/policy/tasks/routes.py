from typing import Annotated

from fastapi import Query

from services.kernel.actors import Anyone
from services.kernel.pages import Page, page_of_known
from services.kernel.unit import noun_router
from services.policy.tasks import queries
from services.policy.tasks.schemas import TaskList

router = noun_router("policy", "tasks")


@router.get("")
async def list_tasks(
    _: Anyone,
    page: Page,
    measure: Annotated[int | None, Query(ge=1, le=99, description="Of one measure")] = None,
    department: Annotated[
        str | None, Query(max_length=20, description="That this department leads or supports")
    ] = None,
) -> TaskList:
    """List who does what by when: what the measures ask of departments beside their programmes."""
    found = page_of_known(queries.tasks(measure=measure, department=department), page, "id")
    return TaskList(items=found["items"], next_cursor=found["next_cursor"])
