"""What is asked of a model in use, and one way to answer it with its figures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from app.estimator.fleet import Floats
from app.estimator.hardware import Offer
from app.estimator.serving_fleet import replicas_needed
from app.estimator.serving_throughput import Texts
from app.estimator.units import HOURS_PER_MONTH, SECONDS_PER_HOUR


@dataclass(frozen=True, slots=True)
class ServingLoad:
    """What is asked of the model in use.

    Parameters
    ----------
    answers_per_month : of all variants together, shared evenly. [count]
    prompt_tokens, completion_tokens : mean of an answer. [tokens]
    peak_factor : load of the busiest hour, for which GPUs are held, over the mean.
    variants : tuned models in use at once. [count]
    max_ms_per_token : slowest token that is accepted, at the peak. [ms]
    least_replicas : of every resident model. [count]
    """

    answers_per_month: float
    prompt_tokens: float = 1_000.0
    completion_tokens: float = 300.0
    peak_factor: float = 3.0
    variants: int = 1
    max_ms_per_token: float = 50.0
    least_replicas: int = 1

    @property
    def answers_per_s(self) -> float:
        """Mean load. [1/s]"""
        return self.answers_per_month / (HOURS_PER_MONTH * SECONDS_PER_HOUR)

    @property
    def peak_per_s(self) -> float:
        """Load of the busiest hour. [1/s]"""
        return self.answers_per_s * self.peak_factor

    @property
    def texts(self) -> Texts:
        """Lengths of an answer."""
        return Texts(float(self.prompt_tokens), float(self.completion_tokens))


@dataclass(frozen=True, slots=True)
class Way:
    """One way to serve a load on its cheapest on-demand offer.

    Parameters
    ----------
    key : base, merged or unmerged.
    models : resident models that differ. [count]
    replicas, gpus, instances, gpus_per_replica : [count]; GPUs are those that are paid for, in
        whole instances.
    answers_per_s : that one replica gives within the limit on the time of a token. [1/s]
    utilisation_fraction : mean load over what all replicas can give.
    usd_per_month : rent for all hours. [USD]
    ms_per_token, seconds_per_answer : in the busiest hour. [ms], [s]
    sd_log : spread of the logarithm of the throughput.
    """

    key: str
    models: int
    replicas: int
    gpus: int
    instances: int
    gpus_per_replica: int
    offer: Offer
    answers_per_s: float
    utilisation_fraction: float
    usd_per_month: float
    ms_per_token: float
    seconds_per_answer: float
    sd_log: float
    load: ServingLoad

    @property
    def usd_per_answer(self) -> float:
        """[USD]"""
        return self.usd_per_month / self.load.answers_per_month

    @property
    def usd_per_million_tokens(self) -> float:
        """Prompt and completion tokens together. [USD]"""
        tokens = self.load.prompt_tokens + self.load.completion_tokens
        return 1e6 * self.usd_per_answer / tokens

    def usd_at(self, factor: ArrayLike) -> Floats:
        """Monthly rent where the throughput is so many times the expected one. (d,) [USD]

        Notes
        -----
        On the same offer; the largest batch is kept, so its tokens come slower by the same factor.
        """
        asked = np.atleast_1d(np.asarray(factor, dtype=np.float64))[:, None]
        load = self.load.peak_per_s / (self.answers_per_s * asked)
        needed = replicas_needed(load, np.array([self.models]), self.load.least_replicas)[:, 0]
        each = self.offer.gpus_per_instance / self.gpus_per_replica
        rent = self.offer.usd_per_instance_hour * HOURS_PER_MONTH
        return np.asarray(np.ceil(needed / each) * rent, dtype=np.float64)

    def factor(self, standard: ArrayLike) -> Floats:
        """Factors on the throughput from standard normal draws. (d,)

        Notes
        -----
        Lognormal around the estimate. The same draws for every way, since it is the same software.
        """
        return np.exp(self.sd_log * np.asarray(standard, dtype=np.float64))
