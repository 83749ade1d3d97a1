"""Turns for work that keeps a core busy: so many at a time, the others wait for a while."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from app.services.problems import Busy


class Slots:
    """So many at a time in one process.

    Parameters
    ----------
    most : at a time.
    longest_wait_s : after which whoever still waits is sent away.
    """

    def __init__(self, most: int, longest_wait_s: float) -> None:
        self.longest_wait_s = longest_wait_s
        self._free = threading.BoundedSemaphore(most)
        self._mine = threading.local()

    @contextmanager
    def one(self) -> Iterator[None]:
        """A turn. Inside of one, the same thread needs no other.

        Raises
        ------
        Busy : all were taken for too long.
        """
        if getattr(self._mine, "held", False):
            yield
            return
        if not self._free.acquire(timeout=self.longest_wait_s):
            raise Busy
        self._mine.held = True
        try:
            yield
        finally:
            self._mine.held = False
            self._free.release()


ESTIMATES = Slots(4, 20.0)
"""More estimates at a time would only take memory, since each keeps a core busy."""

CHECKS = Slots(2, 20.0)
"""Thousands of own runs keep a core busy for seconds."""

FITS = Slots(2, 20.0)
"""A fit to own studies keeps a core busy for a part of a second."""

WORKBOOKS = Slots(1, 20.0)
"""Writing one is work of Python alone, so that two at a time take twice as long each: up to four
seconds for 120 months."""
