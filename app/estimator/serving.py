"""What it costs to serve all answers of a month: the base model, dedicated models, adapters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import log, sqrt
from statistics import NormalDist
from types import MappingProxyType

import numpy as np

from app.estimator.architecture import Architecture
from app.estimator.constants import ConstantValues
from app.estimator.fleet import Fleet, Floats, Integers
from app.estimator.served_model import BF16_BYTES, ServedModel, served_model
from app.estimator.serving_fleet import (
    Capacity,
    Choices,
    capacity,
    choices_of,
    instances_needed,
    replicas_needed,
    usd_per_month,
)
from app.estimator.serving_throughput import (
    MILLI,
    Replicas,
    answer_seconds,
    batch_at,
    token_seconds,
)
from app.estimator.serving_way import ServingLoad, Way

__all__ = [
    "BASE",
    "MERGED",
    "MOST_VARIANTS",
    "UNMERGED",
    "Serving",
    "ServingLoad",
    "ServingTable",
    "Way",
    "break_even_variants",
    "serving_by_variants",
    "serving_of",
]

BASE, MERGED, UNMERGED = "base", "merged", "unmerged"
P90 = NormalDist().inv_cdf(0.9)
SCANNED_VARIANTS = 256
"""Variants up to which each number is tried for the break-even; above it is found by halving."""
MOST_VARIANTS = 100_000


@dataclass(frozen=True, slots=True)
class Serving:
    """All ways to serve a load; `reason` says why there is none.

    Parameters
    ----------
    ways : by key; unmerged is missing where adapters do not fit beside the model.
    table : what they were chosen from; None without a way.
    """

    load: ServingLoad
    ways: Mapping[str, Way]
    reason: str = ""
    table: ServingTable | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class ServingTable:
    """Capacity of every kind of replica, so that other numbers of variants need no new one.

    Parameters
    ----------
    dedicated : of a model that is served alone. (n, 1)
    adapter_bytes : of one adapter. [bytes]
    """

    model: ServedModel
    choices: Choices
    load: ServingLoad
    dedicated: Capacity
    adapter_bytes: float
    constants: ConstantValues

    def shared(self, variants: Integers) -> Capacity:
        """Of a model with the adapters of so many variants, the loss included. (n, v)"""
        held = np.minimum(variants, self.constants["serving_adapters_held"])
        distinct, places = np.unique(held, return_inverse=True)
        left = 1.0 - self.constants["adapter_throughput_loss"]
        found = capacity(
            self.model,
            self.choices,
            self.load.texts,
            (distinct * self.adapter_bytes)[None, :],
            self.load.max_ms_per_token * left,
            self.constants,
        )
        return Capacity(
            found.batch[:, places], left * found.answers_per_s[:, places], found.fits[:, places]
        )

    def dedicated_replicas(self, variants: Integers) -> Floats:
        """Replicas with a model for each variant. (n, v) [count]"""
        return replicas_needed(
            _over(self.load.peak_per_s, self.dedicated.answers_per_s),
            variants,
            self.load.least_replicas,
        )

    def dedicated_usd(self, variants: Integers) -> Floats:
        """Monthly rent of that. (n, v) [USD]"""
        needed = self.dedicated_replicas(variants)
        return usd_per_month(self.choices, needed, self.dedicated.answers_per_s)

    def shared_replicas(self, able: Capacity) -> Floats:
        """Replicas of one base with all adapters. (n, v) [count]"""
        load = np.ceil(_over(self.load.peak_per_s, able.answers_per_s))
        return np.maximum(load, self.load.least_replicas)

    def shared_usd(self, variants: Integers) -> Floats:
        """Monthly rent of that. (n, v) [USD]"""
        able = self.shared(variants)
        return usd_per_month(self.choices, self.shared_replicas(able), able.answers_per_s)


def serving_of(
    architecture: Architecture,
    adapter_parameters: int,
    load: ServingLoad,
    fleet: Fleet,
    constants: ConstantValues,
) -> Serving:
    """Serve a load in every way, each on the on-demand offer that does it for least.

    Parameters
    ----------
    adapter_parameters : of one adapter. [count]
    fleet : what may be rented; only on-demand offers are taken.

    Notes
    -----
    Weights, cache and adapters in bf16. Instances are paid for all hours of a month, for the load
    of the busiest hour, in whole instances. Assumption: nothing is scaled down at night, and one
    model is on a GPU at a time.

    - base: the untuned model for the whole load.
    - merged: a dedicated model for each variant, whether fully fine-tuned or with its adapter
      merged; a merged model has the shape of the base model (Hu et al., arXiv:2106.09685,
      section 4.1), so one variant costs what the base costs.
    - unmerged: all variants as adapters on one base, with the loss of `adapter_throughput_loss`.
    """
    if load.answers_per_month <= 0:
        return Serving(load, {}, "No answers a month were entered, so nothing is served.")
    choices = choices_of(fleet, constants)
    if choices is None:
        return Serving(
            load, {}, "No allowed GPU is rented on demand; allow another provider or GPU."
        )
    model = served_model(architecture)
    dedicated = capacity(
        model, choices, load.texts, np.zeros((1, 1)), load.max_ms_per_token, constants
    )
    table = ServingTable(
        model, choices, load, dedicated, adapter_parameters * BF16_BYTES, constants
    )
    if not (dedicated.answers_per_s > 0).any():
        return Serving(load, {}, _refusal(table))
    one, asked = np.array([1]), np.array([load.variants])
    shared = table.shared(asked)
    found = (
        _way(BASE, table, table.dedicated_replicas(one), table.dedicated_usd(one), dedicated),
        _way(MERGED, table, table.dedicated_replicas(asked), table.dedicated_usd(asked), dedicated),
        _way(UNMERGED, table, table.shared_replicas(shared), table.shared_usd(asked), shared),
    )
    return Serving(
        load, MappingProxyType({way.key: way for way in found if way is not None}), "", table
    )


def serving_by_variants(serving: Serving, variants: Integers) -> tuple[Floats, Floats]:
    """Monthly rent of dedicated models, and of adapters on one base. (v,), (v,) [USD]

    Parameters
    ----------
    variants : in ascending order. (v,) [count]

    Notes
    -----
    The load stays the same: more variants share it. Infinite where nothing holds the adapters.
    """
    if serving.table is None:
        nothing = np.full(len(variants), np.nan)
        return nothing, nothing
    table = serving.table
    return table.dedicated_usd(variants).min(axis=0), table.shared_usd(variants).min(axis=0)


def break_even_variants(serving: Serving) -> int | None:
    """Smallest number of variants from which adapters on one base cost less than dedicated models;
    None where they do not up to 100,000. [count]

    Notes
    -----
    Dedicated models never get cheaper with more variants, and adapters cost the same once all that
    are held at once are counted: so beyond the numbers that are tried one by one, halving finds it.
    """
    if serving.table is None:
        return None

    def cheaper(variants: Integers) -> Integers:
        dedicated, shared = serving_by_variants(serving, variants)
        return np.asarray(shared < dedicated, dtype=np.int64)

    scanned = cheaper(np.arange(1, SCANNED_VARIANTS + 1))
    # One variant is among them: an adapter on the base never costs less than the model it makes.
    dearer = np.flatnonzero(scanned == 0)
    if dearer[-1] < SCANNED_VARIANTS - 1:
        return int(dearer[-1]) + 2
    low, high = SCANNED_VARIANTS, MOST_VARIANTS
    if not cheaper(np.array([high]))[0]:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if cheaper(np.array([middle]))[0] else (middle, high)
    return high


def _way(
    key: str, table: ServingTable, replicas: Floats, usd: Floats, able: Capacity
) -> Way | None:
    """The cheapest of a column; of equal ones the quickest to answer, then the fewest GPUs."""
    choices, load, constants = table.choices, table.load, table.constants
    if not np.isfinite(usd).any():
        return None
    equal = np.flatnonzero(usd[:, 0] <= usd.min() * (1 + 1e-9))
    left = 1.0 - constants["adapter_throughput_loss"] if key == UNMERGED else 1.0
    r = _some(choices.replicas, equal)
    needed = replicas[equal]
    batch = batch_at(
        table.model, r, load.peak_per_s / needed / left, able.batch[equal], load.texts, constants
    )
    seconds = answer_seconds(table.model, r, batch, load.texts, constants)[:, 0] / left
    best = int(np.lexsort((r.gpus[:, 0] * needed[:, 0], seconds))[0])
    i = int(equal[best])
    instances = int(instances_needed(choices, replicas)[i, 0])
    offer = choices.offers[i]
    tokens = token_seconds(table.model, r, batch, load.texts, constants)[best, 0] / left
    per_replica = float(able.answers_per_s[i, 0])
    sd_log = log(constants["serving_throughput_factor_80"]) / P90
    if key == UNMERGED:
        sd_log = sqrt(sd_log**2 + (constants["adapter_throughput_loss_sd"] / left) ** 2)
    return Way(
        key=key,
        models=load.variants if key == MERGED else 1,
        replicas=int(replicas[i, 0]),
        gpus=instances * offer.gpus_per_instance,
        instances=instances,
        gpus_per_replica=int(choices.replicas.gpus[i, 0]),
        offer=offer,
        answers_per_s=per_replica,
        utilisation_fraction=load.answers_per_s / (float(replicas[i, 0]) * per_replica),
        usd_per_month=float(usd[i, 0]),
        ms_per_token=float(tokens) / MILLI,
        seconds_per_answer=float(seconds[best]),
        sd_log=sd_log,
        load=load,
    )


def _some(r: Replicas, rows: Integers) -> Replicas:
    return Replicas(
        r.shape[rows],
        r.gpus[rows],
        r.memory_bytes[rows],
        r.memory_bytes_per_s[rows],
        r.flop_per_s[rows],
        r.link_bytes_per_s[rows],
    )


def _over(load: float, each: Floats) -> Floats:
    """Load over what one replica serves; 1 where it serves nothing. (n, h)"""
    return np.where(each > 0, load / np.where(each > 0, each, 1.0), 1.0)


def _refusal(table: ServingTable) -> str:
    """Why no instance serves the model at all, and what would do."""
    texts, load = table.load.texts, table.load
    if not (table.dedicated.fits > 0).any():
        return (
            f"The model and one answer of {texts.longest:,.0f} tokens fit on no allowed instance "
            "that is rented on demand; allow GPUs with more memory or larger instances, or enter "
            "a shorter prompt."
        )
    fits = table.dedicated.fits[:, 0] > 0
    alone = token_seconds(
        table.model, table.choices.replicas, np.ones((1, 1)), texts, table.constants
    )[fits, 0]
    return (
        f"No allowed instance that holds the model writes a token within "
        f"{load.max_ms_per_token:g} ms; the quickest needs {alone.min() / MILLI:.1f} ms. Allow "
        "faster GPUs, or enter a slower token that users accept."
    )
