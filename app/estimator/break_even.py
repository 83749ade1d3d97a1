"""At which volume, worth of an answer and GPU price two choices are worth as much as each other."""

from __future__ import annotations

from dataclasses import dataclass

from app.estimator.case import Value
from app.estimator.decision import Contender
from app.estimator.report import BreakEven
from app.estimator.turns import FURTHEST


@dataclass(frozen=True, slots=True)
class _Parts:
    """Expected present values of one choice, or of one less another. [USD]

    Parameters
    ----------
    npv : net; volume : of it, what is proportional to the answers; worth : what is proportional to
        the worth of a right answer; gpu : cost of GPU time.
    """

    npv: float
    volume: float
    worth: float
    gpu: float


def _parts(contender: Contender, value: Value) -> _Parts:
    assert contender.terms is not None  # noqa: S101 - every worked method has them
    share = value.value_per_correct_answer_usd / value.usd_per_error if value.usd_per_error else 0.0
    return _Parts(
        npv=contender.expected_npv,
        volume=float(contender.volume_pv.mean()),
        worth=share * float(contender.terms.answer_pv.mean()),
        gpu=float(contender.gpu_pv.mean()),
    )


def break_evens(
    contender: Contender,
    value: Value,
    usd_per_gpu_hour: float = 1.0,
    other: Contender | None = None,
) -> tuple[BreakEven, ...]:
    """Where a choice is worth as much as another one, or as doing nothing, one figure at a time.

    Parameters
    ----------
    usd_per_gpu_hour : what a GPU-hour costs now; 1 to say the price as a multiple.
    other : None for doing nothing.

    Notes
    -----
    Expected worth is a line in each of these figures as long as all else is held, the plans and
    what serving costs included, so its root is exact: now x (1 - NPV / slope). Of a reservation the
    GPU price is that of the contract. A figure at which it does not turn between a hundredth and a
    hundred times its present value is left out.
    """
    parts = _parts(contender, value)
    if other is not None:
        less = _parts(other, value)
        parts = _Parts(
            parts.npv - less.npv,
            parts.volume - less.volume,
            parts.worth - less.worth,
            parts.gpu - less.gpu,
        )
    found = []
    for key, now, slope in (
        ("answers_per_month", value.answers_per_month, parts.volume),
        ("value_per_correct_answer_usd", value.value_per_correct_answer_usd, parts.worth),
        ("gpu_price", usd_per_gpu_hour, -parts.gpu),
    ):
        if now > 0 and slope != 0:
            times = 1 - parts.npv / slope
            if 1 / FURTHEST <= times <= FURTHEST:
                found.append(BreakEven(key, now, times * now, slope > 0))
    return tuple(found)
