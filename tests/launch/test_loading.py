"""A process loads what it runs: restarts are frequent, and each module costs time and memory."""

import subprocess
import sys

from services.launch.configuration import SERVICE_NAMES

FINANCE = "from services.launch.registry import SERVICES; assert SERVICES['finance'].name"
HEAVY = ("alembic", "openpyxl", "rich.progress", "sqlglot")


def loaded_by(code: str) -> set[str]:
    """Run code in a fresh interpreter; give the modules that it loaded."""
    program = f"import sys\n{code}\nprint(*sys.modules)"
    command = [sys.executable, "-c", program]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def services_in(modules: set[str]) -> set[str]:
    return {name for name in SERVICE_NAMES if f"services.{name}.service" in modules}


def test_the_command_line_alone_loads_no_service() -> None:
    modules = loaded_by("import services.launch.cli")
    assert services_in(modules) == set()
    assert "sqlalchemy" not in modules


def test_a_process_of_one_service_loads_no_other() -> None:
    modules = loaded_by(f"import services.launch.commands.one_service; {FINANCE}")
    assert services_in(modules) == {"finance"}
    assert modules.isdisjoint(HEAVY)


def test_the_gateway_alone_loads_no_service() -> None:
    modules = loaded_by("import services.launch.commands.gateway_alone")
    assert "gateway.app" in modules
    assert services_in(modules) == set()


def test_the_whole_platform_loads_every_service() -> None:
    code = "from services.launch.registry import SERVICES; assert list(SERVICES.values())"
    assert services_in(loaded_by(code)) == set(SERVICE_NAMES)
