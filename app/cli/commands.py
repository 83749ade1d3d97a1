"""The tunecase command and what it does with scenarios, models and measured runs."""

from __future__ import annotations

import gc
import json
from dataclasses import asdict
from datetime import UTC, datetime
from os.path import isfile
from pathlib import Path
from typing import get_args

import click
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.exc import SQLAlchemyError

from app import __version__
from app.catalog.catalog import Catalog
from app.catalog.config_json import architecture_from_config
from app.catalog.measured import LARGEST_BYTES as LARGEST_CASES_BYTES
from app.catalog.measured import read_measured
from app.catalog.tables import CatalogError
from app.cli.common import (
    columns,
    named,
    read_bytes,
    read_catalog,
    read_json,
    read_settings,
    refuse,
    refuse_problems,
)
from app.cli.database import priced_for
from app.estimator.adapters import Adapters, target_names
from app.estimator.architecture import Architecture
from app.estimator.errors import EstimatorError
from app.estimator.flops import Attention
from app.estimator.hardware import PURCHASE_OPTIONS
from app.estimator.measured import METRIC_LABELS, METRIC_UNITS, MeasuredRun
from app.estimator.methods import LABELS, Method
from app.estimator.report import Report
from app.exports.plans import PlansReport, plans_report
from app.inputs import ScenarioInput
from app.services.estimates import estimate as estimate_scenario
from app.services.inspection import inspect_step
from app.services.measured_facts import config_name
from app.services.plans import Filters, trained_tables
from app.services.plans import plan as plan_scenario
from app.services.problems import InputProblems, problems_from_validation
from app.services.validation import ValidationReport, document, validate
from app.web import show_numbers
from app.web.plan_views import Facts, PlansView
from app.web.plan_views import view as plans_view
from app.web.requests import currency_names, unfitted_classes
from app.web.results import view


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tunecase")
def main() -> None:
    """Full fine-tuning or LoRA: what it costs, when it pays back, and how sure we are."""


@main.command()
@click.option("--host", help="Address to listen on; 127.0.0.1 unless set.")
@click.option("--port", type=click.IntRange(0, 65_535), help="Port; 8000 unless set.")
@click.option("--workers", type=click.IntRange(1, 256), help="Processes; 1 unless set.")
def serve(host: str | None, port: int | None, workers: int | None) -> None:
    """Serve the web application; the database is migrated first."""
    # Nothing that loading makes is garbage, and looking for it took an eighth of the start. The
    # application begins to collect once it is up.
    gc.disable()
    from app.main import serve as serve_app

    given = {"host": host, "port": port, "workers": workers}
    settings = read_settings().model_copy(
        update={key: value for key, value in given.items() if value is not None}
    )
    try:
        serve_app(settings)
    except CatalogError as error:
        refuse(*str(error).splitlines())
    except (SQLAlchemyError, OSError) as error:
        refuse(f"the database at DATABASE_URL or the address cannot be used: {error}")


@main.command()
@click.argument("scenario")
@click.option("--json", "as_json", is_flag=True, help="Print the whole report as JSON.")
def estimate(scenario: str, as_json: bool) -> None:
    """Answer SCENARIO, a JSON file with the members of a scenario, or - for standard input."""
    document = read_json(scenario)
    catalog = read_catalog()
    try:
        given = ScenarioInput.model_validate(document)
        catalog = priced_for(given, catalog)
        report = estimate_scenario(given, catalog, datetime.now(UTC).date())
    except ValidationError as error:
        refuse_problems(problems_from_validation(error))
    except InputProblems as error:
        refuse_problems(error.problems)
    if as_json:
        click.echo(TypeAdapter(Report).dump_json(report, indent=2).decode())
    else:
        click.echo(_as_text(report))


