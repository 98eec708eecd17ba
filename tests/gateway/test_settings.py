"""Settings that would open the door too far stop the process."""

from ipaddress import ip_network

import pytest
from pydantic import ValidationError

from gateway.settings import GatewaySettings
from services.kernel.settings import Profile


@pytest.mark.parametrize(
    "origins", ["*", "null", "https://*.example.cn", "https://a.cn/path", "ftp://a.cn", "a.cn"]
)
def test_an_origin_must_be_named(origins: str) -> None:
    with pytest.raises(ValidationError, match="CORS"):
        GatewaySettings(cors_origins=origins)  # pyright: ignore[reportArgumentType]


def test_open_docs_stop_a_process_in_production() -> None:
    with pytest.raises(ValidationError, match="DOCS_OPEN"):
        GatewaySettings(profile=Profile.PRODUCTION, docs_open=True)
    assert not GatewaySettings(profile=Profile.PRODUCTION).shows_docs
    assert GatewaySettings(profile=Profile.DEMONSTRATION).shows_docs


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIANGXIN_PROFILE", "demonstration")
    monkeypatch.setenv("LIANGXIN_GATEWAY_CORS_ORIGINS", "https://a.cn, https://b.cn:8443")
    monkeypatch.setenv("LIANGXIN_GATEWAY_TRUSTED_PROXIES", "10.0.0.0/8 ::1")
    monkeypatch.setenv("LIANGXIN_GATEWAY_ANONYMOUS_PER_MINUTE", "7")
    settings = GatewaySettings()
    assert settings.profile is Profile.DEMONSTRATION
    assert settings.cors_origins == ("https://a.cn", "https://b.cn:8443")
    assert settings.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("::1/128"))
    assert settings.anonymous_per_minute == 7
