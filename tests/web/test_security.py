"""What every response carries, and what is refused before any route."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import Message, Scope

from app.web.security import (
    CONTENT_SECURITY_POLICY,
    BodyLimit,
    CrossSiteGuard,
    HeadAsGet,
    SecurityHeaders,
)

LIMIT = 1_000
MAX_WAIT_S = 0.05


async def echo(request: Request) -> PlainTextResponse:
    return PlainTextResponse(
        str(len(await request.body())), headers={"Content-Security-Policy": "default-src *"}
    )


async def fails(request: Request) -> None:
    raise RuntimeError("unexpected")


async def streamed(request: Request) -> StreamingResponse:
    return StreamingResponse(iter(["some", "parts"]), headers={"Content-Length": "9"})


ROUTES = [
    Route("/page", echo, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
    Route("/api/v1/thing", echo, methods=["GET", "POST"]),
    Route("/fails", fails),
    Route("/streamed", streamed),
]
APP = SecurityHeaders(
    HeadAsGet(CrossSiteGuard(BodyLimit(Starlette(routes=ROUTES), LIMIT, MAX_WAIT_S)))
)


@pytest.fixture
def small() -> Iterator[TestClient]:
    with TestClient(
        APP, base_url="http://tunecase.test:8000", raise_server_exceptions=False
    ) as client:
        yield client


EXPECTED = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": (
        "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()"
    ),
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/page", 200),
        ("GET", "/missing", 404),
        ("GET", "/fails", 500),
        ("POST", "/fails", 405),
    ],
)
def test_every_response_has_the_headers(
    small: TestClient, method: str, path: str, status: int
) -> None:
    response = small.request(method, path)
    assert response.status_code == status
    for name, value in EXPECTED.items():
        assert response.headers.get_list(name) == [value]
    assert "strict-transport-security" not in response.headers


def test_the_policy_is_the_one_that_was_agreed() -> None:
    assert CONTENT_SECURITY_POLICY == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )


def test_strict_transport_security_over_https_only() -> None:
    with TestClient(APP, base_url="https://tunecase.test") as client:
        response = client.get("/page")
    assert response.headers["strict-transport-security"] == "max-age=31536000"


HERE = "http://tunecase.test:8000"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "something-new"}, False),
        ({"Sec-Fetch-Site": ""}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": HERE}, False),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "https://proxy.example"}, True),
        ({"Origin": HERE}, True),
        ({"Origin": HERE.upper()}, True),
        ({"Origin": "http://tunecase.test"}, False),
        ({"Origin": "http://tunecase.test:8001"}, False),
        ({"Origin": "http://tunecase.test:8000.evil.example"}, False),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": ""}, False),
        ({"Origin": "http://[broken"}, False),
        ({"Origin": "http://tunecase.test", "Host": "tunecase.test:80"}, True),
        ({"Origin": "https://tunecase.test", "Host": "tunecase.test"}, True),
        ({"Origin": "https://tunecase.test", "Host": "tunecase.test:443"}, True),
        ({"Origin": "https://tunecase.test", "Host": "tunecase.test:80"}, False),
    ],
)
def test_other_sites_cannot_change_anything(
    small: TestClient, method: str, headers: dict[str, str], allowed: bool
) -> None:
    response = small.request(method, "/page", headers=headers)
    assert response.status_code == (200 if allowed else 403)


def test_links_from_other_sites_work(small: TestClient) -> None:
    assert small.get("/page", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


def test_a_refusal_is_a_page_or_a_problem(small: TestClient) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    page = small.post("/page", headers=headers)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<h1>Request from another site</h1>" in page.text
    problem = small.post("/api/v1/thing", headers=headers)
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.json()["status"] == 403
    assert problem.json()["title"] == "Request from another site"
    assert "nothing was changed" in problem.json()["detail"]
    for response in (page, problem):
        assert response.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(("size", "status"), [(0, 200), (LIMIT, 200), (LIMIT + 1, 413)])
@pytest.mark.parametrize("path", ["/page", "/api/v1/thing"])
def test_the_size_of_a_body(small: TestClient, path: str, size: int, status: int) -> None:
    response = small.post(path, content=b"x" * size)
    assert response.status_code == status
    if status == 200:
        assert response.text == str(size)
    elif path.startswith("/api"):
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["status"] == 413
    else:
        assert "Request too large" in response.text


def test_paths_that_take_files_have_limits_of_their_own() -> None:
    larger = {"/page": 2 * LIMIT, "/books/": 3 * LIMIT}
    routes = [Route(path, echo, methods=["POST"]) for path in ("/page", "/pages", "/books/{name}")]
    with TestClient(BodyLimit(Starlette(routes=routes), LIMIT, larger=larger)) as client:
        for path, most in (("/page", 2), ("/pages", 1), ("/books/one", 3)):
            for size, status in ((most * LIMIT, 200), (most * LIMIT + 1, 413)):
                assert client.post(path, content=b"x" * size).status_code == status


def converse(chunks: list[Message], headers: dict[str, str]) -> tuple[list[Message], int]:
    """What the application sends, and how many messages it read."""
    sent: list[Message] = []
    read = 0

    async def receive() -> Message:
        nonlocal read
        read += 1
        if read > len(chunks):
            await asyncio.sleep(60)
        return chunks[read - 1]

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {
        "type": "http",
        "method": "POST",
        "path": "/page",
        "raw_path": b"/page",
        "query_string": b"",
        "scheme": "http",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "extensions": {},
    }
    asyncio.run(APP(scope, receive, send))
    return sent, read


def part(size: int, more: bool) -> Message:
    return {"type": "http.request", "body": b"x" * size, "more_body": more}


def test_a_streamed_body_is_counted() -> None:
    sent, _ = converse([part(400, True), part(400, True), part(200, False)], {})
    assert sent[0]["status"] == 200
    assert sent[1]["body"] == b"1000"
    sent, read = converse([part(400, True)] * 10, {})
    assert sent[0]["status"] == 413
    assert read == 3


@pytest.mark.parametrize("length", ["1001", "9" * 30, "9" * 10_000])
def test_an_announced_length_is_refused_unread(length: str) -> None:
    sent, read = converse([], {"content-length": length})
    assert sent[0]["status"] == 413
    assert read == 0


@pytest.mark.parametrize("length", ["", "-1", "ten", "1", "²", "0" * 30 + "1"])
def test_a_wrong_length_does_not_help(length: str) -> None:
    sent, _ = converse([part(600, True)] * 2, {"content-length": length})
    assert sent[0]["status"] == 413


def test_a_client_that_leaves_gets_no_answer() -> None:
    sent, _ = converse([part(10, True), {"type": "http.disconnect"}], {})
    assert sent == []


@pytest.mark.parametrize("begun", [[], [part(10, True)]])
def test_a_body_that_stalls_is_not_waited_for(begun: list[Message]) -> None:
    sent, read = converse(begun, {"content-length": "20"})
    assert sent[0]["status"] == 408
    assert (b"connection", b"close") in sent[0]["headers"]
    assert b"Request too slow" in sent[1]["body"]
    assert read == len(begun) + 1


@pytest.mark.parametrize("path", ["/page", "/streamed", "/missing", "/fails"])
def test_head_is_get_without_the_body(small: TestClient, path: str) -> None:
    whole, head = small.get(path), small.head(path)
    assert whole.content
    assert head.content == b""
    assert head.status_code == whole.status_code
    assert dict(head.headers) == dict(whole.headers)
