"""Use case: what the studies let one expect of each kind of task, and what own studies change."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from app.catalog.catalog import Catalog
from app.estimator.accuracy import AccuracyTask, PriorSummary, prior_summary
from app.estimator.constants import ConstantValues, constant_values
from app.estimator.evidence import DISTANCE, HeadToHead
from app.estimator.evidence_model import EvidenceModel
from app.services.evidence_fits import fitted
from app.services.slots import FITS

SHOWN_RANK = 16
"""Rank at which an expectation is stated where none was asked for."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What to expect of one more study of a kind of task."""

    group: str
    summary: PriorSummary


@dataclass(frozen=True, slots=True)
class Effect:
    """What own studies do to the expectation of a kind of task.

    Parameters
    ----------
    own_rows : rows of theirs that are of this kind. [count]
    """

    group: str
    own_rows: int
    before: PriorSummary
    after: PriorSummary


def expectations_of(model: EvidenceModel, constants: ConstantValues) -> tuple[Expectation, ...]:
    """What the model expects of every kind of task, at the usual distance and `SHOWN_RANK`."""
    return tuple(
        Expectation(group, prior_summary(model, _task(group), constants)) for group in DISTANCE
    )


def _task(group: str) -> AccuracyTask:
    # Shares do not depend on the base score; half the answers right stands for any.
    return AccuracyTask(
        group=group,
        distance=DISTANCE[group],
        base_points=50.0,
        test_set_size=1_000,
        tokens_per_run=0.0,
        examples=0,
        trainable_parameters={},
        rank={"lora": SHOWN_RANK},
        targets={"lora": ()},
    )


class Expectations:
    """Expectations by the same fits that estimates rest on; own studies beside them when asked."""

    def __init__(self, catalog: Catalog) -> None:
        self._rows = catalog.head_to_heads
        self._constants = constant_values(catalog.calibration.constants)
        self._lock = threading.Lock()
        self._published: tuple[Expectation, ...] | None = None

    def published(self) -> tuple[Expectation, ...]:
        """By the studies that we ship; computed at the first call, kept after that."""
        with self._lock:
            if self._published is None:
                model = fitted(self._rows, (), self._constants)
                self._published = expectations_of(model, self._constants)
            return self._published

    def effects(self, own: Sequence[HeadToHead]) -> tuple[Effect, ...]:
        """What a company's own studies change.

        Raises
        ------
        Busy : too many fits are under way for too long.
        """
        before = self.published()
        with FITS.one():
            model = fitted(self._rows, tuple(own), self._constants)
            after = expectations_of(model, self._constants)
        return tuple(
            Effect(
                group=old.group,
                own_rows=sum(row.group == old.group for row in own),
                before=old.summary,
                after=new.summary,
            )
            for old, new in zip(before, after, strict=True)
        )
