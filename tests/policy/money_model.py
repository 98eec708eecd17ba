"""What becomes of an award's money, written down a second time on plain values."""

from tests.policy.case_model import (
    DONE,
    FOUR_EYES,
    NOT_ALLOWED,
    PART_FEN,
    RECOVERIES,
    TREASURERS,
    Award,
    Case,
    Verdict,
)

BATCH_TAKES = {
    "prepared": ("check", "cancel"),
    "checked": ("send", "cancel"),
    "sent": ("settle", "give-back"),
    "settled": ("give-back",),
    "cancelled": (),
}


def money_verdict(award: Award, event: str, caller: str) -> Verdict:
    """Say what an event of the money must be answered with."""
    if caller not in TREASURERS:
        return Verdict(403)
    if event in RECOVERIES:
        return _recovery_verdict(award, event, caller)
    if event == "prepare":
        if award.batch not in (None, "cancelled"):
            return Verdict(409, "already-in-payout")
        return Verdict(201) if award.state == "awarded" else Verdict(409, "award-not-payable")
    if event not in BATCH_TAKES[award.batch or "cancelled"]:
        return NOT_ALLOWED
    if event == "check" and caller == award.prepared_by:
        return FOUR_EYES
    if event == "give-back" and award.recovered:
        return Verdict(409, "recovery-begun")
    return DONE


def _recovery_verdict(award: Award, event: str, caller: str) -> Verdict:
    waits = award.state == "paid" and award.waiting > 0
    if event == "confirm-recovery" and waits and caller == award.waiting_by:
        return FOUR_EYES
    if event in ("confirm-recovery", "cancel-recovery"):
        return DONE if waits else NOT_ALLOWED
    return DONE if award.state == "paid" and not waits and award.left > 0 else NOT_ALLOWED


def asked_back(award: Award, event: str) -> int:
    return min(PART_FEN, award.left) if event == "recover-part" else award.left


def move_money(case: Case, event: str, caller: str) -> None:
    """Follow an event of the money that was done, and what the case makes of it."""
    award = case.award
    assert award is not None
    if event in RECOVERIES:
        _recover(award, event, caller)
    elif event == "prepare":
        award.batch, award.prepared_by = "prepared", caller
    elif event == "check":
        award.batch = "checked"
    elif event == "cancel":
        award.batch = "cancelled"
    elif event == "send":
        award.batch, award.state = "sent", "paying"
    elif event == "settle":
        award.batch, award.state = "settled", "paid"
        if case.state == "awarded":
            case.state = "closed"
    else:
        award.batch, award.waiting = None, 0
        award.state = "voided" if case.state == "revoked" else "awarded"
        if case.state == "closed":
            case.state = "awarded"


def _recover(award: Award, event: str, caller: str) -> None:
    if event in ("recover", "recover-part"):
        award.waiting, award.waiting_by = asked_back(award, event), caller
        return
    if event == "confirm-recovery":
        award.recovered += award.waiting
        award.state = "paid" if award.left else "recovered"
    award.waiting = 0
