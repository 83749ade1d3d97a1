"""The currency that amounts are shown in. Everything is computed in US dollars."""

from __future__ import annotations

from dataclasses import dataclass

SYMBOLS = {"USD": "US$", "EUR": "€", "GBP": "£"}
"""Of currencies whose sign no other one shares; the others are written with their code."""

NO_BREAK = "\u00a0"


@dataclass(frozen=True, slots=True)
class Currency:
    """A currency and its rate.

    Parameters
    ----------
    code : ISO 4217.
    digits : decimals of its minor unit. [count]
    per_usd : units for one US dollar.

    Examples
    --------
    >>> Currency("EUR", 2, 0.8951).of(200.0), Currency("CHF", 2, 0.82).sign
    (179.02, 'CHF\\xa0')
    """

    code: str
    digits: int
    per_usd: float

    @property
    def sign(self) -> str:
        """What stands before an amount."""
        return SYMBOLS.get(self.code, self.code + NO_BREAK)

    def of(self, usd: float) -> float:
        """An amount of US dollars in this currency."""
        return usd * self.per_usd


US_DOLLAR = Currency("USD", 2, 1.0)
