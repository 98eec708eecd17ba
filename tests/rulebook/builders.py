"""A small vocabulary, and programmes and situations built from a line each."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from services.rulebook import (
    CompiledProgramme,
    Fact,
    Situation,
    Vocabulary,
    compile_programme,
    load_programme,
    read_situation,
)

DAY = date(2026, 11, 23)
YEAR = 2025
FEN_PER_WAN = 1_000_000  # 万元

VOCABULARY = Vocabulary(
    [
        Fact("revenue_fen", "year", "int", "fen", "营业收入", "revenue", "统计局", 0, 10**15),
        Fact(
            "rd_internal_fen",
            "year",
            "int",
            "fen",
            "研发经费内部支出",
            "internal R&D expenditure",
            "统计局",
            0,
            10**15,
        ),
        Fact("net_profit_fen", "year", "int", "fen", "净利润", "net profit", "税务局"),
        Fact("staff_count", "year", "int", "person", "职工总数", "staff", "人社局", 0, 10**7),
        Fact(
            "ningbo_rd_award_fen",
            "year",
            "int",
            "fen",
            "宁波研发投入后补助",
            "Ningbo award",
            "科技局",
        ),
        Fact("class1_ip_count", "day", "int", "item", "Ⅰ类知识产权", "class I IP", "科技局"),
        Fact("market_share_bp", "day", "int", "bp", "市场占有率", "market share", "经信局"),
        Fact("is_above_scale", "day", "bool", "", "规上企业", "above scale", "统计局"),
        Fact("is_city_level", "day", "bool", "", "市本级企业", "city level", "财政局"),
        Fact("is_listed", "day", "bool", "", "上市企业", "listed", "金融办"),
        Fact("is_digital_manufacturing", "day", "bool", "", "数字经济制造业", "digital", "经信局"),
        Fact("industry_code", "day", "text", "", "行业代码", "industry", "市监局"),
        Fact("town_code", "day", "text", "", "镇街道", "town", "市监局"),
        Fact("established_on", "day", "date", "", "成立日期", "founding day", "市监局"),
        Fact("recognitions", "day", "ids", "", "资质", "recognitions", "经信局"),
        Fact("lists", "day", "ids", "", "名单", "lists", "科技局"),
    ]
)


def programme(
    *conditions: str | Mapping[str, Any], amount: str | int | None = None, **more: Any
) -> CompiledProgramme:
    """Compile a draft from its expressions; the conditions are named c0, c1 and so on."""
    eligibility = [
        {"id": f"c{index}", "says": f"条件{index}", "when": condition}
        if isinstance(condition, str)
        else {"id": f"c{index}", "says": f"条件{index}", **condition}
        for index, condition in enumerate(conditions)
    ]
    data = {"id": "draft", "title": "草案", "eligibility": eligibility, **more}
    if amount is not None:
        data["amount"] = amount
    return compile_programme(load_programme(data), VOCABULARY)


def situation(**facts: Any) -> Situation:
    """State facts as a body does; `history` names the programmes ever won."""
    history = facts.pop("history", None)
    return read_situation(on=DAY, facts=facts, vocabulary=VOCABULARY, history=history)


def truth(expression: str, **facts: Any) -> bool | None:
    """Compute one condition of one situation."""
    return programme(expression).decide(situation(**facts)).checks[0]


def amount(
    expression: str, *, parameters: Mapping[str, int | None] | None = None, **facts: Any
) -> int | None:
    """Compute the amount of a programme for which everyone listed or not listed is eligible."""
    declared = dict.fromkeys(parameters or {}, "number")
    compiled = programme("is_above_scale", amount=expression, parameters=declared)
    return compiled.decide(situation(is_above_scale=True, **facts), parameters).amount_fen
