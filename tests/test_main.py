"""The application as it is put together: health, and protection of every path."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

import app
from app.main import create_app
from app.settings import Settings
from app.web.security import CONTENT_SECURITY_POLICY


def test_health(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok", "version": app.__version__}
    assert client.get("/readyz").json() == {"status": "ok"}


def test_not_ready_without_a_database(tmp_path: Path) -> None:
    settings = Settings(database_url=f"sqlite:///{tmp_path / 'x.sqlite3'}")
    # Not started, so never migrated.
    not_started = TestClient(create_app(settings))
    try:
        assert not_started.get("/readyz").status_code == 503
        assert not_started.get("/healthz").status_code == 200
    finally:
        not_started.app.state.engine.dispose()  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", ["/", "/healthz", "/no-such-page", "/api/v1/no-such-thing"])
def test_every_path_has_the_security_headers(client: TestClient, path: str) -> None:
    assert client.get(path).headers["content-security-policy"] == CONTENT_SECURITY_POLICY


def test_an_unexpected_error_has_them_too(settings: Settings) -> None:
    application = create_app(settings)

    def fails() -> None:
        raise RuntimeError("something internal")

    application.add_api_route("/api/v1/fails", fails)
    with TestClient(application, raise_server_exceptions=False) as client:
        response = client.get("/api/v1/fails")
    assert response.status_code == 500
    assert response.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert "internal" not in response.text.replace("Internal Server Error", "")


def test_the_guards_are_in_place(client: TestClient, settings: Settings) -> None:
    url = "/api/v1/estimates"
    cross_site = client.post(url, json={}, headers={"Sec-Fetch-Site": "cross-site"})
    assert cross_site.status_code == 403
    too_long = client.post(url, content=b" " * (settings.max_body_bytes + 1))
    assert too_long.status_code == 413
    assert too_long.headers["content-type"] == "application/problem+json"


def test_long_answers_are_compressed(client: TestClient) -> None:
    response = client.get("/api/v1/openapi.json", headers={"Accept-Encoding": "gzip"})
    assert response.headers["content-encoding"] == "gzip"
    assert "accept-encoding" in response.headers["vary"].lower()


def test_trusted_hosts(tmp_path: Path) -> None:
    settings = Settings(
        database_url=f"sqlite:///{tmp_path / 'x.sqlite3'}",
        trusted_hosts=("tunecase.example.com",),
    )
    with TestClient(create_app(settings)) as client:
        statuses = {
            host: client.get("/healthz", headers={"Host": host}).status_code
            for host in ("tunecase.example.com", "127.0.0.1:8000", "evil.example")
        }
    assert statuses == {"tunecase.example.com": 200, "127.0.0.1:8000": 200, "evil.example": 400}


def test_building_the_application_touches_no_database(tmp_path: Path) -> None:
    file = tmp_path / "x.sqlite3"
    create_app(Settings(database_url=f"sqlite:///{file}")).openapi()
    assert not file.exists()
