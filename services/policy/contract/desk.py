"""What the officers' desk announces: departures from rules, and cases of earlier years."""

from datetime import date
from typing import Literal
from uuid import UUID

from services.kernel.events import DeedEvent
from services.policy.contract.events import Matter, Party


class CaseOverridden(DeedEvent, type="liangxin.policy.case.overridden.v1"):
    """An officer proposed against the rule's result, with a reason that stays with the case.

    `rule_amount_fen` is what the rule gave: null where it could not tell. Of confidential
    programmes nothing is announced.
    """

    case_id: UUID
    attempt: int
    programme: str
    rule_outcome: Literal["eligible", "ineligible", "unknown"]
    rule_amount_fen: int | None
    amount_fen: int | None
    proposed_by: str

    @property
    def aggregate(self) -> str:
        return f"case:{self.case_id}"


class LegacyCaseImported(DeedEvent, type="liangxin.policy.legacy-case.imported.v1"):
    """A case that was decided before this platform is on record, with its document.

    What was paid (`amount_fen`, null where nothing was) counts as aid of the city for its matter.
    """

    case_id: UUID
    programme: str
    stacking_group: str
    relation: Literal["matches", "tops-up", "competes"]
    beneficiary: Party
    matter: Matter
    state: Literal["closed", "withdrawn", "refused", "revoked"]
    document: str
    decided_on: date
    paid_on: date | None
    amount_fen: int | None
    department: str | None
    imported_by: str

    @property
    def aggregate(self) -> str:
        return f"case:{self.case_id}"
