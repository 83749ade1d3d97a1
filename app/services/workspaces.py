"""Keys of workspaces and tokens of what they share."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import UTC, datetime

_KEY_BYTES = 24
# Of 24 bytes in base64url; nothing else was ever handed out.
_KEY = re.compile(r"[A-Za-z0-9_-]{32}")


def now_utc() -> datetime:
    """The time now, with its zone."""
    return datetime.now(UTC)


def new_secret() -> str:
    """A key or token that nobody can guess."""
    return secrets.token_urlsafe(_KEY_BYTES)


def hashed(key: str) -> str:
    """What is stored of a workspace key. It is random, so a fast hash is enough."""
    return hashlib.sha256(key.encode()).hexdigest()


def well_formed(secret: str | None) -> str | None:
    """The token or key, if it can be one of ours; None spares a query for anything else."""
    return secret if secret is not None and _KEY.fullmatch(secret) else None
