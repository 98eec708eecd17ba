"""A process with a wrong environment ends at once, and says what is wrong with it."""

import pytest

from services.launch import configuration
from services.launch.configuration import (
    SERVICE_NAMES,
    drain_seconds,
    gateway_backends,
    service_settings,
    told_plainly,
)

DATABASE = "postgresql://finance_app:hush-hush@db/liangxin"
BROKER = "nats://liangxin:hush-hush@nats:4222"
ADDRESSES = ("DATABASE_URL", *(f"{name.upper()}_DATABASE_URL" for name in SERVICE_NAMES))


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    services = (f"{name.upper()}_URL" for name in SERVICE_NAMES)
    for name in (*ADDRESSES, *services, "NATS_URL", "LIANGXIN_DRAIN_S"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LIANGXIN_PROFILE", "demonstration")


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({}, "set DATABASE_URL .or FINANCE_DATABASE_URL. and NATS_URL"),
        ({"FINANCE_DATABASE_URL": DATABASE}, "NATS_URL must be set as well"),
        ({"NATS_URL": BROKER}, "DATABASE_URL must be set as well"),
        (
            {"NATS_URL": BROKER, "IDENTITY_DATABASE_URL": DATABASE},
            "FINANCE_DATABASE_URL or DATABASE_URL must be set",
        ),
        (
            {"NATS_URL": "nats:4222", "FINANCE_DATABASE_URL": DATABASE},
            "NATS_URL must begin with nats://",
        ),
        (
            {"NATS_URL": BROKER, "FINANCE_DATABASE_URL": "mysql://hush-hush@db/x"},
            "FINANCE_DATABASE_URL must begin with postgresql://",
        ),
        (
            {"NATS_URL": BROKER, "FINANCE_DATABASE_URL": DATABASE, "LIANGXIN_PROFILE": "prod"},
            "LIANGXIN_PROFILE: .*'demonstration' or 'production'",
        ),
        (
            {
                "NATS_URL": BROKER,
                "FINANCE_DATABASE_URL": DATABASE,
                "LIANGXIN_PROFILE": "production",
                "LIANGXIN_AUDIT_KEY": "hush-hush",
            },
            "LIANGXIN_AUDIT_KEY must be a random secret",
        ),
    ],
)
def test_a_service_says_what_is_missing_and_repeats_no_secret(
    variables: dict[str, str], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match=told) as raised:
        service_settings("finance")
    assert "hush-hush" not in str(raised.value)


def test_a_service_needs_its_own_database_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NATS_URL", BROKER)
    monkeypatch.setenv("FINANCE_DATABASE_URL", DATABASE)
    assert service_settings("finance").service_url("finance") == DATABASE


def test_the_gateway_must_be_told_where_services_are(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match="IDENTITY_URL"):
        gateway_backends()
    monkeypatch.setenv("FINANCE_URL", "finance:8000")
    with pytest.raises(SystemExit, match="FINANCE_URL must begin with http://"):
        gateway_backends()
    monkeypatch.setenv("FINANCE_URL", "http://finance:8000")
    assert gateway_backends() == {"finance": "http://finance:8000"}


def test_other_faults_are_not_taken_for_the_environment() -> None:
    with pytest.raises(ZeroDivisionError), told_plainly():
        _ = 1 / 0


def test_a_process_of_its_own_drains_though_it_names_no_server() -> None:
    assert configuration.is_embedded()
    assert drain_seconds() == 0
    assert drain_seconds(is_alone=True) == configuration.DRAIN_S
