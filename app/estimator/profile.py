"""A whole model: what its blocks and ends add up to, for one way of training it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.estimator.adapters import Adapters
from app.estimator.architecture import Architecture
from app.estimator.ends import End, walk_embedding, walk_head
from app.estimator.errors import InvalidSpec
from app.estimator.layers import Rope
from app.estimator.sizes import (
    NOTHING,
    Floats,
    Size,
    fixed,
    per_position,
    per_score,
    per_square,
    per_token,
    plus,
    products,
    times,
    total,
    undominated,
)
from app.estimator.walk import FULL, NONE, BlockWalk, Flop, walk_block

Integers = NDArray[np.int64]

POSITION = 8
"""Bytes of a position's number."""


@dataclass(frozen=True, slots=True)
class Mode:
    """Bytes and FLOP of one mode of checkpointing; rows are sizes, see `app.estimator.sizes`.

    Parameters
    ----------
    flop, attention_flop : rows of forward, backward and recomputation, shape (3, 5). [FLOP]
    blocks, ends : alive after the forward pass, in blocks and outside them, shape (5,). [bytes]
    peaks : can be the highest of the step, shape (n, 5). [bytes]
    block_peaks, loss_peaks : those among `peaks` that lie in the backward pass of a block, and
        those around the loss, over what the blocks keep, shape (n, 5). [bytes]
    """

    flop: Floats
    attention_flop: Floats
    blocks: Floats
    ends: Floats
    peaks: Floats
    block_peaks: Floats
    loss_peaks: Floats


@lru_cache(maxsize=256)
def profile(
    architecture: Architecture,
    adapters: Adapters | None,
    kernel: str,
    windowed: frozenset[int],
    batched: bool,
) -> tuple[Mode, Mode, Mode]:
    """Walk a model, once for each way of training it.

    Parameters
    ----------
    windowed : windows that are shorter than the sequence. [tokens]
    batched : there are several sequences, as `needs_copies` says that it matters.
    """
    if adapters is not None:
        adapters.check(architecture)
    modes = tuple(
        _mode(architecture, adapters, kernel, windowed, batched, checkpointing)
        for checkpointing in range(3)
    )
    return modes[0], modes[1], modes[2]


def _mode(
    architecture: Architecture,
    adapters: Adapters | None,
    kernel: str,
    windowed: frozenset[int],
    batched: bool,
    checkpointing: int,
) -> Mode:
    adapted = adapters.outside(architecture) if adapters is not None else ()
    tied = architecture.tie_word_embeddings
    hooked = checkpointing != NONE
    start = walk_embedding(architecture.outside, adapters, adapted, tied, hooked)
    needs_grad = start.needs_grad
    walks: list[tuple[int, BlockWalk]] = []
    for count, block in architecture.groups:
        masked = block.attention.window in windowed or block.attention.always_masked
        variant = partial(walk_block, block, adapters, kernel, masked=masked, batched=batched)
        first = variant(input_needs_grad=needs_grad)
        rest = count
        if first.needs_grad != needs_grad:
            walks.append((1, first))
            rest -= 1
        needs_grad = first.needs_grad
        if rest:
            walks.append((rest, variant(input_needs_grad=needs_grad)))
    end = walk_head(architecture.outside, adapters, adapted, tied, needs_grad)
    shared = _shared(architecture, checkpointing)
    masks = _arguments(architecture, kernel, windowed)
    kept = [(count, walk.phases[checkpointing].kept) for count, walk in walks]
    blocks = total(times(size, count) for count, size in kept)
    around = plus(start.phase.kept, shared)
    passing = NOTHING
    if checkpointing != NONE:
        around = plus(around, masks)
    else:
        passing = masks
        if not walks[0][1].keeps_input:
            passing = plus(passing, per_token(2.0 * architecture.hidden_size))
    forward, backward, loss = _peaks(walks, checkpointing, around, passing, start, end)
    flop = [(count, walk.flop) for count, walk in walks] + [(1, start.flop), (1, end.flop)]
    scores = [(count, walk.attention_flop) for count, walk in walks]
    return Mode(
        flop=_flop_rows(flop, checkpointing),
        attention_flop=_flop_rows(scores, checkpointing),
        blocks=np.array(blocks),
        ends=np.array(plus(around, end.phase.kept)),
        peaks=undominated(np.vstack([forward, backward, loss])),
        block_peaks=undominated(backward - np.array(blocks)),
        loss_peaks=undominated(loss - np.array(blocks)),
    )


def _flop_rows(flop: list[tuple[int, Flop]], checkpointing: int) -> Floats:
    """Forward, backward and recomputation of all parts, shape (3, 5). [FLOP]"""
    forward = total(times(part.forward, count) for count, part in flop)
    backward = total(times(part.backward, count) for count, part in flop)
    again = total(times(part.recompute, count) for count, part in flop)
    return np.array([forward, backward, again if checkpointing == FULL else NOTHING])


