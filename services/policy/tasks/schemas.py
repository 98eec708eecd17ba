from datetime import date
from typing import Literal

from pydantic import BaseModel, Field

from services.policy.plan.schemas import DepartmentView


class TaskView(BaseModel):
    """Work that a measure asks of departments; what the clause does not say is null."""

    id: str
    measure: int | None
    title: str
    title_en: str
    lead: DepartmentView
    support: list[DepartmentView]
    provisional: bool = Field(description="The departments are not assigned by the city yet")
    due_on: date | None
    every: Literal["month", "quarter", "half-year", "year"] | None
    done_when: str
    source: str


class TaskList(BaseModel):
    items: list[TaskView]
    next_cursor: str | None = None
