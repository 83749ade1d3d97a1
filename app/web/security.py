"""What protects every response and every request, before any route sees it.

Pure ASGI: no request body or response is buffered for longer than the limit allows.
"""

from __future__ import annotations

import asyncio
import html
import json
import logging
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, cast
from urllib.parse import urlsplit

from secure import (
    ContentSecurityPolicy,
    CrossOriginOpenerPolicy,
    CrossOriginResourcePolicy,
    PermissionsPolicy,
    ReferrerPolicy,
    Secure,
    StrictTransportSecurity,
    XContentTypeOptions,
    XFrameOptions,
)
from secure.middleware import SecureASGIMiddleware
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def _policy(*, https: bool) -> Secure:
    return Secure(
        csp=ContentSecurityPolicy().set(CONTENT_SECURITY_POLICY),
        coop=CrossOriginOpenerPolicy().same_origin(),
        corp=CrossOriginResourcePolicy().same_origin(),
        # A link is a secret: other sites must not be told it. `no-referrer` would be as good for
        # that, but it makes browsers send `Origin: null` with our own forms, which the check
        # below could then not tell from another site's.
        referrer=ReferrerPolicy().same_origin(),
        permissions=PermissionsPolicy()
        .camera()
        .microphone()
        .geolocation()
        .payment()
        .usb()
        .browsing_topics(),
        xcto=XContentTypeOptions().nosniff(),
        xfo=XFrameOptions().deny(),
        # One year, without subdomains: they are not ours to decide for.
        hsts=StrictTransportSecurity().max_age(31_536_000) if https else None,
    ).validate_and_normalize_headers(on_invalid="raise", strict=True)


class SecurityHeaders:
    """Set the security headers on every response, whatever made it."""

    def __init__(self, app: ASGIApp) -> None:
        # multi_ok: ours replaces a policy that the response has, rather than joining it.
        self._plain = SecureASGIMiddleware(app, secure=_policy(https=False), multi_ok=())
        self._tls = SecureASGIMiddleware(app, secure=_policy(https=True), multi_ok=())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # HSTS over plain http is ignored by browsers, and must not be sent (RFC 6797, 7.2).
        secured = self._tls if scope.get("scheme") == "https" else self._plain
        # The library types a message as `object`; what it passes on is the server's own message.
        await secured(scope, receive, cast("Any", send))


class HeadAsGet:
    """Answer HEAD as GET would be answered, without the body.

    Notes
    -----
    Routes are declared for GET alone. Every header stays as GET has it, the length too
    (RFC 9110, 9.3.2).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_no_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                if message.get("more_body", False):
                    return
                message = {"type": "http.response.body", "body": b"", "more_body": False}
            await send(message)

        # A copy: the server still has to know that it answers HEAD.
        await self._app({**scope, "method": "GET"}, receive, send_no_body)


class CrossSiteGuard:
    """Refuse requests that change something and were started by another site's page.

    Notes
    -----
    Browsers say where a request comes from in ``Sec-Fetch-Site``, and where that is missing (plain
    http on a name other than localhost) in ``Origin``. Programs send neither and carry no cookie
    that a page could abuse, so they pass. No token in the page is needed.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in SAFE_METHODS:
            headers = Headers(scope=scope)
            if not _from_here(headers):
                response = problem_response(
                    scope,
                    403,
                    "Request from another site",
                    "This request was sent by a page of another site, so nothing was changed. "
                    "Open Tunecase and repeat the step there.",
                )
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _from_here(headers: Headers) -> bool:
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = headers.get("origin")
    if origin is None:
        return True
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    # Compared without the scheme: behind a proxy that ends TLS, it is not known for sure.
    port = _DEFAULT_PORTS.get(parts.scheme, "")
    host = headers.get("host", "").lower()
    return bool(parts.netloc) and parts.netloc.lower().removesuffix(port) == host.removesuffix(port)


