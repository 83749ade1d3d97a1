"""The throughput model held against one published run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.estimator.architecture import Architecture
from app.estimator.constants import ConstantValues
from app.estimator.hardware import CHIPS, Accelerator
from app.estimator.served_model import BF16_BYTES, served_model
from app.estimator.serving_throughput import (
    Replicas,
    Texts,
    answer_seconds,
    batch_at,
    most_sequences,
    token_seconds,
)
from app.estimator.throughput import matmul_share

FP8_BYTES = 1.0
OPEN_LIMIT = 8192.0
"""Answers at once that a benchmark without a stated limit allows. [count]"""


@dataclass(frozen=True, slots=True)
class Served:
    """What was run.

    Parameters
    ----------
    gpus : that hold the model together. [count]
    dtype : bf16, fp16 or fp8 (weights, products and cache).
    concurrency : answers at once, None for as many as fit. [count]
    requests_per_s : rate at which requests came, None without a pause. [1/s]
    """

    architecture: Architecture
    accelerator: Accelerator
    gpus: int
    dtype: str
    prompt_tokens: float
    completion_tokens: float
    concurrency: int | None = None
    requests_per_s: float | None = None


def predicted(run: Served, metric: str, constants: ConstantValues) -> float:
    """Output tokens of the replica a second, or milliseconds between two tokens of an answer.

    Parameters
    ----------
    metric : output_tokens_per_s or ms_per_token.
    """
    width = FP8_BYTES if run.dtype == "fp8" else BF16_BYTES
    model = served_model(run.architecture, width, width)
    replica = replica_of(run.accelerator, run.gpus, run.dtype, constants)
    texts = Texts(run.prompt_tokens, run.completion_tokens)
    limits = {**constants, "serving_most_sequences": OPEN_LIMIT}
    # A run that was published did fit; where our reserve says otherwise, one answer at a time.
    most = np.maximum(most_sequences(model, replica, texts, 0.0, limits), 1.0)
    if run.concurrency is not None:
        most = np.minimum(most, float(run.concurrency))
    batch = most
    if run.requests_per_s is not None:
        batch = batch_at(model, replica, np.array(run.requests_per_s), most, texts, constants)
    if metric == "ms_per_token":
        return float(1e3 * token_seconds(model, replica, batch, texts, constants)[0, 0])
    seconds = answer_seconds(model, replica, batch, texts, constants)
    return float((batch * run.completion_tokens / seconds)[0, 0])


def replica_of(
    accelerator: Accelerator, gpus: int, dtype: str, constants: ConstantValues
) -> Replicas:
    """One replica on GPUs that are joined by their own link.

    Parameters
    ----------
    dtype : fp8 doubles the rate of products where the chip has it.
    """
    peak = accelerator.bf16_flop_per_s
    share = matmul_share(
        np.array([CHIPS.index(accelerator.chip)]),
        np.array([float(accelerator.is_geforce)]),
        np.array([accelerator.tdp_w]),
        np.array([peak]),
        constants,
    )[0]
    gain = accelerator.gain("fp8") if dtype == "fp8" else 1.0
    if gain > 1.0:
        share *= constants["low_precision_efficiency"]

    def one(value: float) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        return np.array([[value]], dtype=np.float64)

    return Replicas(
        shape=np.array([[0]]),
        gpus=one(gpus),
        memory_bytes=one(accelerator.memory_bytes),
        memory_bytes_per_s=one(accelerator.memory_bytes_per_s),
        flop_per_s=one(peak * share * gain),
        link_bytes_per_s=one(accelerator.link_bytes_per_s),
    )
