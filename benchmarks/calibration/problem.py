"""The rows that are fitted: what each run has to do and hold, and what was measured."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from app.catalog.catalog import Catalog
from app.estimator.calibration import ALLOCATED, RESERVED, TIME
from app.estimator.communication import Messages
from app.estimator.constants import CONSTANTS, ConstantValues, constant_values
from app.estimator.errors import EstimatorError
from app.estimator.measured import SPEED_METRIC, MeasuredRun
from app.estimator.memory import Footprint, footprint, peak_memory
from app.estimator.observed import observe
from app.estimator.prediction import family, hard_share, memory_figures, soft_share
from app.estimator.throughput import step_times, tokens_per_s_per_gpu
from app.estimator.units import GIB
from app.estimator.work import Work, joined, step_work
from app.services.measured_facts import UnknownFact, accelerator_of, architecture_of

Floats = NDArray[np.float64]
Strings = NDArray[np.str_]
Mask = NDArray[np.bool_]

TARGET_OF = {
    "peak_allocated_gib": ALLOCATED,
    "peak_reserved_gib": RESERVED,
    "smi_gib": RESERVED,
    "peak_unspecified_gib": RESERVED,
    SPEED_METRIC: TIME,
}


@dataclass(frozen=True, slots=True)
class Rows:
    """Measured rows of one kind, as arrays of length n.

    Parameters
    ----------
    inputs : `Work` for time, `Footprint` for memory.
    measured : tokens/s, or GiB.
    metric, source, group, chip, grade, method, framework, run : of each row. A group is a model on
        a GPU with a method in a source; a chip one of `CHIPS`.
    card_bytes : memory of the card. [bytes]
    """

    inputs: Work | Footprint
    measured: Floats
    metric: Strings
    source: Strings
    group: Strings
    chip: Strings
    grade: Strings
    method: Strings
    framework: Strings
    run: Strings
    card_bytes: Floats

    def __len__(self) -> int:
        return len(self.measured)

    def take(self, mask: Mask) -> Rows:
        """The rows that a mask says."""
        values = {f.name: getattr(self, f.name)[mask] for f in fields(Rows) if f.name != "inputs"}
        return Rows(inputs=_taken(self.inputs, mask), **values)

    def predict(self, constants: ConstantValues) -> Floats:
        """Predictions in the unit of `measured`. (n,)"""
        if isinstance(self.inputs, Work):
            return tokens_per_s_per_gpu(self.inputs, step_times(self.inputs, constants))
        figures = memory_figures(peak_memory(self.inputs, constants), self.card_bytes)
        return np.select([self.metric == key for key in figures], list(figures.values())) / GIB

    def hard(self, constants: ConstantValues) -> Floats:
        """The share of each row that is hard to predict. (n,)"""
        if isinstance(self.inputs, Work):
            return hard_share(step_times(self.inputs, constants))
        return soft_share(peak_memory(self.inputs, constants))

    @property
    def target(self) -> Strings:
        """What the residuals of each row are of."""
        return np.array([TARGET_OF[str(metric)] for metric in self.metric])


def _taken(inputs: Work | Footprint, mask: Mask) -> Work | Footprint:
    values = {}
    for field in fields(inputs):
        value = getattr(inputs, field.name)
        if isinstance(value, Messages):
            values[field.name] = Messages(*(getattr(value, f.name)[mask] for f in fields(Messages)))
        else:
            values[field.name] = value[mask]
    return type(inputs)(**values)


def time_and_memory_rows(
    runs: Iterable[MeasuredRun], catalog: Catalog
) -> tuple[Rows, Rows, dict[str, str]]:
    """All rows that can be predicted, and why the other runs cannot."""
    work: list[Work] = []
    held: list[Footprint] = []
    about: dict[str, list[tuple[object, ...]]] = {"time": [], "memory": []}
    skipped: dict[str, str] = {}
    for run in runs:
        try:
            accelerator = accelerator_of(run, catalog)
            architecture = architecture_of(run, catalog, {})
            seen = observe(run, architecture, accelerator)
        except (UnknownFact, EstimatorError) as error:
            skipped[run.run] = str(error)
            continue
        method = family(seen.method.key)
        group = "|".join((run.source, run.model, run.gpu, run.method))
        key = (
            run.source,
            group,
            accelerator.chip,
            method,
            run.framework,
            run.run,
            accelerator.memory_bytes,
        )
        for row in run.scored:
            # A speed in real tokens is fitted as one in computed tokens.
            value = row.value / (seen.real_share if row.metric == SPEED_METRIC else 1.0)
            common = (value, row.metric, row.quality, *key)
            if row.metric == SPEED_METRIC:
                work.append(
                    step_work(
                        architecture,
                        seen.method,
                        seen.software,
                        seen.fleet,
                        seen.plans,
                        seen.computed_length,
                        seen.virtual_pipeline,
                    )
                )
                about["time"].append(common)
            else:
                held.append(
                    footprint(
                        architecture, seen.method, seen.software, seen.plans, seen.sequence_length
                    )
                )
                about["memory"].append(common)
    together = Footprint(
        *(np.concatenate([getattr(f, field.name) for f in held]) for field in fields(Footprint))
    )
    return _rows(joined(work), about["time"]), _rows(together, about["memory"]), skipped


def _rows(inputs: Work | Footprint, about: list[tuple[object, ...]]) -> Rows:
    measured, metric, grade, source, group, chip, method, framework, run, card = (
        np.array(column) for column in zip(*about, strict=True)
    )
    return Rows(
        inputs,
        measured,
        metric,
        source,
        group,
        chip,
        grade,
        method,
        framework,
        run,
        card.astype(float),
    )


def fitted_keys(rows: Rows) -> list[str]:
    """Constants that rows of this kind speak of."""
    from app.estimator.constants.memory import MEMORY_CONSTANTS
    from app.estimator.constants.time import TIME_CONSTANTS

    kind = TIME_CONSTANTS if isinstance(rows.inputs, Work) else MEMORY_CONSTANTS
    return [constant.key for constant in kind if constant.kind == "fitted"]


def with_fitted(keys: list[str], logarithms: Floats) -> ConstantValues:
    """All constants with these values for the fitted ones."""
    return constant_values(dict(zip(keys, np.exp(logarithms).tolist(), strict=True)))


def priors(keys: list[str]) -> tuple[Floats, Floats]:
    """Centres and standard deviations of the logarithms. (k,), (k,)"""
    centre = np.log([CONSTANTS[key].value for key in keys])
    return centre, np.array([CONSTANTS[key].prior_log_sd for key in keys])
