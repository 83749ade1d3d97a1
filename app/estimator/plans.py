"""The space of plans, as arrays: hardware shapes x nodes x layouts x micro-batch x checkpointing
x offload.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.estimator.architecture import Architecture
from app.estimator.fleet import Booleans, Fleet, Integers
from app.estimator.software import Software

STRATEGIES = ("single", "ddp", "zero1", "zero2", "fsdp")
STRATEGY_LABELS = {
    "single": "one GPU",
    "ddp": "data parallel (DDP): every GPU holds everything",
    "zero1": "ZeRO-1: optimizer states sharded",
    "zero2": "ZeRO-2: gradients and optimizer states sharded",
    "fsdp": "FSDP / ZeRO-3: weights, gradients and optimizer states sharded",
}
CHECKPOINTING = ("none", "selective", "full")
OFFLOADS = ("none", "optimizer", "parameters")
NODE_COUNTS = (1, 2, 4, 8, 16, 32, 64, 128)
MICRO_BATCHES = (1, 2, 4, 8, 16, 32, 64)
FEWEST_TOKENS_PER_RANK = 2048
"""Context parallelism is planned on where a rank keeps this many tokens. Assumption."""
UNEVEN_STAGES = 1.1
"""A pipeline is planned on where its largest stage has at most this many times its even share of
the layers. Assumption."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How GPUs share one model.

    Parameters
    ----------
    strategy : what the data-parallel group shards, one of `STRATEGIES`.
    tensor, pipeline, context, expert : sizes of the groups. [count]
    """

    strategy: str
    tensor: int = 1
    pipeline: int = 1
    context: int = 1
    expert: int = 1

    @property
    def model_gpus(self) -> int:
        """GPUs of one model replica. [count]"""
        return self.tensor * self.pipeline * self.context


def layouts_of(
    architecture: Architecture, software: Software, sequence_length: int
) -> tuple[Layout, ...]:
    """Layouts that a stack can run for a model.

    Notes
    -----
    Every stack shards data-parallel groups. Stacks with model parallelism also split heads (tensor,
    a divisor of the heads, inside one instance), layers (pipeline, about evenly), the sequence
    (context) and experts (expert, over data-parallel ranks).
    """
    plain = tuple(Layout(strategy) for strategy in STRATEGIES)
    if not software.kernels.model_parallel:
        return plain
    heads = min(block.attention.heads for block in architecture.blocks)
    experts = max((linear.copies for b in architecture.blocks for linear in b.linears), default=1)
    tensors = [t for t in (1, 2, 4, 8) if heads % t == 0]
    layers = architecture.num_hidden_layers
    pipelines = [p for p in (1, 2, 4, 8, 16) if -(-layers // p) * p <= UNEVEN_STAGES * layers]
    contexts = [
        c for c in (1, 2, 4, 8, 16) if c == 1 or sequence_length >= c * FEWEST_TOKENS_PER_RANK
    ]
    sizes = [e for e in (1, 2, 4, 8, 16, 32, 64) if e == 1 or (experts % e == 0 and experts > 1)]
    strategy = "fsdp" if software.stack == "fsdp" else "zero1"
    split = tuple(
        Layout(strategy, t, p, c, e)
        for t in tensors
        for p in pipelines
        for c in contexts
        for e in sizes
        if t * p * c * e > 1
    )
    return plain + split


@dataclass(frozen=True, slots=True)
class Plans:
    """Plans as arrays of length p. Every one is a layout that could be launched.

    Parameters
    ----------
    shape : index into the fleet's shapes.
    nodes, gpus : instances and GPUs. [count]
    strategy : index into `STRATEGIES`.
    tensor, pipeline, context, expert : sizes of the groups. [count]
    micro_batch : sequences per replica and forward pass. [count]
    accumulation : micro-batches per optimizer step. [count]
    checkpointing : index into `CHECKPOINTING`.
    offload : index into `OFFLOADS`; ``parameters`` takes the optimizer along.
    alike : a number that plans share which differ in shape and nodes alone; None where it is not
        known.
    """

    shape: Integers
    nodes: Integers
    gpus: Integers
    strategy: Integers
    tensor: Integers
    pipeline: Integers
    context: Integers
    expert: Integers
    micro_batch: Integers
    accumulation: Integers
    checkpointing: Integers
    offload: Integers
    alike: Integers | None = None

    def __len__(self) -> int:
        return len(self.shape)

    @property
    def replicas(self) -> Integers:
        """Model replicas, the size of the data-parallel group. (p,) [count]"""
        return self.gpus // (self.tensor * self.pipeline * self.context)

    @property
    def global_batch(self) -> Integers:
        """Sequences per optimizer step that are really processed. (p,) [count]"""
        return self.micro_batch * self.accumulation * self.replicas

    def uses(self, *strategies: str) -> Booleans:
        """Whether each plan uses one of the strategies. (p,)"""
        found = np.zeros(len(self), dtype=bool)
        for name in strategies:
            found |= self.strategy == STRATEGIES.index(name)
        return found

    def take(self, index: NDArray[np.intp] | slice) -> Plans:
        """The plans at these positions."""
        columns: dict[str, Any] = {
            field.name: None if (column := getattr(self, field.name)) is None else column[index]
            for field in fields(self)
        }
        return Plans(**columns)

    def apart_from_hardware(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Positions of plans that differ in more than shape and nodes, and for each plan which of
        them it is like. (q,), (p,)
        """
        alike = self._key() if self.alike is None else self.alike
        found, place = distinct(alike)
        first = np.zeros(len(found), dtype=np.intp)
        first[place] = np.arange(len(self))
        return first[: len(self)], place

    def _key(self) -> Integers:
        """Small numbers that are equal where everything but the hardware is. (p,)"""
        key = np.zeros(len(self), dtype=np.int64)
        for field in fields(self):
            if field.name not in ("shape", "nodes", "alike"):
                values = getattr(self, field.name)
                _, key = np.unique(key * (values.max(initial=0) + 1) + values, return_inverse=True)
        return key


