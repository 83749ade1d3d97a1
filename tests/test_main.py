"""The application as it is put together: health, and protection of every path."""

from __future__ import annotations

import io
import logging
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi.testclient import TestClient
from jinja2 import UndefinedError
from uvicorn.config import LOGGING_CONFIG
from uvicorn.logging import AccessFormatter

import app
from app.main import create_app, serve
from app.settings import Settings
from app.web.security import CONTENT_SECURITY_POLICY
from app.web.static import StaticFiles
from app.web.templating import environment


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


PATHS = ["/", "/estimate", "/healthz", "/readyz", "/api/v1/models", "/api/v1/openapi.json"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_head_is_get_without_the_body(client: TestClient, path: str, encoding: str) -> None:
    headers = {"Accept-Encoding": encoding}
    whole = client.get(path, headers=headers)
    head = client.head(path, headers=headers)
    assert (whole.status_code, head.status_code, head.content) == (200, 200, b"")
    assert dict(head.headers) == dict(whole.headers)
    assert int(head.headers["content-length"]) > 0


def test_head_of_what_is_missing(client: TestClient) -> None:
    for path in ("/no-such-page", "/api/v1/no-such-thing", "/s/abcdefghijklmnopqrstuvwx"):
        head = client.head(path)
        assert (head.status_code, head.content) == (404, b"")
        assert head.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert client.head("/scenarios").status_code == 405


@pytest.mark.parametrize(
    "path", ["/s/abcdefghijklmnopqrstuvwx/", "/estimate/", "/healthz/", "/api/v1/models/"]
)
def test_a_slash_too_many_is_not_redirected(client: TestClient, path: str) -> None:
    response = client.get(path, headers={"Host": "evil.example"}, follow_redirects=False)
    assert response.status_code == 404
    assert "location" not in response.headers


def test_a_name_that_a_template_does_not_get_is_an_error(settings: Settings) -> None:
    templates = environment(settings.templates_dir, StaticFiles.scan(settings.static_dir))
    with pytest.raises(UndefinedError, match="missing"):
        templates.from_string("{{ missing }}").render()
    with pytest.raises(UndefinedError, match="missing"):
        templates.from_string("{% if missing %}{% endif %}").render()


def test_the_access_log_hides_the_tokens_of_links(settings: Settings) -> None:
    create_app(settings)
    create_app(settings)  # adds nothing
    log = logging.getLogger("uvicorn.access")
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(
        AccessFormatter(LOGGING_CONFIG["formatters"]["access"]["fmt"], use_colors=False)
    )
    log.addHandler(handler)
    level = log.level
    log.setLevel(logging.INFO)
    try:
        for path in (
            "/s/abcdefghijklmnop",
            "/s/abcdefghijklmnop/revoke?x=1",
            "/s//abcdefghijklmnop",
            "/prefix/api/v1/scenarios/abcdefghijklmnop",
            "/compare?left=abcdefghijklmnop&right=%2Fs%2Fabcdefghijklmnop",
            "/estimate?epochs=2",
        ):
            # As uvicorn does.
            log.info('%s - "%s %s HTTP/%s" %d', "127.0.0.1:5", "GET", path, "1.1", 200)
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
    assert len(log.filters) == 1
    assert [line.split('"')[1] for line in written.getvalue().splitlines()] == [
        "GET /s/… HTTP/1.1",
        "GET /s/…/revoke?x=1 HTTP/1.1",
        "GET /s//… HTTP/1.1",
        "GET /prefix/api/v1/scenarios/… HTTP/1.1",
        "GET /compare?… HTTP/1.1",
        "GET /estimate?epochs=2 HTTP/1.1",
    ]


def test_what_the_server_is_told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[str, Any] = {}
    monkeypatch.setattr(uvicorn, "run", lambda _, **options: told.update(options))
    serve(settings)
    assert told["forwarded_allow_ips"] == ["127.0.0.1"]
    assert told["limit_concurrency"] is None
    serve(settings.model_copy(update={"trusted_proxies": ("*",), "max_connections": 9}))
    assert told["forwarded_allow_ips"] == ["*"]
    assert told["limit_concurrency"] == 9
