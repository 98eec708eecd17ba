"""Returning a case: its applicant is told at once of everything that is missing (一次性告知)."""

from collections.abc import Iterable, Mapping
from typing import Any

from services.kernel.clock import city_day
from services.policy.cases import rules
from services.policy.cases.actions.deed import Deed, answer_of
from services.policy.cases.schemas import NOTE_CHARS_MAX, CaseDeed
from services.policy.evidence.queries import missing_materials
from services.policy.plan.actions.load_library import library


async def say_what_is_missing(deed: Deed) -> CaseDeed:
    """Give the reviewer's own words, or what the case is known to lack; one of the two it takes."""
    if deed.body.note.strip():
        return deed.body
    said = await _missing(deed)
    rules.require_reason(
        said,
        "退回补正须在note中一次写明需要补正的全部内容；本件没有已知缺少的材料或数据可代为列明。",
        "A return states in note everything that is to be completed; nothing is known to be missing"
        " that could be listed instead.",
    )
    return deed.body.model_copy(update={"note": said[:NOTE_CHARS_MAX]})


async def _missing(deed: Deed) -> str:
    """List the materials that were not handed in, and the facts that the result hangs on."""
    programme = library().programme_on(deed.case.programme, city_day(deed.case.created_at))
    if programme is None:
        return ""
    answer = await answer_of(deed, programme)
    materials = [f"“{each.title}”" for each in await missing_materials(deed.session, deed.case)]
    facts = list(dict.fromkeys(map(_named, answer.assessment.missing)))
    parts = (("尚缺材料：", materials), ("尚缺数据：", facts))
    said = "；".join(f"{head}{_listed(names)}" for head, names in parts if names)
    return f"请一次补齐以下内容。{said}。" if said else ""


def _named(missing: Mapping[str, Any]) -> str:
    known, name = library(), str(missing["fact"])
    entry = known.facts.get(name) or known.recognitions.get(name) or known.lists.get(name)
    year = f"{missing['year']}年" if missing["year"] else ""
    owner = f"（{missing['owner']}）" if missing["owner"] else ""
    return f"{year}{entry.zh if entry else name}{owner}"


def _listed(names: Iterable[str]) -> str:
    return "、".join(names)
