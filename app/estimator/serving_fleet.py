"""Replicas, instances and their monthly price: what a load needs of each hardware on offer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.estimator.constants import ConstantValues
from app.estimator.fleet import Fleet, Floats, Integers
from app.estimator.hardware import PURCHASE_OPTIONS, Offer
from app.estimator.served_model import ServedModel
from app.estimator.serving_throughput import (
    Replicas,
    Texts,
    answer_seconds,
    largest_batch,
    most_sequences,
    replicas_of,
)
from app.estimator.units import HOURS_PER_MONTH

ON_DEMAND = tuple(PURCHASE_OPTIONS).index("on-demand")
EXACT_MODELS = 64
"""Dedicated models up to which every equal split of the load is counted out."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What may be rented to serve: every replica on the cheapest offer of its hardware.

    Parameters
    ----------
    replicas : as columns of length n.
    offers : the cheapest on-demand offer of each. (n,)
    usd_per_instance_month : (n, 1) [USD]
    replicas_per_instance : (n, 1) [count]
    """

    replicas: Replicas
    offers: tuple[Offer, ...]
    usd_per_instance_month: Floats
    replicas_per_instance: Floats


@dataclass(frozen=True, slots=True)
class Capacity:
    """What one replica can do within the limit on the time of a token.

    Parameters
    ----------
    batch : largest batch; 0 where the model does not fit or is too slow. (n, h) [count]
    answers_per_s : at that batch, 0 likewise. (n, h) [1/s]
    fits : whether the model fits with one answer at least. (n, h)
    """

    batch: Floats
    answers_per_s: Floats
    fits: Floats


def choices_of(fleet: Fleet, constants: ConstantValues) -> Choices | None:
    """The cheapest on-demand offer of each hardware; None where nothing is sold on demand."""
    cheapest: dict[int, int] = {}
    for i in np.flatnonzero(fleet.offer_option == ON_DEMAND).tolist():
        shape = int(fleet.offer_shape[i])
        best = cheapest.get(shape)
        price = fleet.offer_usd_per_instance_hour
        if best is None or price[i] < price[best]:
            cheapest[shape] = i
    if not cheapest:
        return None
    every = replicas_of(fleet, constants)
    kept = np.isin(every.shape[:, 0], list(cheapest))
    replicas = Replicas(
        shape=every.shape[kept],
        gpus=every.gpus[kept],
        memory_bytes=every.memory_bytes[kept],
        memory_bytes_per_s=every.memory_bytes_per_s[kept],
        flop_per_s=every.flop_per_s[kept],
        link_bytes_per_s=every.link_bytes_per_s[kept],
    )
    shapes = replicas.shape[:, 0].tolist()
    offers = tuple(fleet.offers[cheapest[shape]] for shape in shapes)
    per_instance = fleet.gpus_per_instance[replicas.shape[:, 0]][:, None]
    return Choices(
        replicas=replicas,
        offers=offers,
        usd_per_instance_month=np.array([[o.usd_per_instance_hour] for o in offers])
        * HOURS_PER_MONTH,
        replicas_per_instance=np.asarray(per_instance / replicas.gpus, dtype=np.float64),
    )


def capacity(
    model: ServedModel,
    choices: Choices,
    texts: Texts,
    adapter_bytes: Floats,
    max_ms_per_token: float,
    constants: ConstantValues,
) -> Capacity:
    """What one replica of each kind can do.

    Parameters
    ----------
    adapter_bytes : of all adapters that are held, for different numbers of them. (1, h) [bytes]
    """
    r = choices.replicas
    most = most_sequences(model, r, texts, adapter_bytes, constants)
    batch = largest_batch(model, r, most, texts, max_ms_per_token, constants)
    seconds = answer_seconds(model, r, np.maximum(batch, 1.0), texts, constants)
    return Capacity(batch, batch / seconds, np.asarray(most >= 1, dtype=np.float64))


def replicas_needed(load: Floats, models: Integers, least: int) -> Floats:
    """Replicas of some dedicated models that share a load evenly. (n, v) [count]

    Parameters
    ----------
    load : of all models, over what one replica serves. (n, 1)
    models : how many, in ascending order. (v,) [count]
    least : replicas of each model. [count]

    Notes
    -----
    m models need m x max(least, ceil(load / m)). Rounding makes that fall in places (a load of 3.5
    takes 6 replicas of 3 models and 4 of 4), which no real, uneven load would do: a model more
    never needs less here. Above 64 models the bound load + m - 1 stands for the rounding.

    Examples
    --------
    >>> replicas_needed(np.array([[3.5]]), np.array([1, 2, 3, 4, 8]), 1).tolist()
    [[4.0, 4.0, 6.0, 6.0, 8.0]]
    """
    each = np.arange(1, min(int(models[-1]), EXACT_MODELS) + 1)
    total = np.maximum.accumulate(each * np.maximum(least, np.ceil(load / each)), axis=1)
    needed = total[:, np.minimum(models, EXACT_MODELS) - 1]
    bound = np.maximum(models * least, np.ceil(load + np.minimum(models, load / least) - 1))
    return np.where(models > EXACT_MODELS, np.maximum(needed, bound), needed)


def instances_needed(choices: Choices, replicas: Floats) -> Floats:
    """Whole instances that hold so many replicas, of whatever models. (n, v) [count]

    Notes
    -----
    Replicas of different models share an instance, each on GPUs of its own. Assumption: no two
    models share a GPU.
    """
    return np.asarray(np.ceil(replicas / choices.replicas_per_instance), dtype=np.float64)


def usd_per_month(choices: Choices, replicas: Floats, able: Floats) -> Floats:
    """Rent of those instances for all hours of a month; infinite where not `able`. (n, v) [USD]"""
    usd = instances_needed(choices, replicas) * choices.usd_per_instance_month
    return np.where(able > 0, usd, np.inf)
