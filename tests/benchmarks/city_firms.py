"""The synthetic city as policy keeps it: each firm's whole state, as enterprise announces it."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any, Final
from uuid import UUID

from services.enterprise.contract.events import FirmChanged
from services.launch.city.generate import FIRMS_MAX, generate_city
from services.launch.city.model import City
from services.launch.city.standing import CITY_DIVISION
from services.launch.city.uscc import make_uscc

SEED: Final = 2025
HEARD_AT: Final = datetime(2026, 1, 2, tzinfo=UTC)
STATEMENT: Final = UUID(int=1)


def city_firms(count: int) -> Iterator[FirmChanged]:
    """Draw so many firms, seed by seed, since one city has a limit; no two have one code."""
    done = 0
    while done < count:
        wanted = min(FIRMS_MAX, count - done)
        # The cast alone is a city of some firms.
        city = generate_city(SEED + done, max(wanted, 20))
        for place, state in enumerate(_states(city)):
            if place == wanted:
                break
            yield state.model_copy(update={"uscc": make_uscc(CITY_DIVISION, done + place)})
        done += wanted


def _states(city: City) -> Iterator[FirmChanged]:
    yearly: dict[str, dict[str, dict[str, Any]]] = defaultdict(lambda: defaultdict(dict))
    daily: dict[str, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    titles: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for of_year in city.indicators:
        for name, value in of_year.facts.items():
            yearly[of_year.uscc][name][str(of_year.year)] = value
    for of_day in sorted(city.facts, key=lambda each: each.valid_from):
        for name, value in of_day.facts.items():
            daily[of_day.uscc][name].append({"value": value, "valid_from": of_day.valid_from})
    for title in city.recognitions:
        titles[title.uscc].append(
            {
                "recognition": title.recognition,
                "grade": title.grade,
                "valid_from": title.valid_from,
                "valid_to": title.valid_to,
            }
        )
    for firm in city.firms:
        jurisdiction = firm.fiscal_jurisdiction
        yield FirmChanged.model_validate(
            {
                "version": 1,
                "uscc": firm.uscc,
                "name": firm.name,
                "industry_code": firm.industry_code,
                "town_code": firm.town_code,
                "registration_authority_code": firm.uscc[2:8],
                "established_on": firm.established_on,
                "fiscal_jurisdictions": [{"code": jurisdiction, "valid_from": date(2000, 1, 1)}]
                if jurisdiction
                else [],
                "yearly": yearly[firm.uscc],
                "daily": daily[firm.uscc],
                "recognitions": titles[firm.uscc],
                "statement_id": STATEMENT,
                "recorded_at": HEARD_AT,
                "synthetic": True,
            }
        )
