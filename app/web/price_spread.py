"""What firm providers ask for the same GPU: a table whose rows are small charts on one scale."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median

from app.estimator.hardware import Accelerator, Offer
from app.web import show_amounts, show_numbers, show_words
from app.web.figures import Tick
from app.web.scatter import LogScale, log_ticks

WIDTH, HEIGHT = 280, 26
"""Of the chart in one row. [px of the viewBox]"""
_MARGIN = 16.0


@dataclass(frozen=True, slots=True)
class Spread:
    """On-demand list prices of one GPU, the cheapest of each firm provider. [USD/GPU-hour]

    Parameters
    ----------
    prices : from the lowest to the highest, with the provider of each.
    """

    accelerator: Accelerator
    prices: tuple[tuple[float, str], ...]

    @property
    def low(self) -> float:
        """The lowest price. [USD/GPU-hour]"""
        return self.prices[0][0]

    @property
    def high(self) -> float:
        """The highest price. [USD/GPU-hour]"""
        return self.prices[-1][0]

    @property
    def median(self) -> float:
        """The median over providers. [USD/GPU-hour]"""
        return median(price for price, _ in self.prices)


@dataclass(frozen=True, slots=True)
class SpreadRow:
    """One GPU.

    Parameters
    ----------
    high_provider : empty at a single provider.
    low_x, median_x, high_x : where they are drawn; low and high are equal at a single provider.
    """

    gpu: str
    address: str
    providers: str
    low: str
    low_provider: str
    median: str
    high: str
    high_provider: str
    low_x: float
    median_x: float
    high_x: float


@dataclass(frozen=True, slots=True)
class SpreadView:
    """All GPUs on one logarithmic scale."""

    sentence: str
    width: int
    height: int
    ticks: tuple[Tick, ...]
    rows: tuple[SpreadRow, ...]


def spreads(offers: Iterable[Offer]) -> list[Spread]:
    """Spread of every GPU that a firm provider lists on demand, the dearest GPU first."""
    cheapest: dict[str, dict[str, Offer]] = {}
    for offer in offers:
        if offer.tier == "list" and offer.purchase_option == "on-demand" and offer.trainable:
            of_gpu = cheapest.setdefault(offer.accelerator.key, {})
            known = of_gpu.get(offer.provider)
            if known is None or offer.usd_per_gpu_hour < known.usd_per_gpu_hour:
                of_gpu[offer.provider] = offer
    found = []
    for by_provider in cheapest.values():
        prices = sorted((o.usd_per_gpu_hour, o.provider_name) for o in by_provider.values())
        accelerator = next(iter(by_provider.values())).accelerator
        found.append(Spread(accelerator, tuple(prices)))
    return sorted(found, key=lambda s: (-s.median, s.accelerator.name))


def spread_view(offers: Iterable[Offer], address_of: Callable[[str], str]) -> SpreadView | None:
    """The table; None where no firm provider lists anything.

    Parameters
    ----------
    address_of : the price list of one GPU, by its key.
    """
    found = spreads(offers)
    if not found:
        return None
    ticks = log_ticks(min(s.low for s in found), max(s.high for s in found), 8)
    x = LogScale(ticks[0], ticks[-1], _MARGIN, WIDTH - _MARGIN)
    return SpreadView(
        sentence=_sentence(found),
        width=WIDTH,
        height=HEIGHT,
        ticks=tuple(Tick(x(value), show_numbers.significant(value)) for value in ticks),
        rows=tuple(
            SpreadRow(
                gpu=s.accelerator.name,
                address=address_of(s.accelerator.key),
                providers=str(len(s.prices)),
                low=f"{s.low:,.2f}",
                low_provider=s.prices[0][1],
                median=f"{s.median:,.2f}",
                high=f"{s.high:,.2f}",
                high_provider=s.prices[-1][1] if len(s.prices) > 1 else "",
                low_x=x(s.low),
                median_x=x(s.median),
                high_x=x(s.high),
            )
            for s in found
        ),
    )


def _sentence(found: list[Spread]) -> str:
    """The GPU that most providers list, as an example of how far they are apart."""
    most = max(found, key=lambda s: (len(s.prices), s.high / s.low))
    name = most.accelerator.name
    if len(most.prices) == 1:
        return f"No GPU is listed by more than one firm provider; the dearest is {name}."
    times = show_numbers.significant(most.high / most.low, 2)
    return (
        f"{name}, which most providers list, costs {show_amounts.unit_price(round(most.low, 2))} "
        f"per GPU-hour at {most.prices[0][1]} and {show_amounts.unit_price(round(most.high, 2))} "
        f"at {most.prices[-1][1]}, {times} times as much; the median of "
        f"{show_words.plural(len(most.prices), 'provider')} is "
        f"{show_amounts.unit_price(round(most.median, 2))}."
    )
