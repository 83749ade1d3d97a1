"""Settings come from the environment, and name a driver that is installed."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from app.settings import Settings


@pytest.mark.parametrize(
    ("given", "used"),
    [
        (
            "postgres://u:p@h:5432/d?sslmode=require",
            "postgresql+psycopg://u:p@h:5432/d?sslmode=require",
        ),
        ("postgresql://u@/d?host=/run", "postgresql+psycopg://u@/d?host=/run"),
        ("postgresql+psycopg://u@h/d", "postgresql+psycopg://u@h/d"),
        ("sqlite:///x.sqlite3", "sqlite:///x.sqlite3"),
    ],
)
def test_the_driver_of_a_database_url(
    given: str, used: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", given)
    assert Settings().database_url == used


def test_our_own_name_wins_over_the_platforms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "sqlite:///theirs.sqlite3")
    monkeypatch.setenv("TUNECASE_DATABASE_URL", "sqlite:///ours.sqlite3")
    assert Settings().database_url == "sqlite:///ours.sqlite3"


def test_values_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNECASE_PORT", "9001")
    monkeypatch.setenv("TUNECASE_SECURE_COOKIES", "true")
    monkeypatch.setenv("TUNECASE_TRUSTED_HOSTS", "tunecase.example.com, *.internal")
    monkeypatch.setenv("TUNECASE_TRUSTED_PROXIES", "10.0.0.1, 172.16.0.0/12,::1")
    monkeypatch.setenv("TUNECASE_MAX_CONNECTIONS", "500")
    monkeypatch.setenv("TUNECASE_WORKERS", "")
    settings = Settings()
    assert settings.port == 9001
    assert settings.secure_cookies is True
    assert settings.trusted_hosts == ("tunecase.example.com", "*.internal")
    assert settings.trusted_proxies == ("10.0.0.1", "172.16.0.0/12", "::1")
    assert settings.max_connections == 500
    assert settings.workers == 1


def test_proxies_that_are_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().trusted_proxies == ("127.0.0.1",)
    monkeypatch.setenv("TUNECASE_TRUSTED_PROXIES", "10.0.0.1,*")
    assert Settings().trusted_proxies == ("*",)
    for wrong in ("proxy.internal", "10.0.0.1/8", "10.0.0"):
        monkeypatch.setenv("TUNECASE_TRUSTED_PROXIES", wrong)
        with pytest.raises(ValidationError, match="give IP addresses, networks or"):
            Settings()


def test_a_checkout_uses_its_own_folders() -> None:
    settings = Settings()
    root = Path(__file__).resolve().parent.parent
    assert settings.resources_dir == root
    assert (settings.migrations_dir / "env.py").is_file()
    assert settings.templates_dir.parent == settings.static_dir.parent == root
