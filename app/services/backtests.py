"""Use case: how the accuracy model does on studies that it has not seen."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from app.catalog.catalog import Catalog
from app.catalog.study_cases import StudyCases
from app.estimator.backtest import Collection
from app.estimator.backtest_figures import Backtest, backtest
from app.estimator.constants import constant_values
from app.estimator.evidence import PLAIN_ADAPTERS, HeadToHead
from app.services.evidence_fits import published_fits


@dataclass(frozen=True, slots=True)
class BacktestReport:
    """A back-test, and what its studies are called.

    Parameters
    ----------
    titles : of every study that was predicted, by key.
    skipped : rows that were not predicted, counted by reason.
    """

    found: Backtest
    titles: Mapping[str, str]
    skipped: Mapping[str, int]


def backtest_published(catalog: Catalog) -> BacktestReport:
    """Leave each published study out in turn and predict it by the others."""
    found = backtest(_collection(catalog, catalog.head_to_heads))
    return BacktestReport(found, _titles(catalog), _passed_over(catalog.head_to_heads))


def backtest_cases(catalog: Catalog, cases: StudyCases) -> BacktestReport:
    """Predict studies of one's own from the published ones alone.

    Notes
    -----
    A study of the file that is among the published ones, told by its name, title or arXiv number,
    is predicted without itself.
    """
    # No key of a file is one of ours, so that none is taken for it.
    rows = [replace(row, study=f"{_CASE}{row.study}") for row in cases.rows]
    published = tuple(dict.fromkeys(row.study for row in catalog.head_to_heads))
    train = {}
    for study, title in cases.titles.items():
        itself = _published(study, title, cases.sources[study], catalog)
        train[f"{_CASE}{study}"] = [key for key in published if key != itself]
    found = backtest(_collection(catalog, [*catalog.head_to_heads, *rows]), train)
    titles = {f"{_CASE}{study}": title for study, title in cases.titles.items()}
    return BacktestReport(found, titles, {**cases.skipped, **_passed_over(rows)})


_CASE = "case:"
_ARXIV = re.compile(r"(?<![\d.])\d{4}\.\d{4,5}(?!\d)")


def _collection(catalog: Catalog, rows: Sequence[HeadToHead]) -> Collection:
    """These rows, the published ones among them, with what is known of these already."""
    constants = constant_values(catalog.calibration.constants)
    known = published_fits(catalog.head_to_heads, constants)
    return Collection(rows, constants, known.loss.found)


def _titles(catalog: Catalog) -> dict[str, str]:
    return {key: f"{study.authors_short}, {study.year}" for key, study in catalog.studies.items()}


def _published(study: str, title: str, source: str, catalog: Catalog) -> str:
    """Key of the published study that a study of a file is; empty where it is none of them.

    Notes
    -----
    By its arXiv number, else by the words that its key is made of.
    """
    numbers = set(_ARXIV.findall(source))
    words = set(re.findall(r"[a-z0-9]+", title.lower()))
    for key, one in catalog.studies.items():
        if study == key or numbers & set(_ARXIV.findall(one.address)):
            return key
    named = (key for key in catalog.studies if set(key.split("-")) <= words)
    return next(named, "")


def _passed_over(rows: Sequence[HeadToHead]) -> dict[str, int]:
    """Rows that the model does not speak of, counted by reason."""
    return dict(
        Counter(
            "of a task that was not trained on"
            if row.retention
            else f"variant of LoRA: {row.method}"
            for row in rows
            if row.retention or row.method not in PLAIN_ADAPTERS
        ).most_common()
    )


class Backtests:
    """The back-test of the published studies; computed at the first call, kept after that."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._lock = threading.Lock()
        self._published: BacktestReport | None = None

    def published(self) -> BacktestReport:
        """How the model does on each study by all others."""
        with self._lock:
            if self._published is None:
                self._published = backtest_published(self._catalog)
            return self._published


def document(report: BacktestReport) -> dict[str, Any]:
    """The report as plain JSON: figures, figures by study, and every row with its prediction."""
    found = report.found
    return {
        "summary": asdict(found.every),
        "with_base": asdict(found.with_base),
        "pilot": asdict(found.pilot),
        "by_study": [
            {"study": _key(one.study), "title": report.titles[one.study], **asdict(one.errors)}
            for one in found.by_study
        ],
        "rows": [
            {
                "id": row.key,
                "study": _key(row.study),
                "group": row.group,
                "metric": row.metric,
                "method": row.method,
                "rank": row.rank,
                "base_points": row.base,
                "full_points": row.full,
                "measured_points": row.adapter,
                "predicted_points": float(one.score["model"][place]),
                "low_points": float(one.low[place]),
                "high_points": float(one.high[place]),
            }
            for one in found.predicted
            for place, row in enumerate(one.rows)
        ],
        "skipped": dict(report.skipped),
    }


def _key(study: str) -> str:
    return study.removeprefix(_CASE)
