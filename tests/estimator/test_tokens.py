"""Token counts: by hand, against the algorithms themselves, and what must always hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.estimator.errors import InvalidSpec
from app.estimator.lengths import Lengths, lengths_from_summary
from app.estimator.tokens import (
    OVERLONG,
    PACKINGS,
    count_tokens,
    evaluation_passes,
    evaluation_tokens,
    limited,
    longest_of,
    longest_of_alike,
    packed_sequences,
)
from app.estimator.vocabulary import resized_vocabulary

MICRO_BATCHES = np.array([1, 2, 4, 8, 16, 32])

histograms = st.dictionaries(st.integers(1, 300), st.integers(1, 40), min_size=1, max_size=20).map(
    lambda pairs: Lengths.of(list(pairs), list(pairs.values()))
)


def best_fit_decreasing(samples: list[int], limit: int) -> int:
    """The textbook algorithm, one sample at a time."""
    rooms: list[int] = []
    for sample in sorted(samples, reverse=True):
        fitting = [room for room in rooms if room >= sample]
        if fitting:
            room = min(fitting)
            rooms.remove(room)
            rooms.append(room - sample)
        else:
            rooms.append(limit - sample)
    return len(rooms)


def test_by_hand() -> None:
    # 4 samples of 512, 2 of 1024 and 1 of 2048 tokens, sequences of 1024
    lengths = Lengths.of([512, 1024, 2048], [4, 2, 1])
    counts = count_tokens(lengths, sequence_length=1024, packing="padded", micro_batch=[1, 2])
    assert counts.examples == 7
    assert counts.real_tokens == 4 * 512 + 3 * 1024
    # two draws are both short with probability (4/7)^2
    longest = 512 * 16 / 49 + 1024 * 33 / 49
    assert counts.processed_tokens == pytest.approx([5120, 7 * longest])
    assert counts.sequence_tokens == pytest.approx([5120 / 7, longest])
    assert counts.padding_fraction == pytest.approx([0, 1 - 5120 / (7 * longest)])
    assert counts.truncated_samples_fraction == pytest.approx(1 / 7)
    assert counts.lost_tokens_fraction == pytest.approx(1024 / 6144)
    assert counts.longest_sequence_tokens == 1024


def test_packing_by_hand() -> None:
    lengths = Lengths.of([512, 1024, 2048], [4, 2, 1])
    packed = count_tokens(lengths, sequence_length=2048)
    assert packed.sequences == 3
    assert packed.padding_fraction == pytest.approx([0])
    wrapped = count_tokens(Lengths.of([700], [3]), sequence_length=1000, packing="wrapped")
    assert wrapped.sequences == pytest.approx(2.1)
    assert wrapped.processed_tokens == pytest.approx([2100])
    # samples of 0.6 sequences share none, filled up or joined as they are
    apart = Lengths.of([600], [10])
    assert count_tokens(apart, sequence_length=1000).processed_tokens == pytest.approx([10_000])
    joined = count_tokens(apart, sequence_length=1000, padding_free=True)
    assert joined.processed_tokens == pytest.approx([6000])
    assert joined.sequences == 10


@given(histograms, st.integers(1, 400))
def test_packing_equals_the_one_by_one_algorithm(lengths: Lengths, limit: int) -> None:
    fitting = limited(lengths, limit)
    samples = np.repeat(fitting.length, fitting.count).tolist()
    packed = packed_sequences(fitting, limit)
    assert packed == best_fit_decreasing(samples, limit)
    assert -(-fitting.tokens // limit) <= packed <= fitting.samples


def test_packing_of_a_billion_samples_is_exact_too() -> None:
    # fours go in pairs and leave no room for a three; threes go in threes
    assert packed_sequences(Lengths.of([3, 4], [10**9, 10**9]), 10) == 500_000_000 + 333_333_334
    assert packed_sequences(Lengths.of([5], [10**10]), 10) == 5 * 10**9


def test_packing_of_very_many_lengths_is_coarse_and_close() -> None:
    lengths = Lengths.of(np.arange(1, 40_001), np.ones(40_000, dtype=np.int64))
    assert packed_sequences(lengths, 40_000) == pytest.approx(20_001, rel=1e-3)


@given(histograms, st.integers(1, 400), st.sampled_from(OVERLONG))
def test_what_must_always_hold(lengths: Lengths, limit: int, overlong: str) -> None:
    assume(overlong != "drop" or lengths.length[0] <= limit)
    by_packing = {
        packing: count_tokens(
            lengths,
            sequence_length=limit,
            packing=packing,
            micro_batch=MICRO_BATCHES,
            overlong=overlong,
            padding_free=packing == "packed",
        )
        for packing in PACKINGS
    }
    for packing, counts in by_packing.items():
        assert (counts.processed_tokens >= counts.real_tokens).all()
        assert ((counts.padding_fraction >= 0) & (counts.padding_fraction < 1)).all()
        assert (np.diff(counts.processed_tokens) >= -1e-6).all(), packing
        assert counts.longest_sequence_tokens <= limit
        assert (counts.sequence_tokens <= limit * (1 + 1e-9)).all()
        assert counts.sequence_tokens * counts.sequences == pytest.approx(counts.processed_tokens)
        assert counts.real_tokens <= lengths.tokens
        assert 0 <= counts.lost_tokens_fraction < 1
    close = 1 + 1e-9
    order = [by_packing[p].processed_tokens for p in ("packed", "grouped", "padded")]
    for less, more in zip(
        order, [*order[1:], by_packing["padded-to-max"].processed_tokens], strict=True
    ):
        assert (less <= more * close).all()
    # Filled-up packs are no better than no padding, and never worse than padding all.
    filled = count_tokens(lengths, sequence_length=limit, overlong=overlong).processed_tokens
    assert (filled <= by_packing["padded-to-max"].processed_tokens[:1] * close).all()
    if overlong == "split":
        assert by_packing["packed"].real_tokens == lengths.tokens


@given(histograms, st.integers(1, 40))
def test_the_expected_longest_is_what_drawing_gives(lengths: Lengths, draws: int) -> None:
    samples = np.repeat(lengths.length, lengths.count)
    drawn = np.random.default_rng(1).choice(samples, size=(4000, draws)).max(axis=1)
    spread = drawn.std() / np.sqrt(len(drawn))
    assert longest_of(lengths, draws)[0] == pytest.approx(drawn.mean(), abs=6 * spread + 0.2)


def test_samples_of_like_length_are_grouped_as_the_sampler_does_it() -> None:
    lengths = lengths_from_summary(samples=200_000, mean=900, p95=2400, maximum=8000)
    samples = np.random.default_rng(2).permutation(np.repeat(lengths.length, lengths.count))
    for micro_batch in (2, 8, 32):
        group = 50 * micro_batch
        whole = np.sort(samples[: len(samples) // group * group].reshape(-1, group), axis=1)
        measured = whole.reshape(-1, micro_batch).max(axis=1).mean()
        assert longest_of_alike(lengths, micro_batch)[0] == pytest.approx(measured, rel=0.01)


@given(
    mean=st.floats(20, 3000),
    ratio=st.floats(1.2, 3.2),
    stretch=st.floats(1.5, 20),
)
@hypothesis_settings(max_examples=40)
def test_a_fitted_distribution_has_its_figures(mean: float, ratio: float, stretch: float) -> None:
    maximum = int(mean * ratio * stretch)
    try:
        lengths = lengths_from_summary(
            samples=100_000, mean=mean, p95=mean * ratio, maximum=maximum
        )
    except InvalidSpec as error:
        refusal = str(error)
        lengths = None
    if lengths is None:
        assert "give the median as well" in refusal
        return
    assert lengths.assumed
    assert lengths.samples == 100_000
    assert lengths.longest == maximum
    assert lengths.mean == pytest.approx(mean, rel=0.01, abs=0.6)
    assert lengths.quantile(0.95) == pytest.approx(mean * ratio, rel=0.01, abs=1)


def test_with_a_median_all_four_figures_come_back() -> None:
    lengths = lengths_from_summary(samples=50_000, mean=700, p95=3000, maximum=30_000, median=150)
    assert lengths.mean == pytest.approx(700, rel=0.01)
    assert lengths.quantile(0.5) == pytest.approx(150, rel=0.01)
    assert lengths.quantile(0.95) == pytest.approx(3000, rel=0.01)
    assert lengths.longest == 30_000


def test_few_samples_are_as_many_as_there_are() -> None:
    for samples in (1, 2, 3, 100):
        assert lengths_from_summary(samples=samples, mean=90, p95=200, maximum=400).samples == (
            samples
        )


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ({"mean": 900, "p95": 800, "maximum": 2000}, "95% quantile must exceed the mean"),
        ({"mean": 900, "p95": 2500, "maximum": 2000}, "must not exceed the longest sample"),
        ({"mean": 100, "p95": 900, "maximum": 20_000}, "give the median as well"),
        ({"mean": 0.5, "p95": 900, "maximum": 2000}, "1 token or more"),
        ({"mean": float("nan"), "p95": 900, "maximum": 2000}, "1 token or more"),
        ({"mean": 50, "p95": 900, "maximum": 2000, "median": 800}, "the mean lies between"),
        ({"mean": 50, "p95": 100, "maximum": 2000, "median": 800}, "median must not exceed"),
    ],
)
def test_figures_that_contradict_each_other_are_refused(
    figures: dict[str, float], said: str
) -> None:
    with pytest.raises(InvalidSpec, match=said):
        lengths_from_summary(samples=1000, **figures)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("lengths", "counts"), [([], []), ([1, 2], [1]), ([0], [1]), ([5], [-1]), ([5], [0])]
)
def test_a_histogram_of_nothing_real_is_refused(lengths: list[int], counts: list[int]) -> None:
    with pytest.raises(InvalidSpec):
        Lengths.of(lengths, counts)


def test_unknown_choices_are_refused() -> None:
    lengths = Lengths.of([10], [1])
    with pytest.raises(InvalidSpec, match="unknown packing"):
        count_tokens(lengths, sequence_length=8, packing="dense")
    with pytest.raises(InvalidSpec, match="unknown choice"):
        count_tokens(lengths, sequence_length=8, overlong="keep")
    with pytest.raises(InvalidSpec, match="would be dropped"):
        count_tokens(lengths, sequence_length=8, overlong="drop")
    with pytest.raises(InvalidSpec, match="at least one sequence"):
        count_tokens(lengths, sequence_length=8, packing="padded", micro_batch=0)
    with pytest.raises(InvalidSpec, match="1 or more"):
        count_tokens(lengths, sequence_length=0)
    with pytest.raises(InvalidSpec, match="does not fit"):
        packed_sequences(lengths, 8)


def test_evaluation() -> None:
    assert evaluation_passes(1000, 250) == 4
    assert evaluation_passes(1001, 250) == 5
    assert evaluation_passes(1001, 250, at_end=False) == 4
    assert evaluation_passes(0, None, at_end=False) == 0
    assert evaluation_tokens(1000, 512, 5) == 2_560_000
    with pytest.raises(InvalidSpec):
        evaluation_passes(10, 0)


def test_a_larger_vocabulary_by_hand() -> None:
    # 32,000 + 100 words round up to 32,128 = 502 x 64; 128 new rows in two tables of 4,096
    grown = resized_vocabulary(vocab_size=32_000, hidden_size=4096, tied=False, new_tokens=100)
    assert (grown.size, grown.added_parameters) == (32_128, 2 * 128 * 4096)
    assert (grown.trained_parameters, grown.copied_parameters) == (0, 0)
    both = ("embed_tokens", "lm_head")
    untied = resized_vocabulary(vocab_size=32_000, hidden_size=4096, tied=False, trained=both)
    tied = resized_vocabulary(vocab_size=32_000, hidden_size=4096, tied=True, trained=both)
    assert untied.size == 32_000
    assert untied.trained_parameters == 2 * 32_000 * 4096
    assert tied.trained_parameters == 32_000 * 4096
    assert (
        resized_vocabulary(vocab_size=10, hidden_size=2, tied=True, new_tokens=1).added_parameters
        == 54 * 2
    )
    with pytest.raises(InvalidSpec, match="no table wte"):
        resized_vocabulary(vocab_size=10, hidden_size=2, tied=True, trained=("wte",))
    with pytest.raises(InvalidSpec, match="1 or more"):
        resized_vocabulary(vocab_size=10, hidden_size=0, tied=True)
