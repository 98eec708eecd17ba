"""Reading the tasks of the measures."""

from collections.abc import Iterator

from services.policy.plan.actions.load_library import library
from services.policy.plan.queries import department_view
from services.policy.plan.rules import Measure, Task
from services.policy.tasks.schemas import TaskView


def tasks(*, measure: int | None, department: str | None) -> Iterator[TaskView]:
    """Go through the tasks, all or those of a measure or department."""
    for each in library().measures:
        if measure not in (None, each.number):
            continue
        for task in each.tasks:
            codes = {task.lead.code, *(support.code for support in task.support)}
            if department is None or department in codes:
                yield _view(task, each)


def _view(task: Task, measure: Measure) -> TaskView:
    return TaskView.model_validate(
        {
            "id": task.id, "measure": measure.number, "title": task.title,
            "title_en": task.english, "lead": department_view(task.lead),
            "support": [department_view(each) for each in task.support],
            "provisional": measure.departments_provisional, "due_on": task.due,
            "every": task.every, "done_when": task.done_when, "source": task.source,
        }
    )  # fmt: skip
