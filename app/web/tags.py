"""Answers that a reader may keep, and asks of each time whether they still hold. RFC 9110."""

from __future__ import annotations

import hashlib

from fastapi import Request
from starlette.responses import Response

KEPT = {
    # Whoever keeps a copy asks again each time: a link may have been withdrawn since.
    "Cache-Control": "private, no-cache",
    "X-Robots-Tag": "noindex",
}


def tag_of(content: bytes) -> str:
    """A tag of what something says; weak, as compression on the way changes its bytes."""
    return f'W/"{hashlib.sha256(content).hexdigest()[:32]}"'


def unchanged(request: Request, tag: str) -> Response | None:
    """The answer to a reader who has the same already; None to any other."""
    if tag not in request.headers.get("if-none-match", ""):
        return None
    return Response(status_code=304, headers=KEPT | {"ETag": tag})
