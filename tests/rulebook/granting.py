"""Aid, candidates and ceilings built from a line each."""

from typing import Any

from services.rulebook.combine import Candidate, Combination
from services.rulebook.stacking import Aid, Clause, Limit, StackingMode, StackingTerms

CLAUSE = Clause("highest", "按照“从高、不重复”原则", "行动方案尾款")
TERMS = StackingTerms(StackingMode.TOP_UP, CLAUSE)


def position(programme: str, **where: Any) -> dict[str, Any]:
    return {
        "programme": programme, "level": "cixi", "matter": "project:甲", "group": "upgrade",
        "relation": "competes", "year": 2026, **where,
    }  # fmt: skip


def asks(programme: str, fen: int | None, **where: Any) -> Candidate:
    return Candidate(amount_fen=fen, **position(programme, **where))


def aid(programme: str, fen: int, **where: Any) -> Aid:
    where = {"level": "ningbo", "id": f"{programme}:{fen}", **where}
    return Aid(amount_fen=fen, **position(programme, **where))


def ceiling(of: Any, fen: int | None, **words: Any) -> Limit:
    return Limit(**{"id": "actual-cost", "says": "不超过实际投入", "source": "第五条", **words},
                 of=of, limit_fen=fen)  # fmt: skip


def paid(found: Combination) -> dict[str, int | None]:
    return {each.candidate.programme: each.amount_fen for each in found.chosen}


def dropped(found: Combination) -> dict[str, tuple[int, str]]:
    return {d.candidate.programme: (d.given_up_fen, d.cut.rule.id) for d in found.dropped}
