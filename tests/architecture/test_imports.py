"""Each import contract of `pyproject.toml` bites, and none bites what is allowed."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.source import REPOSITORY

SERVICES = ("enterprise", "finance", "identity", "policy")
NOUN = {"enterprise": "firms", "finance": "budgets", "identity": "clients", "policy": "cases"}
SEVEN = ("rules", "models", "schemas", "access", "queries", "actions", "routes")

# What is allowed: the whole way down inside a service, and across by contract.
ALLOWED = {
    "services/enterprise/service.py": "import services.enterprise.reactions",
    "services/enterprise/reactions.py": "import services.enterprise.firms.actions",
    "services/enterprise/firms/routes.py": "import services.enterprise.firms.actions",
    "services/enterprise/firms/actions.py": "import services.policy.contract.events",
    "services/enterprise/firms/queries.py": "import services.enterprise.firms.models",
    "services/enterprise/firms/models.py": "import services.enterprise.firms.rules",
    "services/enterprise/firms/rules.py": "import services.enterprise.contract.events",
    "services/enterprise/contract/events.py": "import services.kernel.clock",
    "services/policy/contract/events.py": "import services.rulebook",
    "services/launch/runner.py": "import gateway.routing, services.enterprise.service",
    "gateway/routing.py": "import services.kernel.clock, services.policy.contract.events",
}
# For each contract a file and the import that it must not have.
VIOLATIONS = [
    ("kernel", "services/kernel/clock.py", "services.policy.contract.events"),
    ("kernel", "services/kernel/clock.py", "services.rulebook"),
    ("kernel", "services/kernel/clock.py", "gateway.routing"),
    ("rulebook", "services/rulebook/__init__.py", "services.kernel.clock"),
    ("services", "services/finance/budgets/actions.py", "services.policy.cases.rules"),
    ("services", "services/finance/reactions.py", "services.enterprise.codes"),
    ("services", "services/finance/contract/events.py", "services.policy.cases.rules"),
    ("contracts", "services/finance/contract/events.py", "services.policy.contract.events"),
    ("service", "services/finance/contract/events.py", "services.finance.budgets.rules"),
    ("service", "services/finance/budgets/actions.py", "services.finance.reactions"),
    ("service", "services/finance/reactions.py", "services.finance.service"),
    ("service", "services/finance/helpers.py", "services.kernel.clock"),
    ("service", "services/finance/money.py", "services.finance.budgets.rules"),
    ("noun", "services/finance/budgets/rules.py", "services.finance.budgets.models"),
    ("noun", "services/finance/budgets/models.py", "services.finance.budgets.schemas"),
    ("noun", "services/finance/budgets/queries.py", "services.finance.budgets.actions"),
    ("noun", "services/finance/budgets/actions.py", "services.finance.budgets.routes"),
    ("gateway", "gateway/routing.py", "services.policy.cases.queries"),
    ("gateway", "gateway/routing.py", "services.rulebook"),
    ("launch", "services/policy/service.py", "services.launch.runner"),
    ("launch", "gateway/routing.py", "services.launch.runner"),
    ("door", "services/policy/service.py", "gateway.routing"),
    ("tests", "services/policy/service.py", "tests.architecture.source"),
    ("tests", "gateway/routing.py", "tests.architecture.source"),
]
END_OF_REPORT = "=== end of report ===\n"
# One process for all violations: starting the linter takes longer than its work.
LINTER = f"""
import json, sys
from pathlib import Path
from importlinter.cli import lint_imports
for file, name in json.load(sys.stdin):
    place = Path(file)
    sound = place.read_text() if place.exists() else None
    place.write_text(f"{{sound or ''}}\\nimport {{name}}\\n")
    lint_imports(no_cache=True, no_logo=True)
    place.unlink() if sound is None else place.write_text(sound)
    print(flush=True)
    print({END_OF_REPORT!r}, end="", flush=True)
"""


def contracts() -> dict[str, str]:
    """Return the names of the contracts by their ids."""
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    return {one["id"]: one["name"] for one in settings["tool"]["importlinter"]["contracts"]}


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """Build the house in miniature, with every import that is allowed, under the real contracts."""
    files = [f"services/{service}/service.py" for service in SERVICES]
    files += [f"services/{service}/reactions.py" for service in SERVICES]
    files += [f"services/{service}/contract/events.py" for service in SERVICES]
    files += [f"services/{s}/{NOUN[s]}/{name}.py" for s in SERVICES for name in SEVEN]
    files += ["services/enterprise/codes/towns.py", "services/kernel/clock.py"]
    files += ["services/rulebook/__init__.py", *ALLOWED]
    for file in files:
        place = tmp_path / file
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(ALLOWED.get(file, ""))
        for folder in list(place.relative_to(tmp_path).parents)[:-1]:
            (tmp_path / folder / "__init__.py").touch()
    (tmp_path / "pyproject.toml").write_text((REPOSITORY / "pyproject.toml").read_text())
    return tmp_path


def verdicts(house: Path, violations: list[tuple[str, str]]) -> list[dict[str, str]]:
    """Plant one violation after the other; return KEPT or BROKEN by contract for each."""
    outcome = subprocess.run(
        [sys.executable, "-c", LINTER],
        cwd=house,
        env=os.environ | {"COLUMNS": "200"},
        input=json.dumps(violations),
        capture_output=True,
        text=True,
        check=True,
    )
    found = [
        dict(re.findall(r"^(.+?) (KEPT|BROKEN)(?: \(.*\))?$", report, re.MULTILINE))
        for report in outcome.stdout.split(END_OF_REPORT)[:-1]
    ]
    assert all(verdict.keys() == set(contracts().values()) for verdict in found), outcome.stdout
    return found


def test_what_is_allowed_passes(house: Path) -> None:
    (verdict,) = verdicts(house, [("services/kernel/clock.py", "datetime")])

    assert set(verdict.values()) == {"KEPT"}


def test_every_contract_has_a_violation() -> None:
    assert {contract for contract, _, _ in VIOLATIONS} == contracts().keys()


def test_every_violation_breaks_its_contract(house: Path) -> None:
    found = verdicts(house, [(file, name) for _, file, name in VIOLATIONS])
    unnoticed = [
        violation
        for violation, verdict in zip(VIOLATIONS, found, strict=True)
        if verdict[contracts()[violation[0]]] != "BROKEN"
    ]

    assert unnoticed == []


def test_every_service_is_under_the_contracts() -> None:
    folders = {
        path.name
        for path in (REPOSITORY / "services").iterdir()
        if path.is_dir() and path.name not in {"kernel", "rulebook", "launch", "__pycache__"}
    }

    assert folders == set(SERVICES)
