"""The accuracy prior on hand-made studies, where the answer is known."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.catalog.catalog import Catalog
from app.estimator.accuracy import draw_accuracy, prior_of, study_weights
from app.estimator.adapters import ALL_LINEARS, Adapters
from app.estimator.constants import ConstantValues, constant_values
from app.estimator.evidence import HeadToHead, TaskGroup
from app.estimator.methods import Method

TASK_GROUPS = get_args(TaskGroup)

FULL = Method("full")


def lora(rank: int = 16) -> Method:
    return Method("lora", Adapters(rank, ALL_LINEARS))


def qlora(rank: int = 16) -> Method:
    return Method("qlora", Adapters(rank, ALL_LINEARS))


def row(study: str, group: str = "skill", **changes: Any) -> HeadToHead:
    """One comparison: 40 before, 60 after full fine-tuning, 55 after LoRA of rank 16."""
    fields: dict[str, Any] = {
        "key": "r",
        "study": study,
        "group": group,
        "domain": "code",
        "base_model": "m",
        "metric": "accuracy",
        "metric_kind": "share",
        "method": "lora",
        "rank": 16,
        "targets": "all-linear",
        "base": 40.0,
        "full": 60.0,
        "adapter": 55.0,
        "retention": False,
        "base_same_harness": True,
        "locator": "table 1",
    }
    return HeadToHead(**(fields | changes))


def drawn(
    rows: list[HeadToHead],
    methods: list[Method],
    *,
    group: str = "skill",
    base: float = 50.0,
    size: int = 10**9,
    draws: int = 2000,
    seed: int = 1,
    changes: dict[str, float] | None = None,
) -> tuple[np.ndarray[Any, Any], dict[str, np.ndarray[Any, Any]]]:
    values = constant_values(changes or {})
    return draw_accuracy(
        prior_of(rows, group, values),
        group,
        methods,
        base,
        size,
        draws,
        np.random.default_rng(seed),
        values,
    )


evidence = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.sampled_from(TASK_GROUPS)), min_size=1, max_size=40
).map(lambda pairs: [row(study, group) for study, group in pairs])


@given(rows=evidence, group=st.sampled_from(TASK_GROUPS))
def test_every_study_of_the_group_weighs_the_same(rows: list[HeadToHead], group: str) -> None:
    weight, studies, others = study_weights(rows, group)
    own: dict[str, float] = defaultdict(float)
    other: dict[str, float] = defaultdict(float)
    for r, w in zip(rows, weight, strict=True):
        (own if r.group == group else other)[r.study] += w
    assert weight.sum() == pytest.approx(1)
    assert (weight > 0).all()
    assert studies == len(own)
    # One pseudo-study stands for all the others, which weigh the same among themselves.
    share = 1 / (len(own) + 1) if other else 1 / max(len(own), 1)
    assert list(own.values()) == pytest.approx([share] * len(own))
    assert others == pytest.approx(sum(other.values()))
    assert list(other.values()) == pytest.approx([others / max(len(other), 1)] * len(other))
    if own and other:
        assert others == pytest.approx(1 / (len(own) + 1))
    # Two rows of one study in one group weigh the same.
    assert len({(r.study, r.group): set() for r in rows}) >= len(set(weight.round(12)))


@pytest.mark.parametrize("group", TASK_GROUPS)
def test_the_real_evidence_is_weighed_so(
    catalog: Catalog, constants: ConstantValues, group: str
) -> None:
    prior = prior_of(catalog.head_to_heads, group, constants)
    assert prior.weight.sum() == pytest.approx(1)
    assert prior.others == pytest.approx(1 / (prior.studies + 1))
    assert prior.studies >= 1


def test_only_plain_adapters_on_the_trained_task_speak(constants: ConstantValues) -> None:
    rows = [row("a"), row("b", retention=True), row("c", method="dora"), row("d", method="qlora")]
    prior = prior_of(rows, "skill", constants)
    assert len(prior.weight) == prior.studies == 2


def test_one_study_worked_by_hand() -> None:
    # Full removes (60 - 40) / (100 - 40) = 1/3 of the errors; LoRA keeps (55 - 40) / 20 = 0.75.
    _, final = drawn([row("a")], [FULL, lora()], base=70.0)
    assert final["full"] == pytest.approx(70 + 30 / 3, abs=0.02)
    assert final["lora"] == pytest.approx(70 + 0.75 * 10, abs=0.02)
    # Four times the rank adds 0.12 of the gain; sixteen times twice that, and no more beyond.
    for rank, share in ((64, 0.87), (256, 0.99), (4096, 0.99), (4, 0.63), (1, 0.51)):
        _, final = drawn([row("a")], [lora(rank)], base=70.0)
        assert final["lora"] == pytest.approx(70 + share * 10, abs=0.02)


def test_a_row_without_a_base_speaks_through_its_gap() -> None:
    rows = [row("a"), row("b", base=None, full=80.0, adapter=77.0)]
    _, final = drawn(rows, [FULL, lora()], base=70.0)
    gaps = set((final["full"] - final["lora"]).round(1))
    assert gaps == {2.5, 3.0}


def test_a_gain_within_noise_is_no_ratio() -> None:
    """LoRA 2 points above full, which gained 1: a gap of 2, not three times the gain."""
    rows = [row("a", full=41.0, adapter=43.0)]
    _, final = drawn(rows, [FULL, lora()], base=40.0)
    assert final["lora"] - final["full"] == pytest.approx(2.0, abs=1e-3)


def test_a_loss_is_not_read_as_a_share_of_a_gain() -> None:
    """Where full fine-tuning lost ten points and LoRA two, LoRA did not keep a fifth of a gain."""
    harmed = row("a", base=50.0, full=40.0, adapter=48.0)
    usual = row("a", base=50.0, full=70.0, adapter=70.0)
    base, final = drawn([harmed, usual], [FULL, lora()], base=50.0)
    gained = final["full"] > base + 1
    assert gained.any()
    # Both rows say that LoRA is at least as good.
    assert (final["lora"][gained] >= final["full"][gained] - 1e-3).all()


def test_equal_rows_give_no_gap() -> None:
    rows = [row("a", full=f, adapter=f) for f in (45.0, 60.0, 90.0)]
    rows += [row("b", base=None, full=30.0, adapter=30.0), row("c", group="far", adapter=60.0)]
    _, final = drawn(rows, [FULL, lora()], size=200)
    assert final["lora"] == pytest.approx(final["full"], abs=1e-9)


@given(
    group=st.sampled_from(TASK_GROUPS),
    ranks=st.tuples(st.integers(1, 512), st.integers(1, 512)).map(sorted),
    base=st.floats(5, 95),
)
@hypothesis_settings(max_examples=40)
def test_more_rank_never_lowers_the_expected_accuracy(
    catalog: Catalog, group: str, ranks: list[int], base: float
) -> None:
    rows = list(catalog.head_to_heads)
    less, more = (
        drawn(rows, [lora(rank)], group=group, base=base, draws=1000)[1]["lora"].mean()
        for rank in ranks
    )
    assert more >= less - 1e-9


@given(
    group=st.sampled_from(TASK_GROUPS),
    base=st.floats(0, 100),
    size=st.integers(10, 10_000),
    seed=st.integers(0, 2**32 - 1),
)
@hypothesis_settings(max_examples=40)
def test_accuracy_stays_between_nothing_and_everything(
    catalog: Catalog, group: str, base: float, size: int, seed: int
) -> None:
    before, final = drawn(
        list(catalog.head_to_heads),
        [FULL, lora(64), qlora()],
        group=group,
        base=base,
        size=size,
        seed=seed,
        draws=1000,
    )
    for points in (before, *final.values()):
        assert ((points >= 0) & (points <= 100)).all()


def test_the_base_is_known_better_from_a_larger_test_set() -> None:
    spread = [
        drawn([row("a")], [FULL], base=64.0, size=n, draws=20_000)[0].std()
        for n in (100, 400, 10_000)
    ]
    # sqrt(0.64 x 0.36 / n) = 0.48 / sqrt(n)
    assert spread == pytest.approx([4.8, 2.4, 0.48], rel=0.03)


def test_the_same_seed_gives_the_same_bits() -> None:
    rows = [row("a"), row("b", adapter=61.0), row("c", group="far")]
    once, again, other = (
        drawn(rows, [FULL, lora(), qlora()], size=100, seed=seed) for seed in (7, 7, 8)
    )
    assert once[0].tobytes() == again[0].tobytes()
    assert {k: v.tobytes() for k, v in once[1].items()} == {
        k: v.tobytes() for k, v in again[1].items()
    }
    assert once[0].tobytes() != other[0].tobytes()


def test_qlora_is_lora_with_noise() -> None:
    rows = [row("a")]
    _, final = drawn(rows, [lora(), qlora()], draws=20_000)
    difference = final["qlora"] - final["lora"]
    assert difference.mean() == pytest.approx(0, abs=0.03)
    assert difference.std() == pytest.approx(1.1, rel=0.03)
    _, quiet = drawn(rows, [lora(), qlora()], changes={"qlora_sd_points": 0.0})
    assert quiet["qlora"] == pytest.approx(quiet["lora"])


def test_a_nearly_perfect_base_says_little_about_errors_removed(
    catalog: Catalog, constants: ConstantValues
) -> None:
    """97.7 before and 96.4 after are noise; at a base of 60 they must not become 20 points lost."""
    for group in TASK_GROUPS:
        _, final = drawn(list(catalog.head_to_heads), [FULL], group=group, base=60.0, draws=5000)
        assert final["full"].min() > 50
