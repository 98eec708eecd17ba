"""What policy announces of facts that cases rest on: objected to, answered, compared."""

from datetime import date
from typing import Literal
from uuid import UUID

from services.kernel.events import DeedEvent


class FactObjected(DeedEvent, type="liangxin.policy.fact_objection.lodged.v1"):
    """An applicant holds another value right; the department's registrar answers."""

    objection_id: UUID
    case_id: UUID
    fact: str
    year: int | None
    department: str

    @property
    def aggregate(self) -> str:
        return f"fact-objection:{self.objection_id}"


class FactObjectionAnswered(DeedEvent, type="liangxin.policy.fact_objection.answered.v1"):
    """An objection to a fact was upheld by a new statement, dismissed, or taken back."""

    objection_id: UUID
    case_id: UUID
    fact: str
    year: int | None
    department: str
    outcome: Literal["upheld", "dismissed", "withdrawn"]
    statement_id: UUID | None
    case_state: str

    @property
    def aggregate(self) -> str:
        return f"fact-objection:{self.objection_id}"


class CaseFactsChecked(DeedEvent, type="liangxin.policy.case.rechecked.v1"):
    """Facts that were taken for the time being were compared with their owners' statements.

    They rested on the applicant's word, or on a statement that its register should have renewed.

    Names only, as `fact` or `fact:year`. What `changed` sent a case back that was proposed and not
    decided: it is in review, and is proposed again.
    """

    case_id: UUID
    attempt: int
    confirmed: tuple[str, ...]
    changed: tuple[str, ...]
    case_state: str
    on: date

    @property
    def aggregate(self) -> str:
        return f"case:{self.case_id}"
