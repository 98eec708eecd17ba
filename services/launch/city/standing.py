"""A firm's facts as of a day: what it is, owns and has against it."""

from random import Random

from services.launch.city.chance import chance, one_in
from services.launch.city.model import Fact
from services.launch.city.trades import Kind, Trade

CITY_DIVISION = "330282"
# Percent of the answers that nobody has stated yet.
UNSTATED_PERCENT = 4


def day_facts(rng: Random, trade: Trade, *, researches: bool, age: int) -> dict[str, Fact]:
    """State what is known on the day; the jurisdiction's fact is added where it is settled."""
    return {
        "is_resident_enterprise": True,
        "is_industrial": trade.is_industrial,
        "is_listed": one_in(rng, 150),
        "is_digital_manufacturing": trade.kind is Kind.DIGITAL,
        **_property(rng, researches=researches),
        **_product(rng, trade, researches=researches, age=age),
        **_record(rng),
        **(_laurels(rng) if researches else {}),
        **(_green(rng) if trade.is_industrial else {}),
    }


def with_gaps(rng: Random, facts: dict[str, Fact]) -> dict[str, Fact]:
    """Leave some of it unstated."""
    return {name: value for name, value in facts.items() if not chance(rng, UNSTATED_PERCENT)}


def _property(rng: Random, *, researches: bool) -> dict[str, Fact]:
    class1 = rng.randint(0, 3) * rng.randint(0, 4) if researches else 0
    own = rng.randint(0, class1)
    return {
        "class1_ip_count": class1,
        "class1_ip_self_developed_count": own,
        "class1_ip_high_value_count": rng.randint(0, own),
        "class1_ip_applied_count": rng.randint(0, class1),
        "class2_ip_count": rng.randint(1, 30) if researches else rng.randint(0, 3),
    }


def _product(rng: Random, trade: Trade, *, researches: bool, age: int) -> dict[str, Fact]:
    facts: dict[str, Fact] = {
        "niche_years": rng.randint(0, max(0, min(age, 20))),
        "main_product_is_strategic_emerging": chance(rng, 60 if trade.kind is Kind.DIGITAL else 15),
        "main_product_is_new": chance(rng, 12),
        "fills_chain_gap": researches and chance(rng, 15),
        "core_tech_in_national_field": researches and chance(rng, 85),
        "ip_supports_main_product": researches and chance(rng, 85),
    }
    if researches:
        facts["market_share_bp"] = rng.randint(5, 1500)
        if chance(rng, 10):
            facts["domestic_market_rank"] = rng.randint(1, 10)
            facts["global_market_rank"] = rng.randint(3, 30)
    return facts


def _record(rng: Random) -> dict[str, Fact]:
    incident_1y = one_in(rng, 200)
    return {
        "has_banned_product": one_in(rng, 120),
        "has_abnormal_listing": one_in(rng, 50),
        "has_dishonesty_record": one_in(rng, 80),
        "had_major_incident_1y": incident_1y,
        "had_major_incident_3y": incident_1y or one_in(rng, 120),
    }


def _laurels(rng: Random) -> dict[str, Fact]:
    return {
        "has_provincial_rd_institution": chance(rng, 8),
        "provincial_award_top3_3y": one_in(rng, 80),
        "national_award_top3_3y": False,
        "national_award_top3_5y": one_in(rng, 400),
        "leads_standard_5y": chance(rng, 6),
        "qualified_equity_3y_fen": 0,
    }


def _green(rng: Random) -> dict[str, Fact]:
    return {
        "green_factory_score": rng.randint(45, 92),
        "clean_production_accepted_3y": chance(rng, 25),
        "is_water_saving": chance(rng, 12),
    }
