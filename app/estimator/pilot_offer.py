"""A pilot that could be run, as the rule of the verdict weighs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ROUNDING: Final = 1e-6
"""Gain of another choice below which it is the rounding of single precision, as a share of what is
at stake."""


@dataclass(frozen=True, slots=True)
class PilotTable:
    """The outcomes of a pilot and what each says of what the methods that stand are worth.

    Parameters
    ----------
    chance : of each outcome, sums to 1. (k,)
    apart : by method, chance times how far the expected worth after the outcome lies from that
        before; sums to 0. (k,) [USD]
    spread : by method, standard deviation of the worth over the draws that it was made from. [USD]
    """

    chance: Floats
    apart: Mapping[str, Floats]
    spread: Mapping[str, float]

    def told(self, npvs: Mapping[str, Floats]) -> tuple[float, float]:
        """Expected gain of choosing after the pilot [USD], and how likely it changes the choice.

        Parameters
        ----------
        npvs : of the methods of the table, as they are or as they would be if a figure were moved.
            (draws,) [USD]

        Notes
        -----
        sum_k max_a chance_k E[NPV_a | k] - max_a E[NPV_a], a also over doing nothing. Of other
        worths than those of the table it takes mean and spread alone: right where they are moved or
        stretched, an assumption where they change their shape.
        """
        rows, means = [np.zeros_like(self.chance)], [0.0]
        for key, npv in npvs.items():
            means.append(float(npv.mean()))
            apart = npv - means[-1]
            # As npv.std(), in a fifth of its time: the rule asks this some hundred times.
            spread = float(np.sqrt(apart @ apart / len(apart)))
            stretched = spread / self.spread[key] if self.spread[key] > 0 else 0.0
            rows.append(means[-1] * self.chance + stretched * self.apart[key])
        gains = np.max(rows, axis=0) - rows[int(np.argmax(means))]
        at_stake = max(float(np.abs(row).sum()) for row in rows)
        changes = gains > ROUNDING * at_stake * self.chance
        return float(gains[changes].sum()), min(float(self.chance[changes].sum()), 1.0)


@dataclass(frozen=True, slots=True)
class PilotOffer:
    """A pilot that could be run.

    Parameters
    ----------
    told_fraction : what it is expected to be worth, over what knowing all would be worth. 0 to 1;
        1 is a pilot that tells all.
    other_cost_usd : what it costs besides the GPU time of `pilot_data_fraction` of the data.
    test_questions : by which every model is scored; None where that is not said. [count]
    table : its outcomes; None holds `told_fraction` whatever the methods are worth.
    """

    told_fraction: float = 1.0
    other_cost_usd: float = 0.0
    test_questions: int | None = None
    table: PilotTable | None = field(default=None, compare=False)

    def value_usd(self, npvs: Mapping[str, Floats], information_usd: float) -> float:
        """What it is worth before its cost: 0 to what knowing all is worth. [USD]

        Parameters
        ----------
        npvs : of the methods that stand. (draws,) [USD]
        information_usd : what knowing all is worth.

        Notes
        -----
        By the table where it is of the same methods; else the share that is told holds.
        """
        if self.table is None or self.table.spread.keys() != npvs.keys():
            return self.told_fraction * information_usd
        return min(self.table.told(npvs)[0], information_usd)


TELLS_ALL: Final = PilotOffer()