class BodyLimit:
    """Answer 413 to a request whose body is larger than the limit, and 408 to one that stalls.

    Parameters
    ----------
    larger : limits of paths that take files; one that ends with a slash is of all below it.
        [bytes]

    Notes
    -----
    The body is read here up to the limit and handed on whole, so that no route starts to work on a
    body that turns out to be too long.
    """

    def __init__(
        self,
        app: ASGIApp,
        max_bytes: int,
        max_wait_s: float = 30,
        larger: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._max_wait_s = max_wait_s
        self._larger = larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in SAFE_METHODS:
            await self._app(scope, receive, send)
            return
        most = self._most(scope["path"])
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isascii() and announced.isdigit() and int(announced[:18]) > most:
            await self._too_large(scope, receive, send, most)
            return
        body = bytearray()
        more = True
        while more:
            try:
                message = await asyncio.wait_for(receive(), self._max_wait_s)
            except TimeoutError:
                await self._too_slow(scope, receive, send)
                return
            if message["type"] != "http.request":
                return  # the client has gone: nobody is left to answer
            body += message.get("body", b"")
            if len(body) > most:
                await self._too_large(scope, receive, send, most)
                return
            more = message.get("more_body", False)
        await self._app(scope, _replay(bytes(body), receive), send)

    def _most(self, path: str) -> int:
        """How long the body of a request to this path may be. [bytes]"""
        limits = (
            limit
            for named, limit in self._larger.items()
            if path == named or (named.endswith("/") and path.startswith(named))
        )
        return max(self._max_bytes, *limits, 0)

    async def _too_slow(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = problem_response(
            scope,
            408,
            "Request too slow",
            f"Nothing more of the request arrived within {self._max_wait_s:g} s. Send it again.",
            headers=[("Connection", "close")],
        )
        await response(scope, receive, send)

    async def _too_large(self, scope: Scope, receive: Receive, send: Send, most: int) -> None:
        response = problem_response(
            scope,
            413,
            "Request too large",
            f"A request may be at most {most // 1024:,} KiB long. "
            "Shorten the text that was pasted or uploaded.",
            # The rest of the body is not read, so the connection cannot serve another request.
            headers=[("Connection", "close")],
        )
        await response(scope, receive, send)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A receive that gives the whole body first, then what the server says (a disconnect)."""
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed


_SECRET_IN_PATH = re.compile(
    r"(/s/+|/api/v1/scenarios/+|/prices/books/+|/api/v1/price-books/+|[?&](?:price_)?book=)[^/?&]+"
)
_COMPARED = re.compile(r"(/compare/?\?).+", re.DOTALL)


class HideTokens(logging.Filter):
    """Keep the tokens of shared links and price books out of uvicorn's access log: whoever has one
    can read.

    Examples
    --------
    >>> HideTokens.hidden("/estimate?epochs=2&price_book=abcdefghijklmnop@3&seed=1")
    '/estimate?epochs=2&price_book=…&seed=1'
    >>> HideTokens.hidden("/s/abcdefghijklmnop/revoke")
    '/s/…/revoke'
    >>> HideTokens.hidden("/compare?left=%2Fs%2Fabcdefghijklmnop")
    '/compare?…'
    """

    @staticmethod
    def hidden(path: str) -> str:
        """The path and query as they may be logged."""
        return _COMPARED.sub(r"\1…", _SECRET_IN_PATH.sub(r"\1…", path))

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record; it is always logged."""
        if isinstance(record.args, tuple):
            record.args = tuple(
                self.hidden(value) if isinstance(value, str) else value for value in record.args
            )
        return True


def problem_response(
    scope: Scope,
    status: int,
    title: str,
    detail: str,
    headers: Iterable[tuple[str, str]] = (),
) -> Response:
    """An error made before the application: problem+json (RFC 9457) for the API, else a page."""
    fixed = {"Cache-Control": "no-store", **dict(headers)}
    if scope["path"].startswith("/api/"):
        content = json.dumps(
            {
                "type": "about:blank",
                "title": title,
                "status": status,
                "detail": detail,
                "errors": [],
            }
        )
        return Response(content, status, fixed, media_type="application/problem+json")
    page = (
        '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">'
        f"<title>{html.escape(title)} - Tunecase</title></head>\n"
        f"<body><main><h1>{html.escape(title)}</h1><p>{html.escape(detail)}</p></main></body>\n"
        "</html>\n"
    )
    return Response(page, status, fixed, media_type="text/html")
