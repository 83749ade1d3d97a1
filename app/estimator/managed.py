"""Fine-tuning as a service: what the runs of a programme cost by the training token."""

from __future__ import annotations

from collections.abc import Iterable

from app.estimator.case import Programme
from app.estimator.market import ManagedPrice
from app.estimator.methods import Method
from app.estimator.report import CostLine
from app.estimator.wording import plural

MILLION = 1e6
BILLION = 1e9

MANAGED_METHODS = {"full": "full", "lora": "lora", "qlora": "lora"}
"""How sellers call a method; nobody sells QLoRA apart, so a managed LoRA stands in."""


def trains(price: ManagedPrice, model: str, parameters: int, method: Method) -> bool:
    """Whether a new customer can train a model that way at that price.

    Parameters
    ----------
    model : name of the base model; a price for another one is of no use, however alike they are.
    parameters : of the base model, for prices by size. [count]
    """
    if not price.open_to_new or price.method != MANAGED_METHODS[method.key]:
        return False
    if price.model:
        return price.model == model
    low, high = price.low_billions, price.high_billions
    if low is None and high is None:
        return False
    return (low or 0.0) <= parameters / BILLION <= (float("inf") if high is None else high)


def managed_lines(
    price: ManagedPrice, tokens_per_run: float, programme: Programme, later: int
) -> tuple[CostLine, ...]:
    """Cost of all runs of a programme. [USD]

    Parameters
    ----------
    tokens_per_run : of the examples, epochs counted, padding left out. [tokens]
    later : later releases. [count]

    Notes
    -----
    Every experiment is a job of its share of a run's tokens. Jobs that fail are not billed
    (Assumption). Evaluation during training and hosting
    of the tuned model are not part of it.
    """

    def line(key: str, label: str, jobs: int, tokens: float, when: str) -> CostLine:
        million, charge = tokens / MILLION, price.usd_per_million_tokens
        if million * charge < price.minimum_usd:
            quantity, unit, charge = float(jobs), "jobs at the minimum charge", price.minimum_usd
        else:
            quantity, unit = jobs * million, "million tokens"
        return CostLine(
            key, label, quantity, unit, charge, quantity * charge, when, price.source.key
        )

    tried = programme.experiments if programme.experiment_fraction > 0 else 0
    every = (
        line(
            "experiments",
            f"Experiments ({plural(programme.experiments, 'run')})",
            tried,
            tokens_per_run * programme.experiment_fraction,
            "once",
        ),
        line("release_run", "Release run", 1, tokens_per_run, "once"),
        line(
            "retraining",
            f"Retraining ({plural(later, 'later release')})",
            later,
            tokens_per_run,
            "recurring",
        ),
    )
    return tuple(x for x in every if x.usd > 0 or x.key == "release_run")


def cheapest_managed(
    prices: Iterable[ManagedPrice],
    model: str,
    parameters: int,
    method: Method,
    tokens_per_run: float,
    programme: Programme,
    later: int,
) -> tuple[ManagedPrice, tuple[CostLine, ...], tuple[str, ...]] | None:
    """The seller that trains the whole programme for least, its lines, and the names of all.

    Returns
    -------
    None where nobody sells it. Ties go to the first price in order.
    """
    found = [
        (price, managed_lines(price, tokens_per_run, programme, later))
        for price in prices
        if trains(price, model, parameters, method)
    ]
    if not found:
        return None
    price, lines = min(found, key=lambda pair: sum(line.usd for line in pair[1]))
    names = dict.fromkeys(
        other.provider_name
        for other, _ in sorted(found, key=lambda pair: sum(line.usd for line in pair[1]))
    )
    return price, lines, tuple(names)
