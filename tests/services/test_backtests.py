"""Studies in a file are predicted from the published ones, and never from themselves."""

from __future__ import annotations

import csv
import io

import pytest

from app.catalog.catalog import Catalog
from app.catalog.study_cases import StudyCases, read_study_cases
from app.estimator.evidence import HeadToHead
from app.services.backtests import (
    BacktestReport,
    backtest_cases,
    backtest_published,
    document,
)

REGIME = {"narrow": "SFT-narrow", "continued": "CPT", "rl": "RL"}
DOMAIN = {"general": "general", "skill": "code", "far": "medical"}
COLUMNS = (
    "id", "study", "source", "base_model", "domain", "regime", "metric", "base_score",
    "full_score", "lora_score", "method_detail", "unit", "notes", "train_tokens",
)  # fmt: skip


@pytest.fixture(scope="module")
def published(catalog: Catalog) -> BacktestReport:
    return backtest_published(catalog)


def cases_of(rows: list[HeadToHead], catalog: Catalog, title: str, source: str) -> StudyCases:
    """Rows of ours as a file of somebody else's holds them."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(COLUMNS)
    for row in rows:
        notes = [] if row.base_same_harness or row.base is None else ["base_ext"]
        notes += [] if row.full_same_study else ["full-FT taken from GaLore"]
        judged = row.metric_kind == "judge"
        scores = [
            "" if score is None else score / (10 if judged else 1)
            for score in (row.base, row.full, row.adapter)
        ]
        detail = row.method + (f"; r={row.rank}" if row.rank else "")
        detail += f"; targets={row.targets.replace('+', ',')}" if row.targets else ""
        writer.writerow(
            (
                row.key, title, source, row.base_model, DOMAIN.get(row.group, row.domain),
                REGIME.get(row.group, "IFT"), row.metric, *scores, detail,
                "score_1_10" if judged else "percent", "; ".join(notes), row.train_tokens or "",
            )
        )  # fmt: skip
    return read_study_cases(stream.getvalue().encode(), "cases.csv", catalog.questions)


@pytest.mark.parametrize(
    ("key", "title", "source"),
    [
        ("han-2023-medalpaca", "Han 2023 MedAlpaca", "https://arxiv.org/abs/2304.08247 ; README"),
        ("yang-2024-corda", "Anything", "see arXiv 2406.05223v2"),
        ("peft-comparison-2026", "PEFT comparison of methods, 2026", "a repository"),
    ],
)
def test_a_published_study_in_a_file_is_not_predicted_from_itself(
    key: str, title: str, source: str, catalog: Catalog, published: BacktestReport
) -> None:
    rows = [row for row in catalog.head_to_heads if row.study == key and not row.retention]
    found = document(backtest_cases(catalog, cases_of(rows, catalog, title, source)))
    expected = {row["id"]: row for row in document(published)["rows"] if row["study"] == key}
    assert len(found["rows"]) == len(expected) > 0
    for row in found["rows"]:
        for column in ("predicted_points", "low_points", "high_points"):
            assert row[column] == pytest.approx(expected[row["id"]][column], abs=1e-6)


def test_a_new_study_is_predicted_from_all_published_ones(catalog: Catalog) -> None:
    rows = [row for row in catalog.head_to_heads if row.study == "han-2023-medalpaca"]
    new = backtest_cases(catalog, cases_of(rows, catalog, "Nobody 2031", "a talk"))
    known = backtest_cases(catalog, cases_of(rows, catalog, "Han 2023 MedAlpaca", "a talk"))
    # Its own rows are among the published ones, so that they are predicted better.
    error = [r.found.every.mean_absolute_error["model"] for r in (new, known)]
    assert error[0] < error[1]
    assert list(new.titles.values()) == ["Nobody 2031"]


def test_the_document_has_the_figures_and_every_row(
    catalog: Catalog, published: BacktestReport
) -> None:
    found = document(published)
    assert list(found) == ["summary", "with_base", "pilot", "by_study", "rows", "skipped"]
    assert found["summary"]["n"] == len(found["rows"]) == sum(s["n"] for s in found["by_study"])
    assert found["summary"]["n"] + sum(found["skipped"].values()) == len(catalog.head_to_heads)
    assert all(r["low_points"] <= r["predicted_points"] <= r["high_points"] for r in found["rows"])
    assert next(iter(found["summary"]["mean_absolute_error"])) == "model"


def test_a_file_without_a_row_to_predict_has_no_figures(catalog: Catalog) -> None:
    rows = [row for row in catalog.head_to_heads if row.method == "dora"]
    found = document(backtest_cases(catalog, cases_of(rows[:2], catalog, "Doe", "")))
    assert found["summary"]["n"] == 0
    assert found["summary"]["coverage80"] is None
    assert found["skipped"] == {"variant of LoRA: dora": 2}
