"""``tunecase evidence``: how the accuracy model does on studies that it has not seen."""

from __future__ import annotations

import json

import click

from app.catalog.catalog import Catalog
from app.catalog.study_cases import LARGEST_BYTES, StudyCases, read_study_cases
from app.catalog.tables import CatalogError
from app.cli.common import columns, named, read_bytes, read_catalog, refuse
from app.services.backtests import BacktestReport, backtest_cases, backtest_published, document
from app.web.evidence_backtest import backtest_view


@click.group()
def evidence() -> None:
    """The studies behind the expected accuracy."""


@evidence.command()
@click.option("--cases", help="CSV of studies to predict from the published ones, or - for input.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with every row.")
def backtest(cases: str | None, as_json: bool) -> None:
    """Leave each published study out in turn and predict it by the others.

    With --cases, studies of one's own are predicted instead, from the published ones alone; one
    that is among these is left out of them. Columns: study, regime (SFT-narrow, IFT, CPT or RL),
    full_score, lora_score; and any of domain, metric, base_score, unit (0-1, percent, score_1_10 or
    ppl), method_detail (such as "lora; r=16; targets=q,v"), base_model, params_b, train_examples,
    train_tokens, locator, source, notes, id. docs/facts.md says more.
    """
    catalog = read_catalog()
    report = (
        backtest_published(catalog)
        if cases is None
        else backtest_cases(catalog, _read_cases(cases, catalog))
    )
    if as_json:
        click.echo(json.dumps(document(report), indent=2, allow_nan=False))
    else:
        click.echo(_as_text(report))


def _read_cases(path: str, catalog: Catalog) -> StudyCases:
    content = read_bytes(path, LARGEST_BYTES)
    if len(content) > LARGEST_BYTES:
        refuse(f"{named(path)} is larger than {LARGEST_BYTES // 1024**2} MiB")
    try:
        return read_study_cases(content, named(path), catalog.questions)
    except CatalogError as error:
        refuse(*str(error).splitlines()[1:])


def _as_text(report: BacktestReport) -> str:
    """Sentences and tables, as the evidence page shows them."""
    if not report.found.every.n:
        lines = ["No row could be predicted."]
    else:
        shown = backtest_view(report)
        lines = [*shown.sentences]
        for table in shown.tables:
            lines += ["", table.title, *columns([table.columns, *table.rows])]
    if report.skipped:
        lines += ["", "Passed over"]
        lines += columns([(f"{rows}", reason) for reason, rows in report.skipped.items()])
    return "\n".join(lines)