LARGEST_TABLE = 1_000_000
"""Numbers up to this are looked up in a table, which is quicker than sorting them."""


def distinct(values: Integers) -> tuple[Integers, NDArray[np.intp]]:
    """The small whole numbers among these, ascending, and the place of each of these among them.

    Notes
    -----
    One number at least is found, so that a table over them is never empty.

    Examples
    --------
    >>> found, place = distinct(np.array([4, 1, 4]))
    >>> found.tolist(), place.tolist()
    ([1, 4], [1, 0, 1])
    """
    if values.max(initial=0) > LARGEST_TABLE:
        found, place = np.unique(values, return_inverse=True)
        return found, place
    seen = np.zeros(values.max(initial=0) + 1, dtype=bool)
    seen[values] = True
    seen[-1] = True
    place = np.cumsum(seen) - 1
    return np.flatnonzero(seen), place[values]


@dataclass(frozen=True, slots=True)
class Space:
    """What is enumerated beside the hardware.

    Parameters
    ----------
    layouts : see `layouts_of`.
    micro_batches : [count]
    checkpointing : indices into `CHECKPOINTING`.
    offloads : indices into `OFFLOADS`.
    """

    layouts: tuple[Layout, ...]
    micro_batches: tuple[int, ...] = MICRO_BATCHES
    checkpointing: tuple[int, ...] = (0, 1, 2)
    offloads: tuple[int, ...] = (0, 1, 2)


def enumerate_plans(fleet: Fleet, space: Space, *, max_gpus: int, global_batch: int) -> Plans:
    """Every layout on every shape within the limits.

    Parameters
    ----------
    max_gpus : most GPUs of one run. [count] >= 1
    global_batch : sequences per optimizer step; a plan never exceeds it. [count] >= 1

    Notes
    -----
    Instances are used whole. One GPU runs alone; a group of several replicas runs DDP, ZeRO or
    FSDP. Several instances are planned only where their network is known. Tensor groups stay inside
    an instance. Parameters are offloaded under full sharding or on one GPU, the optimizer wherever
    the states are sharded. The last micro-batch may be part empty: the global batch is rounded up
    to a multiple of replicas x micro-batch.
    """
    table = np.array(
        [
            (STRATEGIES.index(x.strategy), x.tensor, x.pipeline, x.context, x.expert)
            for x in space.layouts
        ],
        dtype=np.int64,
    ).reshape(-1, 5)
    shape, nodes, layout = (
        axis.ravel()
        for axis in np.meshgrid(
            np.arange(len(fleet.accelerators)),
            np.array(NODE_COUNTS),
            np.arange(len(table)),
            indexing="ij",
        )
    )
    strategy, tensor, pipeline, context, expert = table[layout].T
    per_instance = fleet.gpus_per_instance[shape]
    gpus = nodes * per_instance
    model = tensor * pipeline * context
    replicas = gpus // model
    sharded = strategy != STRATEGIES.index("single")
    possible = (
        (gpus <= max_gpus)
        & ((gpus == 1) == ~sharded)
        & ((nodes == 1) | (fleet.inter_node_bytes_per_s[shape] > 0))
        & (gpus % model == 0)
        & (tensor <= per_instance)
        & (per_instance % np.minimum(tensor, per_instance) == 0)
        & (replicas >= 1)
        & (replicas <= global_batch)
        & ((replicas * context) % expert == 0)
    )
    kept = np.flatnonzero(possible)
    micro, again, away = (
        axis.ravel()
        for axis in np.meshgrid(
            np.array(space.micro_batches, dtype=np.int64),
            np.array(space.checkpointing, dtype=np.int64),
            np.array(space.offloads, dtype=np.int64),
            indexing="ij",
        )
    )
    kinds = strategy[kept]
    alone_or_fsdp = (kinds == 0) | (kinds == STRATEGIES.index("fsdp"))
    states_sharded = alone_or_fsdp | (kinds == STRATEGIES.index("zero2"))
    row, mode = np.nonzero(
        (replicas[kept][:, None] * micro <= global_batch)
        & (states_sharded[:, None] | (away != OFFLOADS.index("optimizer")))
        & (alone_or_fsdp[:, None] | (away != OFFLOADS.index("parameters")))
    )
    # Rows of the same layout on as many GPUs differ in their hardware alone.
    _, same = np.unique(gpus[kept] * len(table) + layout[kept], return_inverse=True)
    alike = same[row] * len(micro) + mode
    rows, micro = kept[row], micro[mode]
    per_step = micro * replicas[rows]
    return Plans(
        shape=shape[rows],
        nodes=nodes[rows],
        gpus=gpus[rows],
        strategy=strategy[rows],
        tensor=tensor[rows],
        pipeline=pipeline[rows],
        context=context[rows],
        expert=expert[rows],
        micro_batch=micro,
        accumulation=-(-global_batch // per_step),
        checkpointing=again[mode],
        offload=away[mode],
        alike=alike,
    )
