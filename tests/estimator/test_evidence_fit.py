"""The mixed model against the same model written out as one dense normal distribution."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from app.estimator.constants import constant_values
from app.estimator.evidence import HeadToHead
from app.estimator.evidence_fit import PARAMETERS, Prior, grid_of, informations, posterior
from app.estimator.evidence_model import fit_of
from app.estimator.evidence_rows import COMMON, Rows, loss_rows
from tests.estimator.studies import one_setting, row

Floats = NDArray[np.float64]
CONSTANTS = constant_values()

STUDIES = (
    # Two ranks against one full model, and a second size of the data.
    row("one", full=60.0, adapter=55.0),
    row("one", full=60.0, adapter=57.0, rank=64),
    row("one", full=66.0, adapter=58.0, train_tokens=10**9),
    # Another metric whose base another team measured; a second kind of task in the same study.
    row("one", metric="other", base=30.0, full=44.0, adapter=43.0, base_same_harness=False),
    row("one", metric="other", base=30.0, full=48.0, adapter=44.0, base_same_harness=False),
    row("one", "narrow", domain="sql", full=80.0, adapter=80.5),
    # No base at all, and attention alone.
    row("two", "far", base=None, full=58.0, adapter=49.0),
    row("two", "far", base=None, full=58.0, adapter=48.0, targets="q+v", method="qlora"),
    row("own-three", "skill", full=70.0, adapter=69.0),
    row("own-three", "skill", full=72.0, adapter=69.5, metric="second"),
)  # fmt: skip


def dense(rows: Rows, prior: Prior) -> tuple[Floats, Floats]:
    """Mean and covariance of the values and the parameters together, by definition.

    Every effect is a column of its own with its variance; nothing is integrated.
    """
    (study_sd,), (arm_sd,) = prior.study[0], prior.arm_value[0]
    (row_sd,), (run_sd,), (factor,) = prior.row[0], prior.run[0], prior.factor
    n = len(rows)
    size = rows.size
    at_rank = size * factor**rows.steps
    own = rows.own.astype(float)
    columns: list[tuple[Floats, float]] = [
        (rows.common[:, p] * at_rank, prior.sd[p] ** 2) for p in range(len(COMMON))
    ]
    columns.append((own * size, prior.own_share * study_sd**2))
    columns.append((own, prior.own_share * arm_sd**2))
    fresh = np.where(rows.own, 1 - prior.own_share, 1.0)
    for study in dict.fromkeys(rows.study):
        mine = np.array([name == study for name in rows.study])
        columns.append((mine * size * np.sqrt(fresh * prior.between_studies), study_sd**2))
    for arm in dict.fromkeys(rows.arm):
        mine = np.array([name == arm for name in rows.arm])
        columns.append((mine * size * np.sqrt(fresh * (1 - prior.between_studies)), study_sd**2))
        columns.append((mine * np.sqrt(fresh), arm_sd**2))
    for case in dict.fromkeys(rows.case):
        mine = np.array([name == case for name in rows.case])
        columns.append((mine * size, prior.between_cases * row_sd**2))
    for study, base in dict.fromkeys(zip(rows.study, rows.base, strict=True)):
        mine = np.array(
            [(s, b) == (study, base) for s, b in zip(rows.study, rows.base, strict=True)]
        )
        columns.append((mine * rows.doubt, 1.0))
    for cluster in np.unique(rows.cluster):
        mine = rows.cluster == cluster
        columns.append((1.0 * mine, float(rows.shared_noise[mine].mean()) + run_sd**2))
    for i in range(n):
        alone = np.zeros(n)
        alone[i] = 1.0
        columns.append((alone * size, (1 - prior.between_cases) * row_sd**2))
        columns.append((alone, run_sd**2 + rows.noise[i]))
    design = np.array([column for column, _ in columns]).T
    variance = np.diag([v for _, v in columns])
    effects = np.zeros((PARAMETERS, len(columns)))
    effects[:, :PARAMETERS] = np.eye(PARAMETERS)
    everything = np.vstack([design, effects])
    mean = np.concatenate([prior.mean, np.zeros(len(columns) - len(COMMON))])
    return everything @ mean, everything @ variance @ everything.T


def conditioned(rows: Rows, prior: Prior) -> tuple[Floats, Floats, float]:
    """Mean and covariance of the parameters, and the logarithm of the density of the values."""
    mean, covariance = dense(rows, prior)
    n = len(rows)
    apart = rows.value - mean[:n]
    inside = covariance[:n, :n]
    gain = np.linalg.solve(inside, covariance[:n, n:]).T
    sign, size = np.linalg.slogdet(inside)
    assert sign > 0
    density = -(apart @ np.linalg.solve(inside, apart) + size) / 2
    return mean[n:] + gain @ apart, covariance[n:, n:] - gain @ covariance[:n, n:], float(density)


PRIORS = {
    "usual": one_setting(),
    "nothing between": one_setting(between_studies=0.0, between_cases=0.0),
    "all between": one_setting(between_studies=1.0, between_cases=1.0, factor=(1.0,)),
    "with a mean": one_setting(mean=np.linspace(-0.2, 0.4, len(COMMON))),
}


@pytest.mark.parametrize("prior", PRIORS.values(), ids=list(PRIORS))
def test_parameters_are_those_of_the_dense_model(prior: Prior) -> None:
    rows = loss_rows(STUDIES, CONSTANTS)
    grid = grid_of(prior)
    found = posterior(informations(rows, prior, grid, {}), prior, grid)
    mean, covariance, _ = conditioned(rows, prior)
    assert found.mean[0] == pytest.approx(mean, abs=1e-8)
    assert found.covariance[0] == pytest.approx(covariance, abs=1e-8)


@pytest.mark.parametrize(
    "changed",
    [
        {"study": ((0.2, 0.5), 0.4)},
        {"arm_value": ((0.5, 1.5), 3.0)},
        {"row": ((0.1, 0.3), 0.3)},
        {"run": ((0.8, 2.0), 3.0)},
        {"factor": (0.6, 0.8)},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_settings_weigh_by_the_density_of_the_values(changed: dict[str, Any]) -> None:
    rows = loss_rows(STUDIES, CONSTANTS)
    both = one_setting(**changed)
    grid = grid_of(both)
    weight = posterior(informations(rows, both, grid, {}), both, grid).weight
    ((name, levels),) = changed.items()
    values = levels if name == "factor" else levels[0]
    density = []
    for value in values:
        alone = one_setting(**{name: (value,) if name == "factor" else ((value,), levels[1])})
        density.append(conditioned(rows, alone)[2])
    expected = density[1] - density[0] + grid.log_prior[1] - grid.log_prior[0]
    assert np.log(weight[1] / weight[0]) == pytest.approx(expected, abs=1e-6)


def test_a_study_left_out_is_as_if_it_had_never_been() -> None:
    prior = one_setting(study=((0.1, 0.3), 0.4), row=((0.1, 0.2), 0.3))
    every = fit_of(loss_rows(STUDIES, CONSTANTS), prior)
    kept = [found for found in STUDIES if found.study != "one"]
    alone = fit_of(loss_rows(kept, CONSTANTS), prior)
    left, fresh = every.without("one"), alone.without()
    assert left.weight == pytest.approx(fresh.weight, abs=1e-9)
    assert left.mean == pytest.approx(fresh.mean, abs=1e-9)
    assert left.covariance == pytest.approx(fresh.covariance, abs=1e-9)


def test_the_order_of_rows_and_studies_does_not_matter() -> None:
    prior = one_setting(study=((0.1, 0.3), 0.4))
    one = fit_of(loss_rows(STUDIES, CONSTANTS), prior).without()
    other = fit_of(loss_rows(STUDIES[::-1], CONSTANTS), prior).without()
    assert one.mean == pytest.approx(other.mean, abs=1e-9)
    assert one.weight == pytest.approx(other.weight, abs=1e-9)


def _level(rows: list[HeadToHead], prior: Prior) -> tuple[float, float]:
    found = fit_of(loss_rows(rows, CONSTANTS), prior).without()
    return float(found.mean[0, 0]), float(found.covariance[0, 0, 0])


def test_many_rows_of_one_study_say_little_more_than_a_few() -> None:
    """Nothing is as well known as the study differs from others: 0.2^2 in variance."""
    prior = one_setting()
    sizes = {}
    for n in (1, 4, 100):
        rows = [row("one", metric=f"m{i}", full=60.0 + 0.1 * i) for i in range(n)]
        sizes[n] = _level(rows, prior)[1]
    assert sizes[1] > sizes[4] > sizes[100]
    two = _level([row("one"), row("two")], prior)[1]
    assert two < sizes[100]


def test_a_study_counts_as_so_many_rows_at_most() -> None:
    rows = [row("one", metric=f"m{i}", full=60.0 + 0.1 * i) for i in range(40)]
    free = _level(rows, one_setting())[1]
    held = _level(rows, one_setting(most_rows=4.0))[1]
    assert held > free


def test_a_study_that_scatters_speaks_softly() -> None:
    """Of two studies that say the opposite, the one whose rows disagree counts for less."""
    widths = ((0.3, 0.3), (1.0, 0.4), (3.5, 0.3))
    calm = [row("calm", metric=f"m{i}", adapter=50.0) for i in range(6)]
    wild = [row("wild", metric=f"m{i}", adapter=60.0 + (9 if i % 2 else -9)) for i in range(6)]
    alike, _ = _level([*calm, *wild], one_setting())
    mixed, _ = _level([*calm, *wild], one_setting(widths=widths))
    # A loss of half a gain by the calm one, of none by the wild one.
    assert mixed > alike


def test_components_have_one_mean_and_the_covariance_of_the_whole() -> None:
    prior = one_setting(study=((0.05, 0.2, 0.4), 0.4), run=((0.5, 1.5), 3.0))
    found = fit_of(loss_rows(STUDIES, CONSTANTS), prior).without()
    parts = found.components
    assert sum(part.weight for part in parts) == pytest.approx(1.0)
    mean = found.weight @ found.mean
    apart = found.mean - mean
    whole = np.einsum("g,gij->ij", found.weight, found.covariance)
    whole = whole + np.einsum("g,gi,gj->ij", found.weight, apart, apart)
    for part in parts:
        assert part.mean == pytest.approx(mean)
    together = np.sum([part.weight * part.covariance for part in parts], axis=0)
    # Settings of next to no weight are left out.
    assert together == pytest.approx(whole, rel=1e-3, abs=1e-5)


def test_without_a_study_the_prior_is_left() -> None:
    prior = one_setting(mean=np.full(len(COMMON), 0.1))
    found = fit_of(loss_rows((), CONSTANTS), prior).without()
    assert found.mean[0, : len(COMMON)] == pytest.approx(0.1)
    assert np.diag(found.covariance[0])[: len(COMMON)] == pytest.approx(0.16)