@main.command("plan")
@click.argument("scenario")
@click.option("--provider", default="", help="Only offers of this provider (its key).")
@click.option("--region", default="", help="Only offers in this region.")
@click.option("--gpu", default="", help="Only offers of this GPU (its key).")
@click.option("--option", type=click.Choice(list(PURCHASE_OPTIONS)), help="Only this way to pay.")
@click.option("--json", "as_json", is_flag=True, help="Print plans, frontier and recipes as JSON.")
def plan_command(
    scenario: str, provider: str, region: str, gpu: str, option: str | None, as_json: bool
) -> None:
    """Plan the runs of SCENARIO, a JSON file or - for standard input.

    Prints the chosen plan of each method, the plans from the cheapest to the fastest, and the files
    that launch the chosen plan.
    """
    document = read_json(scenario)
    catalog = read_catalog()
    try:
        given = ScenarioInput.model_validate(document)
        catalog = priced_for(given, catalog)
        filters = Filters(provider, region, gpu, option or "")
        report = plan_scenario(given, filters, catalog, datetime.now(UTC).date())
    except ValidationError as error:
        refuse_problems(problems_from_validation(error))
    except InputProblems as error:
        refuse_problems(error.problems)
    tables = trained_tables(given, catalog)
    if as_json:
        found = plans_report(report, tables)
        click.echo(TypeAdapter(PlansReport).dump_json(found, indent=2).decode())
    else:
        click.echo(_as_plans(plans_view(report, tables, "", _facts(catalog))))


def _facts(catalog: Catalog) -> Facts:
    return Facts(
        offers={offer.key: offer for offer in catalog.offers},
        today=datetime.now(UTC).date(),
        unfitted=unfitted_classes(catalog),
        currency_names=currency_names(catalog),
    )