def _peaks(
    walks: list[tuple[int, BlockWalk]],
    checkpointing: int,
    around: Size,
    during_forward: Size,
    start: End,
    end: End,
) -> tuple[Floats, Floats, Floats]:
    """Highest sizes of the forward pass, of the blocks' backward pass, and around the loss.

    Notes
    -----
    Of equal blocks the last one counts: before it everything that the others keep is alive.
    """
    below: dict[int, tuple[Size, BlockWalk]] = {}
    so_far = NOTHING
    for count, walk in walks:
        kept = walk.phases[checkpointing].kept
        below[id(walk)] = (plus(so_far, times(kept, count - 1)), walk)
        so_far = plus(so_far, times(kept, count))
    forward = [start.phase.forward_peaks]
    backward = [start.phase.backward_peaks]
    for base, walk in below.values():
        phase = walk.phases[checkpointing]
        entering = np.array(total((base, around, during_forward)))
        forward.append(entering + phase.forward_peaks)
        backward.append(np.array(total((base, around, end.left))) + phase.backward_peaks)
    behind = np.array(plus(so_far, around))
    loss = np.vstack([behind + end.phase.forward_peaks, behind + end.phase.backward_peaks])
    return np.vstack(forward), np.vstack(backward), loss


def _rope_tables(rope: Rope, checkpointing: int) -> float:
    """Cosines and sines of every position, kept for the whole model. [bytes/position]"""
    if rope.style == "gptj" or (
        checkpointing == NONE and rope.style in ("interleaved", "half_wide")
    ):
        return 0.0  # every block makes copies of its own
    share = 0.5 if rope.style in ("complex", "two_halves") else 1.0
    return 2 * rope.width * rope.table_width * share


def _shared(architecture: Architecture, checkpointing: int) -> Size:
    """Tables that all blocks use, and the positions, an argument of every checkpointed block."""
    ropes = {block.attention.rope for block in architecture.blocks} - {None}
    tables = sum(_rope_tables(rope, checkpointing) for rope in ropes if rope is not None)
    kept = per_position(tables + (POSITION if checkpointing != NONE else 0))
    if any(block.attention.scores == "alibi_add" for block in architecture.blocks):
        kept = plus(kept, per_score(1))  # a mask that the scores' operation keeps
    return kept


def _arguments(architecture: Architecture, kernel: str, windowed: frozenset[int]) -> Size:
    """Masks and biases: alive while the blocks run, and until backward where checkpointed."""
    found = NOTHING
    for window in {block.attention.window for block in architecture.blocks}:
        attentions = [b.attention for b in architecture.blocks if b.attention.window == window]
        if any(a.scores == "alibi_add" for a in attentions):
            longest = architecture.max_position_embeddings or 0
            found = plus(found, fixed(4.0 * longest * attentions[0].heads))
        elif kernel == "eager" or any(kernel not in a.kernels for a in attentions):
            found = plus(found, per_score(2))
        elif window in windowed or any(a.always_masked for a in attentions):
            found = plus(found, per_square(1))
    return found


# ---------------------------------------------------------------------------- evaluation


def mode_of(checkpointing: ArrayLike) -> Integers:
    """Mode of checkpointing as a number: true means full.

    Raises
    ------
    InvalidSpec : a number other than 0, 1 and 2.
    """
    given = np.asarray(checkpointing)
    if given.dtype == np.bool_:
        return given.astype(np.int64) * FULL
    mode = given.astype(np.int64)
    if ((mode < NONE) | (mode > FULL)).any():
        raise InvalidSpec("checkpointing must be 0 (none), 1 (selective) or 2 (full)")
    return mode


def evaluate(
    figures: Callable[[Mode, Floats], Sequence[Floats]],
    architecture: Architecture,
    adapters: Adapters | None,
    *,
    sequences: ArrayLike,
    sequence_length: ArrayLike,
    checkpointing: ArrayLike,
    kernel: str,
) -> list[Floats]:
    """Figures of every mode and size that is asked for.

    Parameters
    ----------
    figures : makes them from a mode and from the products of batch and sequence, shape (..., 5).
    The others are as in `app.estimator.flops.step_flop`; they broadcast.
    """
    mode, sizes = mode_of(checkpointing), products(sequences, sequence_length)
    batch, length = np.broadcast_arrays(
        np.asarray(sequences, dtype=np.float64), np.asarray(sequence_length, dtype=np.float64)
    )
    shape = np.broadcast_shapes(batch.shape, mode.shape)
    copies = needs_copies(architecture, kernel)
    windows = {block.attention.window for block in architecture.blocks} - {None}
    cases = [
        (frozenset(w for w in windows if w is not None and w < one), copies and many > 1)
        for many, one in zip(batch.flat, length.flat, strict=True)
    ]
    answer: list[Floats] = []
    for case in set(cases):
        here = np.array([one == case for one in cases]).reshape(batch.shape)
        found = profile(architecture, adapters, kernel, *case)
        for one in np.unique(mode):
            where = np.broadcast_to(here & (mode == one), shape)
            values = [np.broadcast_to(v, shape) for v in figures(found[one], sizes)]
            old = answer or [np.zeros(shape)] * len(values)
            answer = [np.where(where, new, before) for new, before in zip(values, old, strict=True)]
    return answer


def needs_copies(architecture: Architecture, kernel: str) -> bool:
    """Whether several sequences make the kernel copy what one sequence lets it view."""
    attentions = [block.attention for block in architecture.blocks]
    return any(
        kernel == "eager" or kernel not in a.kernels or a.split == "index" for a in attentions
    )


def largest(rows: Floats, sizes: Floats) -> Floats:
    """The highest of some sizes, for every product of batch and sequence."""
    found: Floats = (sizes @ rows.T).max(axis=-1)
    return found
