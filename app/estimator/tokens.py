"""Real token counts: from the lengths of samples to the tokens that a GPU computes.

Padding is computed like text. How much of it there is depends on the spread of the lengths, on the
micro-batch and on the packing, so it is counted from a histogram and not guessed.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.estimator.errors import InvalidSpec
from app.estimator.lengths import Lengths

Floats = NDArray[np.float64]

PACKINGS: Mapping[str, str] = MappingProxyType(
    {
        "packed": "several samples a sequence, none cut (best-fit decreasing)",
        "wrapped": "samples strung together and cut into full sequences",
        "grouped": "padded to the longest of a micro-batch, samples of like length together",
        "padded": "padded to the longest of a micro-batch",
        "padded-to-max": "padded to the sequence length",
    }
)
"""How samples become sequences, from least to most padding. The names in TRL 1.16 are
``packing=True`` with ``packing_strategy`` ``bfd`` and ``wrapped``; ``grouped`` is
``train_sampling_strategy="group_by_length"`` of transformers 5.23."""

OVERLONG = ("truncate", "drop", "split")
"""What happens to samples that are longer than a sequence. TRL's ``bfd`` truncates, ``bfd_split``
splits."""

GROUPS = 50
"""Micro-batches that are sorted together: `get_length_grouped_indices` of transformers 5.23."""

MAX_EXACT_LENGTHS = 16_384
"""More distinct lengths than these are rounded up to a coarser grid before they are packed."""


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """Tokens of one epoch. Arrays run over the micro-batches that were asked for. (m,)

    Parameters
    ----------
    examples : samples that are trained on, pieces of split samples counted apart. [count]
    real_tokens : tokens of samples, after truncation; what a tokens/s of real tokens counts.
    sequences : sequences of one epoch. [count]
    processed_tokens : tokens that are computed, padding included. (m,)
    sequence_tokens : mean tokens computed for one sequence. (m,)
    longest_sequence_tokens : what memory must hold for one sequence of the micro-batch.
    padding_fraction : share of the computed tokens that is padding. (m,)
    truncated_samples_fraction : share of the samples that was cut, dropped or split.
    lost_tokens_fraction : share of the tokens that is not trained on.
    """

    examples: float
    real_tokens: float
    sequences: float
    processed_tokens: Floats
    sequence_tokens: Floats
    longest_sequence_tokens: int
    padding_fraction: Floats
    truncated_samples_fraction: float
    lost_tokens_fraction: float


def limited(lengths: Lengths, limit: int, overlong: str = "truncate") -> Lengths:
    """Lengths after samples beyond `limit` were truncated, dropped or split.

    Parameters
    ----------
    limit : sequence length. [tokens] >= 1
    overlong : one of `OVERLONG`.

    Raises
    ------
    InvalidSpec : an unknown choice, or no sample is left.

    Examples
    --------
    >>> limited(Lengths.of([10, 25], [3, 1]), 10, "split")
    Lengths(length=array([ 5, 10]), count=array([1, 5]), assumed=False)
    """
    if overlong not in OVERLONG:
        raise InvalidSpec(f"unknown choice {overlong}; use one of {', '.join(OVERLONG)}")
    if limit < 1:
        raise InvalidSpec(f"the sequence length must be 1 or more (got {limit})")
    short = lengths.length <= limit
    length, count = lengths.length[short], lengths.count[short]
    over, many = lengths.length[~short], lengths.count[~short]
    if overlong == "truncate" and len(over):
        length = np.append(length, limit)
        count = np.append(count, many.sum())
    elif overlong == "split" and len(over):
        rest = over % limit
        length = np.concatenate([length, [limit], rest[rest > 0]])
        count = np.concatenate([count, [(many * (over // limit)).sum()], many[rest > 0]])
    if not len(length):
        raise InvalidSpec(
            f"every sample is longer than the sequence length of {limit} tokens and would be "
            "dropped; truncate instead, or use longer sequences"
        )
    return Lengths.of(length, count, assumed=lengths.assumed)


def packed_sequences(lengths: Lengths, limit: int) -> int:
    """Sequences of `limit` tokens that hold all samples uncut, by best-fit decreasing. [count]

    Parameters
    ----------
    lengths : none longer than `limit`.

    Notes
    -----
    Longest samples first, each into the fullest sequence that still has room. Equal samples are
    placed at once, so the result is that of the one-by-one algorithm whatever their number. Needs
    at most 11/9 of the fewest possible sequences, plus 1. A trainer that packs its data in pieces
    (TRL: 1,000 samples of a `map` batch) needs a little more.

    References
    ----------
    [1] Johnson et al., "Worst-case performance bounds for simple one-dimensional packing
        algorithms", SIAM J. Comput. 3 (1974).
    [2] TRL 1.16, ``data_utils.py``, ``_pack_bfd``.

    Examples
    --------
    >>> packed_sequences(Lengths.of([7, 3, 2], [4, 4, 1]), 10)
    5
    """
    if lengths.longest > limit:
        raise InvalidSpec(f"a sample of {lengths.longest} tokens does not fit in {limit}")
    if len(lengths.length) > MAX_EXACT_LENGTHS:
        step = -(-limit // MAX_EXACT_LENGTHS)
        rounded = np.minimum(-(-lengths.length // step) * step, limit)
        lengths = Lengths.of(rounded, lengths.count, assumed=lengths.assumed)
    spaces: list[int] = []  # rooms left, ascending
    held: dict[int, int] = {}  # sequences by room left
    sequences = 0

    def keep(space: int, many: int) -> None:
        if many and space:
            if space not in held:
                insort(spaces, space)
            held[space] = held.get(space, 0) + many

    for length, samples in zip(
        lengths.length[::-1].tolist(), lengths.count[::-1].tolist(), strict=True
    ):
        left = samples
        while left:
            at = bisect_left(spaces, length)
            if at < len(spaces):
                space = spaces.pop(at)
                available = held.pop(space)
            else:
                space, available = limit, -(-left // (limit // length))
                sequences += available
            # A sequence that took one sample is now the fullest, so it takes all that it can.
            each = space // length
            full = min(available, left // each)
            left -= full * each
            partly = 1 if left and available > full else 0
            keep(space - each * length, full)
            if partly:
                keep(space - left * length, 1)
                left = 0
            keep(space, available - full - partly)
    return sequences


def longest_of(lengths: Lengths, draws: ArrayLike) -> Floats:
    """Expected longest of some samples drawn at random. (m,) [tokens]

    Parameters
    ----------
    draws : samples drawn. (m,) [count] >= 1

    Notes
    -----
    E[max of b] = sum of l_k (F_k^b - F_(k-1)^b), F the empirical distribution; drawn with
    replacement, which is the limit of many samples.

    References
    ----------
    [1] David and Nagaraja, "Order Statistics", 3rd ed., section 3.1.

    Examples
    --------
    >>> longest_of(Lengths.of([100, 200], [1, 1]), [1, 2])
    array([150., 175.])
    """
    below = np.cumsum(lengths.count) / lengths.count.sum()
    return _expected(lengths, below[:, None] ** _draws(draws))


def longest_of_alike(lengths: Lengths, draws: ArrayLike, groups: int = GROUPS) -> Floats:
    """The same where samples of like length are put together. (m,) [tokens]

    Parameters
    ----------
    groups : micro-batches that are sorted together.

    Notes
    -----
    Micro-batch j of a sorted group is drawn from the j-th of `groups` equal shares of the
    distribution, and the shares are averaged. Never less than the mean length and never more than
    `longest_of`: the mean of F_j^b is at least the b-th power of the mean F (Jensen).
    """
    below = np.cumsum(lengths.count) / lengths.count.sum()
    b = _draws(draws)
    total = np.zeros((len(below), b.shape[1]))
    for share in range(groups):
        total += np.clip(groups * below - share, 0.0, 1.0)[:, None] ** b
    return _expected(lengths, total / groups)


def _draws(draws: ArrayLike) -> Floats:
    b = np.atleast_1d(np.asarray(draws, dtype=np.float64))
    if (b < 1).any():
        raise InvalidSpec("a micro-batch holds at least one sequence")
    return b[None, :]


def _expected(lengths: Lengths, below: Floats) -> Floats:
    """Mean of a distribution on the lengths, given its cumulative form. (k, m) -> (m,)"""
    steps = np.diff(below, axis=0, prepend=0.0)
    return np.asarray((lengths.length[:, None] * steps).sum(axis=0), dtype=np.float64)


def count_tokens(
    lengths: Lengths,
    *,
    sequence_length: int,
    packing: str = "packed",
    micro_batch: ArrayLike = 1,
    overlong: str = "truncate",
    padding_free: bool = False,
) -> TokenCounts:
    """Real and computed tokens of one epoch, by micro-batch.

    Parameters
    ----------
    sequence_length : samples are limited to it, packed sequences have it. [tokens] >= 1
    packing : one of `PACKINGS`.
    micro_batch : sequences of one forward pass on one GPU. (m,) [count] >= 1
    overlong : one of `OVERLONG`; wrapped sequences cut where they are full, and lose nothing.
    padding_free : packed sequences are joined without filling them up (TRL's default), where
        others (torchtune, Megatron) pad each to the sequence length.

    Raises
    ------
    InvalidSpec : an unknown choice, or no sample is left.

    Notes
    -----
    Real tokens <= grouped <= padded <= padded to the sequence length, for the same samples; packed
    sequences <= samples, so packed <= padded to the sequence length. Packed sequences that are
    filled up can hold more padding than padded samples: two samples of 0.6 sequences share none.

    Examples
    --------
    >>> lengths = Lengths.of([512, 1024, 2048], [4, 2, 1])
    >>> count_tokens(lengths, sequence_length=2048, packing="padded-to-max").padding_fraction
    array([0.57142857])
    >>> count_tokens(lengths, sequence_length=2048).processed_tokens
    array([6144.])
    """
    if packing not in PACKINGS:
        raise InvalidSpec(f"unknown packing {packing}; use one of {', '.join(PACKINGS)}")
    asked = float(lengths.tokens)
    many = _draws(micro_batch).ravel()
    long = lengths.length > sequence_length
    cut = float(lengths.count[long].sum() / lengths.samples)
    if packing == "wrapped":
        used, real = lengths, asked
        sequences = real / sequence_length
        longest = min(sequence_length, math.ceil(real))
        processed = np.full_like(many, real)
    else:
        used = limited(lengths, sequence_length, overlong)
        real = float(used.tokens)
        sequences = float(used.samples)
        longest = used.longest
        if packing == "packed":
            sequences = float(packed_sequences(used, sequence_length))
            longest = sequence_length
            processed = np.full_like(many, real if padding_free else sequences * sequence_length)
        elif packing == "padded-to-max":
            longest = sequence_length
            processed = np.full_like(many, sequences * sequence_length)
        else:
            longest_one = longest_of_alike if packing == "grouped" else longest_of
            # The micro-batch cannot hold more than there is.
            processed = sequences * longest_one(used, np.minimum(many, sequences))
        processed = np.maximum(processed, real)
    return TokenCounts(
        examples=float(used.samples),
        real_tokens=real,
        sequences=sequences,
        processed_tokens=processed,
        sequence_tokens=processed / sequences,
        longest_sequence_tokens=longest,
        padding_fraction=1.0 - real / processed,
        truncated_samples_fraction=cut,
        lost_tokens_fraction=max(0.0, 1.0 - real / asked),
    )


def evaluation_passes(steps: int, every_steps: int | None, *, at_end: bool = True) -> int:
    """Times that the evaluation set is run through in one run. [count]

    Parameters
    ----------
    steps : optimizer steps of the run. [count]
    every_steps : steps between evaluations; None for none on the way. [count] >= 1

    Examples
    --------
    >>> evaluation_passes(1000, 300), evaluation_passes(900, 300), evaluation_passes(900, None)
    (4, 3, 1)
    """
    if every_steps is not None and every_steps < 1:
        raise InvalidSpec(f"there is at least one step between evaluations (got {every_steps})")
    on_the_way = steps // every_steps if every_steps else 0
    ended = every_steps is not None and steps > 0 and steps % every_steps == 0
    return on_the_way + (1 if at_end and not ended else 0)


def evaluation_tokens(examples: float, tokens_per_example: float, passes: float) -> float:
    """Tokens that run forward only, for evaluation, in one run. [tokens]

    Parameters
    ----------
    examples, tokens_per_example : of the evaluation set, padding included. [count], [tokens]
    passes : evaluations in one run. [count]

    Examples
    --------
    >>> evaluation_tokens(500, 900, 4)
    1800000.0
    """
    return float(examples * tokens_per_example * passes)
