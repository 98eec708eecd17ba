"""Evidence on plain values: when it may be handed in, what marks it, what is still missing."""

import hmac
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from services.kernel.actors import Actor, Role
from services.kernel.errors import Conflict, FieldError, Forbidden, NotFound, Refusal, invalid_field
from services.policy.cases.rules import FINISHED, STATE_NAMES, CaseState

FILES_MAX = 200
INVOICES_MAX = 20
INVOICE_CHARS_MAX = 40
AGENT_CHARS_MAX = 100
LINK_MINUTES = 5
# The states in which an applicant completes his case.
COMPLETING = (CaseState.DRAFT, CaseState.RETURNED)


class EvidenceState(StrEnum):
    """How far a file has come; `uploaded` waits for the scanner and is not given out."""

    UPLOADED = "uploaded"
    SCANNED = "scanned"
    WITHDRAWN = "withdrawn"


class EvidenceEvent(StrEnum):
    WITHDRAW = "withdraw"


class MarkKind(StrEnum):
    """What one file may share with another applicant's."""

    FILE = "file"
    INVOICE = "invoice"
    AGENT = "agent"


EVIDENCE_STATE_NAMES: Mapping[str, tuple[str, str]] = {
    EvidenceState.UPLOADED: ("已上传，待查毒", "Uploaded, not scanned yet"),
    EvidenceState.SCANNED: ("已查毒", "Scanned"),
    EvidenceState.WITHDRAWN: ("已撤回", "Withdrawn"),
}
MARK_NAMES: Mapping[str, tuple[str, str]] = {
    MarkKind.FILE: ("相同文件", "The same file"),
    MarkKind.INVOICE: ("相同发票", "The same invoice"),
    MarkKind.AGENT: ("相同代理机构", "The same agent"),
}

MaterialStatus = Literal["held", "uploaded", "missing"]
MATERIAL_STATUS_NAMES: Mapping[MaterialStatus, tuple[str, str]] = {
    "held": ("政府部门已掌握，无需提交", "Held by the state, asked of nobody"),
    "uploaded": ("已上传", "Uploaded"),
    "missing": ("待上传", "Missing"),
}


@dataclass(frozen=True)
class Material:
    """What a programme, or the call under it, asks as proof."""

    id: str
    title: str
    english: str
    proves: tuple[str, ...]
    held: bool
    required: bool = False


def state_of(reached: Collection[str]) -> EvidenceState:
    """Give the state of a file from those it has reached: each is reached once, in this order."""
    return next(state for state in reversed(EvidenceState) if state in reached)


def require_open(state: CaseState, *, is_internal: bool) -> None:
    """Let applicants add while they complete the case, and officers once it was handed in."""
    is_open = state is not CaseState.DRAFT if is_internal else state in COMPLETING
    if is_open:
        return
    zh, en = STATE_NAMES[state]
    when = ("提交之后", "after it was submitted") if is_internal else _completing()
    raise Conflict(
        f"办件处于“{zh}”状态，材料限于{when[0]}上传或撤回。",
        f"The case is {en}; files are added or withdrawn {when[1]}.",
        code="evidence-closed",
    )


def require_office(actor: Actor) -> None:
    """Let those who handle cases add internal papers."""
    if not actor.has(Role.REVIEWER, Role.APPROVER):
        raise Forbidden(
            "本件不由您办理，不能添加材料。",
            "This case is not yours to handle; you add no files to it.",
            code="not-your-case",
        )


def require_withdrawable(
    state: EvidenceState, case: CaseState, *, is_internal: bool, is_own: bool
) -> None:
    """Let whoever added a file withdraw it while the case still takes files."""
    require_open(case, is_internal=is_internal)
    if is_internal and not is_own:
        raise Forbidden(
            "内部材料由上传人撤回。",
            "An internal paper is withdrawn by whoever added it.",
            code="not-your-evidence",
        )
    if is_internal and case in FINISHED:
        zh, en = STATE_NAMES[case]
        raise Conflict(
            f"办件处于“{zh}”状态，已归档的内部材料不能撤回。",
            f"The case is {en}; internal papers stay with it.",
            code="evidence-closed",
        )
    if state is EvidenceState.WITHDRAWN:
        raise Conflict(
            "该材料已经撤回。", "This file is withdrawn already.", code="evidence-withdrawn"
        )


def require_room(files: int) -> None:
    if files >= FILES_MAX:
        raise Conflict(
            f"每件最多收{FILES_MAX}个文件（含已撤回的）；请合并后上传。",
            f"A case takes at most {FILES_MAX} files, withdrawn ones included; join some of them.",
            code="evidence-full",
        )


