"""What a method is worth with other weeks of engineering, which put its first release off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import floor, log2

from app.estimator.uncertainty import PresentDraws


@dataclass(frozen=True, slots=True)
class ByWeeks:
    """What one method earns and costs by its weeks of engineering, under the same plan.

    Parameters
    ----------
    now : weeks of the scenario, and `present` what it earns and costs with them. [weeks]
    exact : the same at other weeks; the whole programme is laid out anew each time.

    Notes
    -----
    It is worked out at no weeks and at doublings of the present ones. Assumption: it goes straight
    in between. It bends little there, but a later release for which the horizon has no room left
    falls away bit by bit instead of at once.
    """

    now: float
    present: PresentDraws
    exact: Callable[[float], PresentDraws]
    _known: dict[float, PresentDraws] = field(default_factory=dict)

    def at(self, weeks: float) -> PresentDraws:
        """With so many weeks. [weeks]"""
        if weeks == self.now:
            return self.present
        if weeks < self.now:
            low, high = 0.0, self.now
        else:
            low = self.now * 2.0 ** floor(log2(weeks / self.now))
            high = 2.0 * low
        share = (weeks - low) / (high - low)
        less, more = self._of(low), self._of(high)
        return PresentDraws(
            volume=less.volume + share * (more.volume - less.volume),
            other=less.other + share * (more.other - less.other),
            gpu=less.gpu + share * (more.gpu - less.gpu),
            fixed=less.fixed + share * (more.fixed - less.fixed),
        )

    def _of(self, weeks: float) -> PresentDraws:
        if weeks == self.now:
            return self.present
        if weeks not in self._known:
            self._known[weeks] = self.exact(weeks)
        return self._known[weeks]
