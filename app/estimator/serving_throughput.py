"""How many answers a second one replica gives: a roofline of continuous batching.

A replica is one or more GPUs that hold one model. Every array is a column, shape (n, 1), so that
batches can be laid along the second axis.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from app.estimator.constants import ConstantValues
from app.estimator.fleet import Fleet, Floats, Integers
from app.estimator.served_model import ServedModel
from app.estimator.throughput import matmul_share
from app.estimator.units import GIB, MICRO

MILLI = 1e-3
GROUP_SIZES = (1, 2, 4, 8, 16)
"""GPUs that a model is divided over: halves of halves, so that heads and widths divide."""
HALVINGS = 14
"""Steps of the search for a batch: up to 2^13 answers at once."""
BATCH_HALVINGS = 32
"""Steps of the search for the batch under a load: to a part in 10^9 of the largest."""


class Texts(NamedTuple):
    """Mean lengths of an answer. [tokens]"""

    prompt: float
    completion: float

    @property
    def mean_context(self) -> float:
        """Tokens that a step looks back on, in the middle of an answer. [tokens]"""
        return self.prompt + self.completion / 2

    @property
    def longest(self) -> float:
        """Tokens that are kept at its end. [tokens]"""
        return self.prompt + self.completion


@dataclass(frozen=True, slots=True)
class Replicas:
    """Groups of GPUs that may hold one model, as columns.

    Parameters
    ----------
    shape : of the fleet, which hardware it is. (n, 1)
    gpus : of one replica, all in one instance. (n, 1) [count]
    memory_bytes, memory_bytes_per_s : of one GPU. (n, 1)
    flop_per_s : that large matrix products of training reach on one GPU. (n, 1) [FLOP/s]
    link_bytes_per_s : between GPUs of an instance, per GPU and direction. (n, 1) [bytes/s]
    """

    shape: Integers
    gpus: Floats
    memory_bytes: Floats
    memory_bytes_per_s: Floats
    flop_per_s: Floats
    link_bytes_per_s: Floats


def replicas_of(fleet: Fleet, constants: ConstantValues) -> Replicas:
    """Every group of GPUs that divides an instance of the fleet.

    Notes
    -----
    A model is divided within one instance only. Assumption: across instances the network would
    hold every step up, and a larger instance is rented instead.
    """
    per_instance = fleet.gpus_per_instance
    sizes = np.array(GROUP_SIZES, dtype=np.int64)
    shape, size = np.nonzero(
        (sizes <= per_instance[:, None]) & (per_instance[:, None] % sizes == 0)
    )
    rate = fleet.bf16_flop_per_s * matmul_share(
        fleet.chip,
        np.asarray(fleet.geforce, dtype=np.float64),
        fleet.tdp_w,
        np.maximum(fleet.bf16_flop_per_s, 1.0),
        constants,
    )

    def column(values: Floats) -> Floats:
        return np.asarray(values, dtype=np.float64)[shape][:, None]

    return Replicas(
        shape=shape[:, None],
        gpus=np.asarray(sizes[size], dtype=np.float64)[:, None],
        memory_bytes=column(fleet.memory_bytes),
        memory_bytes_per_s=column(fleet.memory_bytes_per_s),
        flop_per_s=column(rate),
        link_bytes_per_s=column(fleet.intra_node_bytes_per_s),
    )


def most_sequences(
    model: ServedModel,
    replicas: Replicas,
    texts: Texts,
    adapter_bytes: ArrayLike,
    constants: ConstantValues,
) -> Floats:
    """Answers whose keys and values fit beside the weights; below 1 where none does. (n, 1)

    Parameters
    ----------
    adapter_bytes : of all adapters that are held; one, or a row (1, h). [bytes]

    Notes
    -----
    Every answer has room for its last token, so none is put out again.
    """
    usable = (
        replicas.memory_bytes * constants["serving_memory_share"]
        - constants["serving_reserve_gib"] * GIB
    )
    left = replicas.gpus * usable - model.weight_bytes - np.asarray(adapter_bytes)
    fitting = np.floor(left / model.cache_bytes(texts.longest, replicas.gpus))
    return np.asarray(np.minimum(fitting, constants["serving_most_sequences"]), dtype=np.float64)


def step_seconds(
    model: ServedModel,
    replicas: Replicas,
    batch: Floats,
    context: float,
    constants: ConstantValues,
) -> Floats:
    """Time in which every answer of a batch gets its next token. (n, b) [s]

    Notes
    -----
    Weights are read while their products run, and the longer of the two counts; then keys and
    values are read; then the sums over the GPUs of the replica and the fixed time of a step.

    References
    ----------
    Pope et al., "Efficiently Scaling Transformer Inference", arXiv:2211.05102, sections 2 and 3;
    Kwon et al., arXiv:2309.06180 (paged cache, continuous batches); Yu et al., "Orca", OSDI 2022.
    """
    r = replicas
    bandwidth = r.gpus * r.memory_bytes_per_s * constants["serving_bandwidth_efficiency"]
    rate = r.gpus * r.flop_per_s * constants["serving_decode_efficiency"]
    products = np.maximum(
        model.read_bytes(batch) / bandwidth, batch * (model.token_flop + model.head_flop) / rate
    )
    cache = batch * model.cache_bytes(context, r.gpus) / bandwidth
    started = np.where(r.gpus > 1, constants["serving_reduction_us"] * MICRO, 0.0)
    sums = 2 * model.layers * started + batch * _message_seconds(model, r, constants)
    own = constants["serving_step_ms"] * MILLI + batch * constants["serving_sequence_us"] * MICRO
    return np.asarray(products + cache + sums + own, dtype=np.float64)


def prompt_seconds(
    model: ServedModel, replicas: Replicas, prompt: float, constants: ConstantValues
) -> Floats:
    """Time of the GPUs that one prompt takes. (n, 1) [s]

    Notes
    -----
    Matrix products of all its tokens, half of the scores (causal), one token of the output head,
    and the sums over the GPUs. Prompts share steps with answers that are being written (chunked
    prefill, Agrawal et al., arXiv:2308.16369), so the weights are not read once more for them.
    """
    flop = prompt * model.token_flop + model.score_flop * prompt**2 / 2 + model.head_flop
    rate = replicas.gpus * replicas.flop_per_s * constants["serving_prefill_efficiency"]
    return np.asarray(
        flop / rate + prompt * _message_seconds(model, replicas, constants), dtype=np.float64
    )


def answer_seconds(
    model: ServedModel,
    replicas: Replicas,
    batch: Floats,
    texts: Texts,
    constants: ConstantValues,
) -> Floats:
    """Time from a request to the last token of its answer, with `batch` answers at once. (n, b)
    [s]

    Notes
    -----
    In steady state as many prompts come as answers end: while one answer of C tokens is written, C
    steps run and the prompts of the whole batch are read. By Little's law the replica gives
    batch / time answers a second.
    """
    prompts = batch * prompt_seconds(model, replicas, texts.prompt, constants)
    steps = step_seconds(model, replicas, batch, texts.mean_context, constants)
    return np.asarray(prompts + texts.completion * steps, dtype=np.float64)


def token_seconds(
    model: ServedModel,
    replicas: Replicas,
    batch: Floats,
    texts: Texts,
    constants: ConstantValues,
) -> Floats:
    """Mean time between two tokens of one answer: a step, and the prompts of others. (n, b) [s]"""
    others = (batch - 1) * prompt_seconds(model, replicas, texts.prompt, constants)
    steps = step_seconds(model, replicas, batch, texts.mean_context, constants)
    return np.asarray(steps + others / texts.completion, dtype=np.float64)


def largest_batch(
    model: ServedModel,
    replicas: Replicas,
    most: Floats,
    texts: Texts,
    max_ms_per_token: float,
    constants: ConstantValues,
) -> Floats:
    """Most answers at once whose tokens come quickly enough; 0 where one alone is too slow. (n, 1)

    Parameters
    ----------
    most : that fit. (n, 1) [count]
    """
    limit = max_ms_per_token * MILLI
    low, high = np.zeros_like(most), np.maximum(most, 0.0) + 1.0
    for _ in range(HALVINGS):
        middle = np.floor((low + high) / 2)
        if not (middle > low).any():
            break
        quick = token_seconds(model, replicas, np.maximum(middle, 1.0), texts, constants) <= limit
        inside = middle > low
        low = np.where(inside & quick, middle, low)
        high = np.where(inside & ~quick, middle, high)
    return low


def batch_at(
    model: ServedModel,
    replicas: Replicas,
    answers_per_s: Floats,
    most: Floats,
    texts: Texts,
    constants: ConstantValues,
) -> Floats:
    """Answers being written at once under a load, at least one. (n, 1)

    Notes
    -----
    Little's law: as many as come while one is answered. Found by halving, since a larger batch
    gives more answers a second.
    """
    low, high = np.zeros_like(most), most
    for _ in range(BATCH_HALVINGS):
        middle = (low + high) / 2
        seconds = answer_seconds(model, replicas, np.maximum(middle, 1.0), texts, constants)
        waiting = answers_per_s * seconds > middle
        low, high = np.where(waiting, middle, low), np.where(waiting, high, middle)
    return np.asarray(np.maximum(high, 1.0), dtype=np.float64)


def _message_seconds(model: ServedModel, r: Replicas, constants: ConstantValues) -> Floats:
    """Time that the sums of one token through all layers take on the links. (n, 1) [s]

    References
    ----------
    NVIDIA nccl-tests, doc/PERFORMANCE.md: a ring of n sends 2 (n - 1) / n of the data.
    """
    sent = model.message_bytes * 2 * (r.gpus - 1) / r.gpus
    link = np.maximum(r.link_bytes_per_s, 1.0) * constants["serving_link_efficiency"]
    return np.asarray(np.where(r.gpus > 1, sent / link, 0.0), dtype=np.float64)
