"""One event of one case: who does it, with what, and when."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor
from services.kernel.clock import city_day
from services.kernel.errors import Conflict
from services.kernel.problems import refusal_from_validation
from services.policy.cases import queries
from services.policy.cases.models import Case
from services.policy.cases.schemas import CaseDeed
from services.policy.panels.queries import judged_facts
from services.policy.parameters.queries import decisions
from services.policy.plan.actions.load_library import library
from services.policy.plan.rules import PlanProgramme
from services.policy.situations.queries import Answer, answer_for

DataT = TypeVar("DataT", bound=BaseModel)


@dataclass(frozen=True)
class Deed:
    """One event of one case, by whom and when."""

    session: AsyncSession
    actor: Actor
    case: Case
    body: CaseDeed
    now: datetime

    @property
    def on(self) -> date:
        return city_day(self.now)

    def data(self, shape: type[DataT]) -> DataT:
        """Read the event's data, or name the field that does not fit."""
        try:
            return shape.model_validate(self.body.data)
        except ValidationError as error:
            found = [{**e, "loc": ("body", "data", *e["loc"])} for e in error.errors()]
            raise refusal_from_validation(found) from None


async def answer_of(deed: Deed, programme: PlanProgramme) -> Answer:
    return await answer_for(
        deed.session, programme, queries.applicant_of(deed.case), await decisions(deed.session),
        on=deed.on, year=deed.case.reference_year,
        judged=await judged_facts(deed.session, deed.case, programme),
    )  # fmt: skip


def programme_of(case: Case) -> PlanProgramme:
    """Find the wording of the day on which the case was opened."""
    programme = library().programme_on(case.programme, city_day(case.created_at))
    if programme is None:
        raise Conflict(
            "该项目已不在现行政策之列，不能继续办理。",
            "The programme is no longer part of the plans; the case cannot go on.",
            code="programme-gone",
        )
    return programme
