"""What a process refuses to start with, and what it never tells."""

from typing import Any

import pytest
from pydantic import ValidationError

from services.kernel.bus import Bus
from services.kernel.database_urls import (
    app_password,
    database_name,
    driver_url,
    plain_url,
    with_database,
)
from services.kernel.runtime import Runtime, WrongProfile
from services.kernel.settings import Profile, Settings
from tests.kernel.running import Probe

SECRET = "kq9V2xTz7LmB4nRw8PfD6sHjC3gYaE5u"
PRODUCTION: dict[str, Any] = {
    "LIANGXIN_PROFILE": "production",
    "LIANGXIN_AUDIT_KEY": SECRET,
    "LIANGXIN_SECRET_KEY": SECRET[::-1],
    "database_url": "postgresql://admin:hidden-word@db/liangxin",
}


def settings(**changes: Any) -> Settings:
    """Read the settings of a production process, changed as a test says."""
    given: dict[str, Any] = {**PRODUCTION, **changes}
    return Settings(**given)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "LIANGXIN_PROFILE",
        "LIANGXIN_AUDIT_KEY",
        "LIANGXIN_SECRET_KEY",
        "LIANGXIN_CRASH_AT",
        "DATABASE_URL",
    ):
        monkeypatch.delenv(name, raising=False)


def test_production_starts_with_secrets_of_its_own() -> None:
    assert settings().profile is Profile.PRODUCTION


def test_production_is_what_a_process_is_unless_it_is_told_otherwise() -> None:
    with pytest.raises(ValidationError, match="LIANGXIN_AUDIT_KEY"):
        Settings(LIANGXIN_SECRET_KEY=SECRET)  # pyright: ignore[reportCallIssue]


@pytest.mark.parametrize("name", ["LIANGXIN_AUDIT_KEY", "LIANGXIN_SECRET_KEY"])
@pytest.mark.parametrize("secret", ["", "short", "x" * 64, "changeme" * 3, "ab" * 32])
def test_production_refuses_an_empty_short_or_monotonous_secret(name: str, secret: str) -> None:
    with pytest.raises(ValidationError, match=name):
        settings(**{name: secret})


def test_production_refuses_a_crash_point(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIANGXIN_CRASH_AT", "relay:published")
    with pytest.raises(ValidationError, match="LIANGXIN_CRASH_AT"):
        settings()
    assert settings(LIANGXIN_PROFILE="demonstration").crash_at


def test_neither_a_refusal_nor_the_settings_in_a_log_tell_a_secret() -> None:
    with pytest.raises(ValidationError) as raised:
        settings(LIANGXIN_AUDIT_KEY="weak-secret")
    told = f"{raised.value} {raised.value!r} {settings()!r}"
    for hidden in ("hidden-word", "weak-secret", SECRET, SECRET[::-1]):
        assert hidden not in told


def test_a_variable_of_the_shell_that_is_not_ours_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("PROFILE", "DATA", "ISSUER", "POOL_SIZE", "SECRET_KEY", "LOG_LEVEL"):
        monkeypatch.setenv(name, "stray")
    read = settings()
    assert (read.pool_size, read.secret_key) == (6, SECRET[::-1])


async def test_data_of_one_profile_are_not_opened_under_another(probe: Probe) -> None:
    changed = probe.runtime.settings.model_copy(update={"profile": Profile.PRODUCTION})
    runtime = Runtime(probe.runtime.service, changed, Bus(changed.nats_url, "wrong"))
    with pytest.raises(WrongProfile, match="demonstration"):
        await runtime.start()
    await runtime.stop()


def test_each_service_has_a_password_of_its_own_that_follows_from_the_administrators() -> None:
    read = settings()
    one, other = read.service_url("policy"), read.service_url("finance")
    assert one.startswith("postgresql://policy_app:")
    assert one.split("@")[1] == "db/liangxin"
    passwords = {one.split(":")[2].split("@")[0], other.split(":")[2].split("@")[0]}
    assert len(passwords) == 2
    assert not any("hidden-word" in p for p in passwords)
    moved = settings(database_url="postgresql://admin:new@db/liangxin")
    assert moved.service_url("policy") != one
    own: dict[str, Any] = {"LIANGXIN_SERVICE_DATABASE_URLS": {"policy": "postgresql://own"}}
    given = settings(**own)
    assert given.service_url("policy") == "postgresql://own"


@pytest.mark.parametrize(
    ("url", "renamed"),
    [
        ("postgresql://u:p@h:5432/a", "postgresql://u:p@h:5432/b"),
        ("postgresql:///a?host=/run/x", "postgresql:///b?host=/run/x"),
    ],
)
def test_a_url_is_pointed_at_another_database_of_its_server(url: str, renamed: str) -> None:
    assert with_database(url, "b") == renamed
    assert (database_name(url), database_name(renamed)) == ("a", "b")
    assert plain_url(driver_url(url)).removeprefix("postgresql:").lstrip("/") == (
        url.removeprefix("postgresql:").lstrip("/")
    )


def test_a_url_of_another_kind_of_database_is_refused() -> None:
    with pytest.raises(ValueError, match="postgresql"):
        driver_url("sqlite:///x")


def test_the_password_of_a_role_is_never_the_administrators() -> None:
    assert app_password("postgresql://a:b@c/d", "r") != app_password("postgresql://a:b@c/d", "s")
