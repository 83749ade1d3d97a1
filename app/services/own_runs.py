"""Use case: somebody's own runs against our predictions, beside those of the published runs."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from app.catalog.catalog import Catalog
from app.catalog.measured import own_runs, read_measured
from app.catalog.tables import CatalogError
from app.estimator.recalibration import Multiplier, Pair, Spread, recalibrate, spread_of
from app.services.measured_facts import Config, config_name
from app.services.problems import MOST_PROBLEMS, InputProblems, Problem
from app.services.slots import CHECKS
from app.services.validation import Predictor, ValidationReport, validate

MOST_CONFIGS = 100


@dataclass(frozen=True, slots=True)
class Published:
    """The published runs against our predictions.

    Parameters
    ----------
    spreads : how much their sources differ, by kind (time, memory).
    """

    report: ValidationReport
    spreads: dict[str, Spread]


@dataclass(frozen=True, slots=True)
class Check:
    """Own runs against our predictions, and the factors that they suggest, by kind."""

    report: ValidationReport
    multipliers: dict[str, Multiplier]


class ValidationService:
    """Holds measured runs against predictions; the published ones once a process.

    Parameters
    ----------
    predict : what predicts a run; by default the estimator with the catalogue's calibration.
    """

    def __init__(self, catalog: Catalog, predict: Predictor | None = None) -> None:
        self._catalog = catalog
        self._predict = predict
        self._lock = threading.Lock()
        self._published: Published | None = None

    def published(self) -> Published:
        """The runs that we ship; computed at the first call, kept after that."""
        with self._lock:
            if self._published is None:
                report = validate(own_runs(), self._catalog, predict=self._predict)
                self._published = Published(report, spread_of(pairs_of(report)))
            return self._published

    def check(self, cases: bytes, name: str, configs: Mapping[str, bytes]) -> Check:
        """Hold own runs against our predictions.

        Parameters
        ----------
        cases : the CSV file, as `read_measured` takes it.
        name : what to call it in messages.
        configs : contents of ``config.json`` files by file name, ``ORG__NAME.json``.

        Raises
        ------
        InputProblems : the file or a configuration cannot be used; with all problems.
        Busy : too many checks are under way for too long.
        """
        problems: list[Problem] = []
        models = _read_configs(configs, problems)
        try:
            runs = read_measured(cases, name)
        except CatalogError as error:
            problems += [Problem("/cases", f"{text}.") for text in error.problems]
        if problems:
            raise InputProblems(problems[:MOST_PROBLEMS])
        spreads = self.published().spreads
        with CHECKS.one():
            report = validate(runs, self._catalog, models, self._predict)
        return Check(report, recalibrate(pairs_of(report), spreads))


def pairs_of(report: ValidationReport) -> list[Pair]:
    """The rows that were predicted, as a re-calibration takes them."""
    return [
        Pair(row.measured, row.predicted, row.metric, row.method, row.run, row.source)
        for row in report.rows
        if row.predicted is not None
    ]


def _read_configs(contents: Mapping[str, bytes], problems: list[Problem]) -> dict[str, Config]:
    """The configurations by model, as far as they are JSON objects."""
    if len(contents) > MOST_CONFIGS:
        problems.append(
            Problem("/configs", f"{len(contents)} files are too many; give up to {MOST_CONFIGS}.")
        )
        return {}
    configs: dict[str, Config] = {}
    for name, content in contents.items():
        try:
            read = json.loads(content)
        except (ValueError, RecursionError):
            read = None
        if isinstance(read, dict):
            configs[config_name(name)] = read
        else:
            problems.append(
                Problem("/configs", f"{name} holds no JSON object; give the model's config.json.")
            )
    return configs
