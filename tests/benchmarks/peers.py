"""DuckDB and OpenFisca, in an environment of their own: one order a line, one answer a line.

Run by the benchmarks as `.bench/bin/python peers.py FACTS.parquet RULES.json`.
"""

# ruff: noqa: S608 (the queries are made of the benchmark's own names)
# pyright: reportMissingImports=false
# The ordinary environment has none of these libraries.

import json
import sys
import time
from typing import Any

import duckdb
import numpy as np
from openfisca_core import periods
from openfisca_core.entities import build_entity
from openfisca_core.simulation_builder import SimulationBuilder
from openfisca_core.taxbenefitsystems import TaxBenefitSystem
from openfisca_core.variables import Variable

YEAR = 2025
KINDS = {"bool": bool, "int": int, "float": float}


class Peers:
    def __init__(self, facts: str, rules: dict[str, Any]) -> None:
        self.rules = rules
        self.db = duckdb.connect()
        self.db.execute(f"SET threads = {rules['threads']}")
        columns = self.db.execute(f"DESCRIBE SELECT * FROM '{facts}'").fetchall()
        chosen: list[str] = []
        for name, kind, *_ in columns:
            if kind == "VARCHAR":
                named = f'SELECT DISTINCT "{name}" FROM \'{facts}\' WHERE "{name}" IS NOT NULL'
                self.db.execute(f"CREATE TYPE enum_{name} AS ENUM ({named} ORDER BY 1)")
                chosen.append(f'"{name}"::enum_{name} AS "{name}"')
            else:
                chosen.append(f'"{name}"')
        self.db.execute(f"CREATE TABLE firms AS SELECT {', '.join(chosen)} FROM '{facts}'")
        self.arrays = self._arrays([(name, kind) for name, kind, *_ in columns])
        self.system = self._system()

    def duckdb(self) -> tuple[float, Any]:
        began = time.perf_counter()
        row = self.db.execute(self.rules["duckdb"]).fetchone()
        spent = time.perf_counter() - began
        names = self.rules["openfisca"]["programmes"]
        return spent, {
            name: [int(part) for part in row[3 * place : 3 * place + 3]]
            for place, name in enumerate(names)
        }

    def openfisca(self) -> tuple[float, Any]:
        count = len(next(iter(self.arrays.values())))
        began = time.perf_counter()
        counted = self._asked(count, self.arrays)
        return time.perf_counter() - began, counted

    def openfisca_one(self) -> tuple[float, Any]:
        one = {name: array[:1] for name, array in self.arrays.items()}
        times: list[float] = []
        for _ in range(20):
            began = time.perf_counter()
            self._asked(1, one)
            times.append(time.perf_counter() - began)
        return sorted(times)[len(times) // 2], {}

    def _asked(self, count: int, arrays: dict[Any, Any]) -> dict[str, list[int]]:
        simulation = SimulationBuilder().build_default_simulation(self.system, count=count)
        for (name, year), array in arrays.items():
            simulation.set_input(name, str(year), array)
        answers: dict[str, list[int]] = {}
        for name in self.rules["openfisca"]["programmes"]:
            granted = simulation.calculate(name, str(YEAR))
            fen = simulation.calculate(f"{name}_fen", str(YEAR))
            answers[name] = [int(granted.sum()), int(fen.sum(dtype=float))]
        return answers

    def _arrays(self, columns: list[tuple[str, str]]) -> dict[Any, Any]:
        """Give what is unknown as zero or false, for OpenFisca has no other way."""
        arrays: dict[Any, Any] = {}
        for column, kind in columns:
            name, _, year = column.partition(".")
            zero = "FALSE" if kind == "BOOLEAN" else "0"
            value = f'"{column}"::VARCHAR::BIGINT' if kind == "VARCHAR" else f'"{column}"'
            if kind == "VARCHAR":
                value = f"TRY_CAST({value.removesuffix('::BIGINT')} AS BIGINT)"
            query = f"SELECT coalesce({value}, {zero}) AS v FROM firms"
            array = self.db.execute(query).fetchnumpy()["v"]
            if kind == "BIGINT":
                array = array.astype(np.float32)
            arrays[name, int(year or YEAR)] = np.asarray(array)
        return arrays

    def _system(self) -> Any:
        person = build_entity("person", "persons", "A firm", is_person=True)
        system = TaxBenefitSystem([person])
        stated = self.rules["openfisca"]
        for name, kind in stated["facts"].items():
            system.add_variable(_variable(name, KINDS[kind], person))
        for name, text in stated["formulas"].items():
            kind = float if name.endswith("_fen") else bool
            system.add_variable(_variable(name, kind, person, text))
        return system


def _variable(name: str, kind: type, person: Any, text: str | None = None) -> Any:
    members: dict[str, Any] = {
        "value_type": kind,
        "entity": person,
        "definition_period": periods.YEAR,
    }
    if text is not None:
        scope = {"floor": np.floor, "where": np.where, "isin": np.isin, "minimum": np.minimum,
                 "maximum": np.maximum}  # fmt: skip
        exec(f"def formula(person, period):\n    return {text}", scope)  # noqa: S102
        members["formula"] = scope["formula"]
    return type(name, (Variable,), members)


def main() -> None:
    """Answer each line with how long it took, and what came out."""
    np.seterr(all="ignore")
    with open(sys.argv[2]) as file:  # noqa: PTH123
        peers = Peers(sys.argv[1], json.load(file))
    print("ready", flush=True)  # noqa: T201
    for line in sys.stdin:
        seconds, found = getattr(peers, line.strip())()
        print(json.dumps({"seconds": seconds, "found": found}), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
