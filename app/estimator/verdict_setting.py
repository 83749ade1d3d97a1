"""What a verdict is said about, and the words that its sentences share."""

from __future__ import annotations

from dataclasses import dataclass

from app.estimator.case import Programme, Value
from app.estimator.constants import ConstantValues
from app.estimator.currency import US_DOLLAR, Currency
from app.estimator.methods import LABELS
from app.estimator.pilot_offer import TELLS_ALL, PilotOffer
from app.estimator.wording import amount


@dataclass(frozen=True, slots=True)
class Setting:
    """What the verdict is said about, besides the methods.

    Parameters
    ----------
    studies : of this kind of task; own_studies : that the company entered. [count]
    max_gpus : limit under which infeasible methods do not fit.
    measured : a pilot was entered; surprise_sd : how far its scores lie from what was expected.
    currency : in which amounts are said.
    pilot : the one that could be run, or run next.
    taxed : whether what it costs, and what it is worth, are after tax.
    """

    studies: int
    max_gpus: int
    value: Value
    programme: Programme
    constants: ConstantValues
    measured: bool = False
    surprise_sd: float = 0.0
    own_studies: int = 0
    currency: Currency = US_DOLLAR
    pilot: PilotOffer = TELLS_ALL
    taxed: bool = False

    def said(self, usd: float) -> str:
        """An amount of US dollars as a sentence says it."""
        return amount(usd, self.currency)

    def said_cost(self, usd: float) -> str:
        """What a pilot costs, as a sentence says it: its bill is higher than that after tax."""
        return f"{self.said(usd)} after tax" if self.taxed else self.said(usd)

    @property
    def evidence_expects(self) -> str:
        """Who expects something of the accuracy, with the verb."""
        if not self.measured and not self.own_studies:
            return "published evidence expects"
        heard = ["the studies"]
        if self.own_studies:
            heard.append("your own comparisons")
        if self.measured:
            heard.append("your pilot")
        return f"{', '.join(heard[:-1])} and {heard[-1]} expect"

    @property
    def measure_first(self) -> str:
        """What is advised while nothing is decided, as a sentence without its stop."""
        return "Measure again before choosing" if self.measured else "Run a pilot first"

    def choice_said(self, choice: str, methods: int) -> str:
        """A choice at the end of a sentence."""
        if choice == "pilot":
            return f"“{self.measure_first[0].lower()}{self.measure_first[1:]}”"
        if choice == "neither":
            return f"“{nothing_pays(methods).lower()}”"
        return method_said(choice)


def method_said(key: str) -> str:
    """A method within a sentence."""
    return "full fine-tuning" if key == "full" else LABELS[key]


def nothing_pays(methods: int) -> str:
    """That no method pays, as a sentence without its stop."""
    return {1: "It does not pay", 2: "Neither pays"}.get(methods, "None pays")
