"""Long proofs: a few cases in the suite, many in ``make soak``."""

from __future__ import annotations

import os


def cases(few: int, many: int) -> int:
    """How many cases to try."""
    return many if os.environ.get("SOAK") else few
