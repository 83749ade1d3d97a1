"""What the studies let one expect: exact where it can be worked out, and what must always hold."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.catalog.catalog import Catalog
from app.estimator.accuracy import (
    AccuracyTask,
    is_attention_only,
    prior_belief,
    prior_summary,
    variant_effect,
)
from app.estimator.belief import BASE, FULL, LORA, QLORA, Belief
from app.estimator.constants import constant_values
from app.estimator.evidence import DISTANCE, HeadToHead, TaskGroup
from app.estimator.evidence_model import EvidenceModel, Fits, fit_evidence, fits_of
from tests.estimator.studies import row, task

CONSTANTS = constant_values()
GROUPS = get_args(TaskGroup)
RANKS = (1, 4, 8, 16, 32, 64, 128, 256, 1024)


@pytest.fixture(scope="module")
def published(catalog: Catalog) -> Fits:
    return fits_of(catalog.head_to_heads, CONSTANTS)


@pytest.fixture(scope="module")
def model(catalog: Catalog, published: Fits) -> EvidenceModel:
    return fit_evidence(catalog.head_to_heads, CONSTANTS, published)


def of_group(group: str, rank: int = 16, **changes: object) -> AccuracyTask:
    ranks = {"lora": rank, "qlora": rank}
    return replace(task(group), distance=DISTANCE[group], rank=ranks, **changes)  # type: ignore[arg-type]


def recovery(belief: Belief) -> float:
    return float(belief.expected[LORA] / belief.expected[FULL])


def studies(adapter_less_full: float) -> list[HeadToHead]:
    """Four studies of two kinds of task that all found the same gap."""
    return [
        row(f"s{n}", group, metric=f"m{n}", full=full, adapter=full + adapter_less_full)
        for n, (group, full) in enumerate(
            [("skill", 60.0), ("skill", 70.0), ("narrow", 55.0), ("narrow", 75.0)]
        )
    ]


@pytest.mark.parametrize("group", GROUPS)
def test_rank_up_never_lowers_what_is_kept(group: str, model: EvidenceModel) -> None:
    kept = [recovery(prior_belief(model, of_group(group, rank), CONSTANTS)) for rank in RANKS]
    assert kept == sorted(kept)
    shown = prior_summary(model, of_group(group), CONSTANTS).recovery_by_rank
    means = [found.mean for _, found in shown]
    assert means == sorted(means)


@settings(max_examples=5)
@given(
    gaps=st.lists(st.floats(-25, 10), min_size=2, max_size=5),
    group=st.sampled_from(GROUPS),
    attention=st.booleans(),
)
def test_rank_up_never_lowers_it_whatever_the_studies_say(
    gaps: list[float], group: str, attention: bool
) -> None:
    rows = [row(f"s{n}", adapter=60.0 + gap, rank=4 ** (n % 4)) for n, gap in enumerate(gaps)]
    made = fit_evidence(rows, CONSTANTS)
    targets = {"lora": ("q_proj",) if attention else ("all-linear",)}
    kept = [
        prior_belief(made, of_group(group, rank, targets=targets), CONSTANTS).expected[LORA]
        for rank in RANKS
    ]
    assert all(a <= b + 1e-9 for a, b in pairwise(kept))


@pytest.mark.parametrize("group", GROUPS)
def test_where_lora_equals_full_no_gap_is_expected(group: str) -> None:
    belief = prior_belief(fit_evidence(studies(0.0), CONSTANTS), of_group(group), CONSTANTS)
    assert belief.expected[LORA] == pytest.approx(belief.expected[FULL], abs=1e-9)
    assert belief.expected[QLORA] == pytest.approx(belief.expected[FULL], abs=1e-9)
    # What is not known is still not known.
    apart = belief.spread[FULL, FULL] + belief.spread[LORA, LORA] - 2 * belief.spread[FULL, LORA]
    assert apart > 0


def test_studies_move_the_expectation_their_way() -> None:
    gaps = [
        recovery(prior_belief(fit_evidence(studies(gap), CONSTANTS), of_group("skill"), CONSTANTS))
        for gap in (-8.0, -3.0, 0.0, 2.0)
    ]
    assert gaps == sorted(gaps)
    assert gaps[0] < 0.9 < 1.0 < gaps[-1]


def test_more_studies_that_agree_narrow_what_is_expected() -> None:
    def lowest(n: int) -> float:
        rows = [row(f"s{k}", metric=f"m{k}", adapter=57.0) for k in range(n)]
        return prior_summary(
            fit_evidence(rows, CONSTANTS), of_group("skill"), CONSTANTS
        ).recovery_lora.p10

    assert lowest(1) < lowest(4) < lowest(12)


def test_full_gains_a_share_of_the_errors_left(model: EvidenceModel) -> None:
    """The gain is h (100 - base): a base model with half the errors left gains half as much."""
    low, high = (
        prior_belief(model, of_group("skill", base_points=base), CONSTANTS) for base in (20.0, 60.0)
    )
    assert low.expected[FULL] == pytest.approx(2 * high.expected[FULL])
    summary = prior_summary(model, of_group("skill"), CONSTANTS)
    assert low.expected[FULL] == pytest.approx(80 * summary.error_removed.mean)
    assert low.expected[BASE] == pytest.approx(20.0)
    assert low.spread[BASE, BASE] == pytest.approx(1e4 * 0.2 * 0.8 / 1_000)


def test_qlora_is_lora_with_a_spread_of_its_own(model: EvidenceModel) -> None:
    belief = prior_belief(model, of_group("skill"), CONSTANTS)
    assert belief.expected[QLORA] == pytest.approx(belief.expected[LORA])
    more = belief.spread[QLORA, QLORA] - belief.spread[LORA, LORA]
    assert more == pytest.approx(CONSTANTS["qlora_sd_points"] ** 2)
    apart = belief.spread[QLORA, QLORA] + belief.spread[LORA, LORA] - 2 * belief.spread[LORA, QLORA]
    assert apart == pytest.approx(CONSTANTS["qlora_sd_points"] ** 2)


def test_attention_alone_keeps_less(model: EvidenceModel) -> None:
    everything = recovery(prior_belief(model, of_group("skill"), CONSTANTS))
    attention = recovery(
        prior_belief(model, of_group("skill", targets={"lora": ("q_proj", "v_proj")}), CONSTANTS)
    )
    assert attention < everything
    assert is_attention_only(("q_proj", "o_proj"))
    assert not is_attention_only(("q_proj", "gate_proj"))
    assert not is_attention_only(())


def test_variants_add_their_points(model: EvidenceModel) -> None:
    plain = prior_belief(model, of_group("skill"), CONSTANTS)
    dora = prior_belief(model, of_group("skill", variant="dora"), CONSTANTS)
    assert dora.expected[LORA] - plain.expected[LORA] == pytest.approx(CONSTANTS["variant_points"])
    assert dora.expected[FULL] == plain.expected[FULL]
    assert variant_effect(of_group("rl", variant="pissa"), CONSTANTS)[0] < -10
    assert variant_effect(of_group("rl", variant="dora"), CONSTANTS)[0] == 0


def test_a_company_s_own_studies_count_for_more_than_published_ones(
    model: EvidenceModel, published: Fits
) -> None:
    """One study that found half of the gain lost, published by others and measured by oneself."""

    def kept(study: str) -> float:
        rows = [
            *model.evidence,
            *(row(study, metric=f"own {n}", adapter=50.0, test_set_size=5_000) for n in range(3)),
        ]
        made = fit_evidence(rows, CONSTANTS, published)
        return recovery(prior_belief(made, of_group("skill"), CONSTANTS))

    before = recovery(prior_belief(model, of_group("skill"), CONSTANTS))
    assert kept("own-one") < kept("another") < before


def test_kinds_of_task_without_a_study_borrow_everything(model: EvidenceModel) -> None:
    made = fit_evidence(studies(-3.0), CONSTANTS)
    assert made.borrowed["far"] == made.borrowed["rl"] == 1.0
    assert 0 < made.borrowed["skill"] < 1
    assert fit_evidence([row()], CONSTANTS).borrowed["skill"] == pytest.approx(0.0, abs=1e-9)
    assert fit_evidence((), CONSTANTS).borrowed == dict.fromkeys(GROUPS, 1.0)
    # More studies of its own, and less is borrowed.
    assert model.borrowed["narrow"] < model.borrowed["rl"]


@pytest.mark.parametrize("group", GROUPS)
def test_a_belief_is_one(group: str, model: EvidenceModel) -> None:
    belief = prior_belief(model, of_group(group), CONSTANTS)
    assert belief.weight.sum() == pytest.approx(1.0)
    for covariance in belief.covariance:
        assert np.linalg.eigvalsh(covariance).min() > -1e-9
    assert np.allclose(belief.mean, belief.mean[0])


def test_what_is_known_of_studies_makes_the_same_model(
    catalog: Catalog, model: EvidenceModel
) -> None:
    again = fit_evidence(catalog.head_to_heads, CONSTANTS)
    for one, other in zip(again.loss, model.loss, strict=True):
        assert one.weight == other.weight
        assert (one.mean == other.mean).all()


@pytest.mark.parametrize("group", GROUPS)
def test_a_lower_rank_does_not_widen_the_hope(group: str, model: EvidenceModel) -> None:
    """What is special to a study does not grow where the rank is small: P90 falls with it."""
    shown = prior_summary(model, of_group(group), CONSTANTS).recovery_by_rank
    high = [found.p90 for _, found in shown]
    assert all(a <= b + 0.03 for a, b in pairwise(high))