def require_scanned(reached: Collection[str]) -> None:
    """Give out only what was scanned."""
    if EvidenceState.SCANNED not in reached:
        raise Conflict(
            "该材料尚未完成病毒查杀，请稍后再下载。",
            "This file was not scanned yet; download it later.",
            code="evidence-not-scanned",
            retry_after_s=60,
        )


def require_material(material: str | None, known: Iterable[Material]) -> None:
    """Take a file for a material of the list, or for none."""
    if material is None or material in {each.id for each in known}:
        return
    raise invalid_field(
        "query/material", "material-unknown",
        "该项目的材料清单没有这一项；请对照本件的材料清单，清单以外的补充材料不填此项。",
        "The programme's list has no such material; see the list of this case, and leave it out for"
        " what is not on the list.",
    )  # fmt: skip


def status_of(material: Material, uploaded: Collection[str]) -> MaterialStatus:
    """Say whether a material is there; what the state holds is asked of nobody."""
    if material.held:
        return "held"
    return "uploaded" if material.id in uploaded else "missing"


def joined(programme: Iterable[Material], of_call: Iterable[Material]) -> tuple[Material, ...]:
    """Join what a programme asks with what its call asks; whichever requires it, requires it."""
    found = {each.id: each for each in programme}
    for each in of_call:
        known = found.get(each.id)
        found[each.id] = replace(known or each, required=each.required or _is_required(known))
    return tuple(found.values())


def as_held(material: Material, unproved: Collection[str]) -> Material:
    """Call a material held only where the facts that it would prove are there in truth.

    What the state ought to have is required of nobody, so a case is not kept from being submitted.
    """
    if not material.held or not set(material.proves) & set(unproved):
        return material
    return replace(material, held=False, required=False)


def require_there(missing: Iterable[Material]) -> None:
    """Take a case only with the materials that are required of it."""
    lacking = [each for each in missing if each.required]
    if lacking:
        zh = "、".join(f"“{each.title}”" for each in lacking)
        en = ", ".join(each.english or each.id for each in lacking)
        raise Conflict(
            f"缺少必交材料：{zh}。请上传后再提交。",
            f"Required materials are missing: {en}. Upload them, then submit.",
            code="materials-missing",
            errors=[
                FieldError(
                    f"/materials/{each.id}", "material-missing", f"缺少“{each.title}”。",
                    f"Missing: {each.english or each.id}.",
                )
                for each in lacking
            ],
        )  # fmt: skip


def _is_required(material: Material | None) -> bool:
    return material is not None and material.required


def marks_of(sha256: str, invoices: Iterable[str], agent: str | None) -> list[tuple[MarkKind, str]]:
    """List by what a file is compared with those of other applicants."""
    marks = [(MarkKind.FILE, sha256)]
    marks += [(MarkKind.INVOICE, number) for number in dict.fromkeys(invoices)]
    return [*marks, (MarkKind.AGENT, fold_agent(agent))] if agent else marks


def fold_invoice(text: str) -> str:
    """Write an invoice's number in the one form that is compared: no blanks, no hyphens."""
    return "".join(each for each in _folded(text).upper() if each.isalnum())


def fold_agent(text: str) -> str:
    """Write an agent's name in the one form that is compared: width, case and blanks aside."""
    return "".join(_folded(text).casefold().split())


def sign_link(secret_key: str, evidence_id: UUID, link_id: UUID, expires_at: datetime) -> str:
    """Sign an address under which a file is given out until then, to whoever has it."""
    words = f"evidence-link|{evidence_id}|{link_id}|{int(expires_at.timestamp())}"
    return hmac.digest(secret_key.encode(), words.encode(), "sha256").hex()


def require_link(
    secret_key: str, evidence_id: UUID, link_id: UUID, expires: int, signature: str, now: datetime
) -> None:
    """Follow a link that is ours, of this file, and not over; all others are not found."""
    try:
        expires_at = datetime.fromtimestamp(expires, UTC)
    except (ValueError, OverflowError, OSError):
        raise link_over() from None
    expected = sign_link(secret_key, evidence_id, link_id, expires_at)
    if not hmac.compare_digest(expected.encode(), signature.encode()) or now >= expires_at:
        raise link_over()


def link_over() -> Refusal:
    return NotFound(
        f"下载链接无效或已过期（有效{LINK_MINUTES}分钟）；请重新获取链接。",
        f"The link is not valid or is over after {LINK_MINUTES} minutes; ask for a new one.",
        code="link-over",
    )


def _completing() -> tuple[str, str]:
    names = [STATE_NAMES[state] for state in COMPLETING]
    zh, en = "、".join(zh for zh, _ in names), " or ".join(en for _, en in names)
    return f"{zh}时", f"while it is {en}"


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text)
