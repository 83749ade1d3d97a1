"""Measure real training steps on this machine, as rows of the table of measured runs.

Needs an environment of its own and is no part of the product: see ``docs/measuring.md``. Without
an option it only says what it can do.
"""

from __future__ import annotations

import sys

from measuring.command import main

if __name__ == "__main__":
    sys.exit(main())
