"""docker-compose.yml says the same as the split runner, without a container being started."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.settings import GatewaySettings
from services.kernel.settings import Profile, Settings
from services.launch.configuration import SERVICE_NAMES
from services.launch.split import Split, inherited

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
EXAMPLE = ROOT / "deploy" / "example.env"
NATS = ROOT / "deploy" / "nats.conf"
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
BIN = Path(sys.executable).parent
# What the image itself sets, the same for every container.
BY_IMAGE = {"LIANGXIN_DATA", "LIANGXIN_HOST"}
# Containers have addresses of their own: identity must be told where the gateway calls from.
ELSEWHERE = {"identity": {"LIANGXIN_TRUSTED_PROXIES"}}
_NAMED = re.compile(r"\$\{([A-Z_]+)(?P<rest>[^}]*)\}")


def compose() -> dict[str, Any]:
    return yaml.safe_load(COMPOSE.read_text())["services"]


def test_the_compose_file_fits_its_specification() -> None:
    done = check(COMPOSE)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("stop_grace_period:", "stop_grace_time:"),
        ('command: ["run", "finance"]', 'comand: ["run", "finance"]'),
    ],
)
def test_a_misspelt_key_would_be_found(tmp_path: Path, right: str, wrong: str) -> None:
    text = COMPOSE.read_text()
    assert right in text
    planted = tmp_path / "docker-compose.yml"
    planted.write_text(text.replace(right, wrong))
    done = check(planted)
    assert done.returncode == 1, done.stdout
    assert "ok" not in done.stdout


def check(path: Path) -> subprocess.CompletedProcess[str]:
    command = [BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", path]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def split(tmp_path: Path) -> Split:
    settings = Settings.model_validate(
        {
            "database_url": "postgresql://postgres:word@127.0.0.1:5432/liangxin",
            "nats_url": "nats://127.0.0.1:4222",
            "LIANGXIN_DATA": tmp_path,
            "LIANGXIN_PROFILE": Profile.DEMONSTRATION,
        }
    )
    return Split(settings, SERVICE_NAMES, {})


def test_both_run_the_same_commands(split: Split) -> None:
    runs = {
        name: container["command"]
        for name, container in compose().items()
        if container.get("command", [""])[0] == "run"
    }
    assert runs == {child.name: ["run", child.name] for child in split.children}


def test_both_set_the_same_variables(split: Split) -> None:
    containers = compose()
    for child in split.children:
        ours = set(child.environment) - set(inherited()) - BY_IMAGE
        theirs = set(containers[child.name]["environment"])
        assert theirs - ELSEWHERE.get(child.name, set()) == ours, child.name


def test_the_image_sets_what_compose_leaves_out() -> None:
    (line,) = (x for x in DOCKERFILE.read_text().splitlines() if x.startswith("ENV "))
    assert {word.partition("=")[0] for word in line.split()[1:]} - {"PATH"} == BY_IMAGE
    assert 'ENTRYPOINT ["liangxin"]' in DOCKERFILE.read_text()


def test_every_variable_is_one_that_the_process_reads() -> None:
    settings = {f.alias or name.upper() for name, f in Settings.model_fields.items()}
    prefix = GatewaySettings.model_config.get("env_prefix", "")
    gateway = {f"{prefix}{name}".upper() for name in GatewaySettings.model_fields}
    urls = {f"{name.upper()}_URL" for name in SERVICE_NAMES}
    databases = {f"{name.upper()}_DATABASE_URL" for name in SERVICE_NAMES}
    read = {
        **dict.fromkeys(SERVICE_NAMES, settings | databases),
        "migrate": settings | databases,
        "gateway": gateway | urls | {"LIANGXIN_PROFILE"},
    }
    for name, known in read.items():
        unknown = set(compose()[name]["environment"]) - known
        assert not unknown, f"{name} is given what nothing reads: {unknown}"


def test_each_service_reaches_its_own_database_alone() -> None:
    containers = compose()
    for name in SERVICE_NAMES:
        urls = {k: v for k, v in containers[name]["environment"].items() if "DATABASE_URL" in k}
        (variable,) = urls
        assert variable == f"{name.upper()}_DATABASE_URL"
        assert f"//{name}_app:" in urls[variable]
    assert not any("DATABASE" in key for key in containers["gateway"]["environment"])
    migrating = containers["migrate"]["environment"]
    assert {f"{name.upper()}_DATABASE_URL" for name in SERVICE_NAMES} < set(migrating)


def test_the_gateway_finds_every_service_under_its_name() -> None:
    environment = compose()["gateway"]["environment"]
    for name in SERVICE_NAMES:
        assert environment[f"{name.upper()}_URL"] == f"http://{name}:8000"


def test_what_has_no_default_stands_in_the_example() -> None:
    named = {found[1]: found["rest"] for found in _NAMED.finditer(COMPOSE.read_text())}
    needed = {name for name, rest in named.items() if not rest.startswith(":-")}
    lines = [x for x in EXAMPLE.read_text().splitlines() if x and not x.startswith("#")]
    example = {line.partition("=")[0] for line in lines}
    assert needed <= example
    assert example <= set(named)


def test_the_broker_takes_its_configuration(tmp_path: Path) -> None:
    assert broker_check(NATS).returncode == 0
    planted = tmp_path / "nats.conf"
    planted.write_text(NATS.read_text().replace("store_dir", "store_directory"))
    assert broker_check(planted).returncode != 0


def test_compose_signs_in_as_the_broker_expects() -> None:
    url = compose()["finance"]["environment"]["NATS_URL"]
    user = re.search(r"user: (\w+)", NATS.read_text())
    assert user is not None
    assert url.startswith(f"nats://{user[1]}:${{NATS_PASSWORD")
    assert "NATS_PASSWORD" in compose()["nats"]["environment"]


def broker_check(path: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "NATS_PASSWORD": "a-word"}
    command = [BIN / "nats-server", "-t", "-c", path]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
