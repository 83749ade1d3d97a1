"""The rows of the evidence that speak of plain adapters, as arrays for the fits."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from app.estimator.constants import ConstantValues
from app.estimator.evidence import PLAIN_ADAPTERS, REGIME, HeadToHead, TaskGroup

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

GROUPS: tuple[str, ...] = get_args(TaskGroup)
STEPS_AWAY = {"near": 0.0, "medium": 1.0, "far": 2.0}
"""Assumption: the three distances lie equally far apart."""
REGIMES = ("continued", "rl")
COMMON = ("all", "distance", *REGIMES, *GROUPS)
"""What studies have in common: a level, a slope by distance, what training on plain text or by
reward changes against training on answers, and a deviation of each group."""
REFERENCE_RANK = 16
"""Rank at which a loss is stated, and that a row has which states none."""
RANK_STEPS = (-1.0, 2.0)
"""The effect of rank was measured from 16 to 256 (Biderman et al. 2024, arXiv:2405.09673); it is
not carried beyond, but for one step down."""


@dataclass(frozen=True, slots=True)
class Rows:
    """n rows of one kind as arrays.

    Parameters
    ----------
    keys, study, arm, case, base : of each row; an arm is one kind of task of one study, a case one
        base model and metric in it, a base one score of a base model, stated or not.
    common : loading of each row on what `COMMON` lists. (n, 10)
    value : what was measured. (n,)
    size : what a share is multiplied by to give `value`. (n,)
    steps : rank, in steps of four times, beyond the reference. (n,)
    noise : variance of each row that is known beforehand. (n,)
    doubt : what one standard deviation of the error of the base score does to the value; rows of
        one base share that error. (n,)
    shared_noise : variance of what rows of one cluster share. (n,)
    cluster : rows that were held against the same full model have one number. (n,)
    own : measured by the company itself. (n,)
    """

    keys: tuple[str, ...]
    study: tuple[str, ...]
    arm: tuple[Hashable, ...]
    case: tuple[Hashable, ...]
    base: tuple[Hashable, ...]
    common: Floats
    value: Floats
    size: Floats
    steps: Floats
    noise: Floats
    doubt: Floats
    shared_noise: Floats
    cluster: Indices
    own: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.keys)

    def of_study(self, study: str) -> Indices:
        """Places of the rows of a study."""
        return np.flatnonzero(np.array([name == study for name in self.study], dtype=bool))


def common_loading(group: str, distance: str) -> Floats:
    """Loading of a kind of task on what `COMMON` lists. (10,)"""
    loading = np.zeros(len(COMMON))
    loading[0] = 1.0
    loading[1] = STEPS_AWAY[distance]
    if REGIME[group] in REGIMES:
        loading[COMMON.index(REGIME[group])] = 1.0
    loading[-len(GROUPS) + GROUPS.index(group)] = 1.0
    return loading


def rank_steps(rank: float | None) -> float:
    """Steps of four times the rank beyond the reference rank, within what was measured."""
    if rank is None:
        return 0.0
    steps = np.log(rank / REFERENCE_RANK) / np.log(4)
    return float(np.clip(steps, *RANK_STEPS))


def plain_rows(evidence: Sequence[HeadToHead]) -> list[HeadToHead]:
    """LoRA and QLoRA on the task that was trained."""
    return [row for row in evidence if not row.retention and row.method in PLAIN_ADAPTERS]


def score_variance(points: float, row: HeadToHead, constants: ConstantValues) -> float:
    """Variance that a measured score brings into its difference from another one. [points^2]

    Notes
    -----
    (1 - c) 100^2 p (1 - p) / n for a share of right answers, with half a question added on both
    sides so that a score of 0 or 100 has noise too. Both models of a study answer the same
    questions; c is the correlation of their answers, which a difference does not see. A mark of
    another kind has no such law; its noise is in that of a run.

    References
    ----------
    Miller 2024, "Adding Error Bars to Evals", arXiv:2411.00640 (paired differences).
    """
    if row.metric_kind != "share":
        return 0.0
    n = row.test_set_size or constants["usual_test_questions"]
    p = (points / 100 * n + 0.5) / (n + 1)
    return (1 - constants["paired_questions_correlation"]) * 1e4 * p * (1 - p) / n


def loss_rows(evidence: Sequence[HeadToHead], constants: ConstantValues) -> Rows:
    """Gap of adapter and full, of every plain row: value = gap = -size x loss share. [points]

    Notes
    -----
    size is the gain of full fine-tuning. Where the base score comes from another harness it is
    known to some points only; where there is none, a usual gain stands in for it. A usual loss
    share times what is not known of the gain is the doubt of the row.
    """
    rows = plain_rows(evidence)
    size = np.array([expected_size(row, constants) for row in rows])
    unsure = np.array([_size_error(row, constants) for row in rows])
    usual_loss = np.array([constants[f"usual_loss_{row.distance}"] for row in rows])
    noise = np.array([score_variance(row.adapter, row, constants) for row in rows])
    quantized = np.array([row.method == "qlora" for row in rows])
    noise = noise + np.where(quantized, constants["qlora_sd_points"] ** 2, 0.0)
    return _rows(
        rows,
        value=np.array([row.adapter - row.full for row in rows]),
        size=-size * _attention(rows, constants),
        steps=np.array([rank_steps(row.rank) for row in rows]),
        noise=noise,
        doubt=usual_loss * unsure,
        shared_noise=np.array([_full_variance(row, constants) for row in rows]),
    )


def _full_variance(row: HeadToHead, constants: ConstantValues) -> float:
    """Variance of the score of full fine-tuning; larger where another team trained it."""
    elsewhere = 0.0 if row.full_same_study else constants["foreign_base_sd_points"] ** 2
    return score_variance(row.full, row, constants) + elsewhere


def expected_size(row: HeadToHead, constants: ConstantValues) -> float:
    """Gain of full fine-tuning of a row, or the usual one where no base is stated. [points]"""
    return constants["usual_gain_points"] if row.base is None else row.full - row.base


def _size_error(row: HeadToHead, constants: ConstantValues) -> float:
    if row.base is None:
        return constants["usual_gain_sd_points"]
    return 0.0 if row.base_same_harness else constants["foreign_base_sd_points"]


def _attention(rows: Sequence[HeadToHead], constants: ConstantValues) -> Floats:
    only = np.array([row.attention_only for row in rows], dtype=bool)
    return np.where(only, constants["attention_only_loss_factor"], 1.0)


def gain_rows(evidence: Sequence[HeadToHead], constants: ConstantValues) -> Rows:
    """Share of the base model's errors that full fine-tuning removed; one row a full model.

    Notes
    -----
    Only for shares of right answers, whose base was measured by the study itself or is at least
    stated, and where enough errors were left to be a share of.
    """
    seen: dict[Hashable, HeadToHead] = {}
    for row in evidence:
        if row.retention or row.base is None or row.metric_kind != "share":
            continue
        if 100 - row.base >= constants["least_errors_for_gain_points"]:
            seen.setdefault(row.shared_full, row)
    rows = list(seen.values())
    room = np.array([100 - (row.base or 0.0) for row in rows])
    noise = np.array(
        [
            score_variance(row.full, row, constants)
            + score_variance(row.base or 0.0, row, constants)
            for row in rows
        ]
    )
    foreign = np.array([_size_error(row, constants) for row in rows])
    return _rows(
        rows,
        value=np.array([row.full - (row.base or 0.0) for row in rows]) / room,
        size=np.ones(len(rows)),
        steps=np.zeros(len(rows)),
        noise=noise / room**2,
        doubt=foreign / room,
        shared_noise=np.zeros(len(rows)),
    )


def arm_of(row: HeadToHead) -> tuple[str, ...]:
    """One kind of task of one study."""
    return (row.study, row.group, row.domain)


def _rows(
    rows: Sequence[HeadToHead],
    *,
    value: Floats,
    size: Floats,
    steps: Floats,
    noise: Floats,
    doubt: Floats,
    shared_noise: Floats,
) -> Rows:
    numbers: dict[Hashable, int] = {}
    cluster = [numbers.setdefault(row.shared_full, len(numbers)) for row in rows]
    loading = [common_loading(row.group, row.distance) for row in rows]
    return Rows(
        keys=tuple(row.key for row in rows),
        study=tuple(row.study for row in rows),
        arm=tuple(arm_of(row) for row in rows),
        case=tuple((*arm_of(row), row.base_model, row.metric) for row in rows),
        base=tuple((row.base_model, row.metric, row.base) for row in rows),
        common=np.array(loading).reshape(len(rows), len(COMMON)),
        value=np.asarray(value, dtype=np.float64),
        size=np.asarray(size, dtype=np.float64),
        steps=np.asarray(steps, dtype=np.float64),
        noise=np.asarray(noise, dtype=np.float64),
        doubt=np.asarray(doubt, dtype=np.float64),
        shared_noise=np.asarray(shared_noise, dtype=np.float64),
        cluster=np.array(cluster, dtype=np.intp),
        own=np.array([row.is_own for row in rows], dtype=bool),
    )