@main.command("inspect")
@click.argument("model")
@click.option("--method", type=click.Choice(list(LABELS)), default="full", show_default=True)
@click.option("--rank", type=click.IntRange(1, 65_536), default=16, show_default=True)
@click.option("--targets", default="all-linear", show_default=True)
@click.option(
    "--sequence-length", type=click.IntRange(1, 1_048_576), default=2048, show_default=True
)
@click.option("--micro-batch", type=click.IntRange(1, 65_536), default=1, show_default=True)
@click.option(
    "--checkpointing", type=click.Choice(["none", "full"]), default="none", show_default=True
)
@click.option(
    "--attention", type=click.Choice(get_args(Attention)), default="sdpa", show_default=True
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def inspect_command(
    model: str,
    method: str,
    rank: int,
    targets: str,
    sequence_length: int,
    micro_batch: int,
    checkpointing: str,
    attention: Attention,
    as_json: bool,
) -> None:
    """Exact parameters, FLOP and activation bytes of one step of MODEL.

    MODEL is a built-in model or a config.json file.
    """
    architecture = _architecture(model)
    try:
        adapters = None if method == "full" else Adapters(rank, target_names(targets))
        found = inspect_step(
            architecture,
            Method(method, adapters),
            sequence_length=sequence_length,
            micro_batch=micro_batch,
            checkpointing=checkpointing == "full",
            attention=attention,
        )
    except EstimatorError as error:
        refuse(str(error))
    figures = asdict(found)
    if as_json:
        click.echo(json.dumps(figures, indent=2))
        return
    for group, values in figures.items():
        click.echo(group.replace("_", " "))
        for key, value in values.items():
            click.echo(f"  {key.replace('_', ' '):<20}{value:>28,}")


def _architecture(model: str) -> Architecture:
    path = Path(model)
    # Path.is_file raises on a name that is too long; isfile says no.
    if path.suffix == ".json" or isfile(model):  # noqa: PTH113
        document = read_json(model)
        if not isinstance(document, dict):
            refuse(f"{model} holds no JSON object; give the config.json of a model")
        try:
            return architecture_from_config(path.stem, document)
        except EstimatorError as error:
            refuse(f"{model}: {error}")
    entry = read_catalog().models.get(model)
    if entry is None:
        refuse(
            f"{model!r} is not a built-in model; give its config.json, or one of "
            f"{', '.join(sorted(read_catalog().models))}"
        )
    return entry.architecture


@main.command("validate")
@click.argument("cases")
@click.option("--models", "folder", help="Folder of config.json files named ORG__NAME.json.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def validate_command(cases: str, folder: str | None, as_json: bool) -> None:
    """Hold the measured runs in CASES, a CSV file or - for standard input, against predictions."""
    report = validate(_read_runs(cases), read_catalog(), _read_configs(folder))
    if as_json:
        click.echo(json.dumps(document(report), indent=2, allow_nan=False))
    else:
        click.echo(_as_scores(report))


def _read_runs(path: str) -> tuple[MeasuredRun, ...]:
    try:
        return read_measured(read_bytes(path, LARGEST_CASES_BYTES), named(path))
    except CatalogError as error:
        refuse(*str(error).splitlines())


def _read_configs(folder: str | None) -> dict[str, dict[str, object]]:
    """The configurations in a folder, by model."""
    if folder is None:
        return {}
    if not Path(folder).is_dir():
        refuse(f"{folder} is not a folder; give one with files named ORG__NAME.json")
    configs = {}
    for path in sorted(Path(folder).glob("*.json")):
        read = read_json(str(path))
        if not isinstance(read, dict):
            refuse(f"{path} holds no JSON object; give the config.json of a model")
        configs[config_name(path.name)] = read
    return configs


def _as_scores(report: ValidationReport) -> str:
    """Every row, then the figures by metric and method."""
    table = [("Row", "Model", "Method", "GPUs", "Metric", "Measured", "Predicted", "80%", "Error")]
    table += [
        (
            row.id,
            row.model,
            row.method,
            f"{row.gpus} x {row.accelerator or row.gpu or '?'}",
            row.metric,
            show_numbers.significant(row.measured, 4),
            show_numbers.significant(row.predicted, 4),
            show_numbers.NONE
            if row.low is None
            else f"{show_numbers.significant(row.low)} to {show_numbers.significant(row.high)}",
            f"skipped: {row.skipped}" if row.error is None else f"{row.error:+.1%}",
        )
        for row in report.rows
    ]
    totals = [
        ("Metric", "Method", "Rows", "Skipped", "Median error", "90% within", "In 80% interval")
    ]
    totals += [
        (
            f"{METRIC_LABELS[metric]}, {METRIC_UNITS[metric]}",
            method,
            str(found.n),
            str(found.skipped),
            f"{found.median_ape:.1%}",
            f"{found.p90_ape:.1%}",
            show_numbers.NONE if found.coverage80 is None else f"{found.coverage80:.0%}",
        )
        for (metric, method), found in report.scores("metric", "method").items()
    ]
    lines = [*columns(table), "", *columns(totals)]
    if any(row.skipped for row in report.rows):
        lines.append("A skipped row counts as an error of 100%.")
    if report.unscored:
        reasons = ", ".join(f"{reason} ({count})" for reason, count in report.unscored.items())
        lines.append(f"Read but not scored: {reasons}.")
    return "\n".join(lines)


def _as_text(report: Report) -> str:
    """The report as the result page shows it, in columns of plain text."""
    shown = view(report)
    lines = [f"{shown.headline} {shown.because}".strip(), "", *shown.sentences, ""]
    if shown.deciding.turns:
        lines += [*shown.deciding.turns, ""]
    lines += columns([(f.label, f.value, f.range) for f in shown.key_figures])
    table = [("", *(head.label for head in shown.methods))]
    table += [
        (row.label, *(f"{cell.value}  {cell.range}".strip() for cell in row.cells))
        for row in shown.rows
    ]
    lines += ["", *columns(table)]
    return "\n".join([*lines, "", shown.software_line])


def _as_plans(shown: PlansView) -> str:
    """The plans as their page shows them, with the files of each recipe."""
    lines = [shown.software_line]
    for m in shown.methods:
        lines += ["", f"== {m.label}: {m.headline or 'nothing fits'}"]
        lines += [m.figures] if m.figures else []
        lines += [f"Plans: {m.counts}.", *m.reasons]
        if m.rows:
            table = [("GPUs", "Hours", "Cost", "Where", "Layout", "Batch", "Runs out", "")]
            table += [
                (
                    *(row.gpus, row.hours, row.cost, row.where, row.layout, row.batch, row.risk),
                    ", ".join(row.tags),
                )
                for row in m.rows
            ]
            lines += ["", *columns(table)]
        if m.recipe_refused:
            lines += ["", f"No recipe: {m.recipe_refused}."]
        for file in m.recipe.files if m.recipe else ():
            lines += ["", f"-- {file.name}", file.text.rstrip()]
    return "\n".join(lines)
