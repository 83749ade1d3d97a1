"""``tunecase prices diff``: what changed between two price lists, and what that does."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from app.api.schemas import PriceChangeOut
from app.catalog.catalog import Catalog, load_catalog
from app.catalog.price_changes import PriceChange, changes, listed_price
from app.catalog.tables import CatalogError
from app.cli.common import columns, read_catalog, read_json, read_settings, refuse, refuse_problems
from app.cli.database import Services, database
from app.estimator.report import Report
from app.inputs import ScenarioInput
from app.services.book_access import INSTALLATION
from app.services.estimates import estimate
from app.services.problems import (
    InputProblems,
    Problem,
    RevokedScenario,
    UnknownPriceBook,
    UnknownScenario,
    problems_from_validation,
)
from app.services.repricing import Repriced, allowed_prices, reprice
from app.services.scenarios import SharedScenario
from app.services.workspaces import well_formed

BUILT_IN = "builtin"
NO_PRICE = "-"


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two price lists."""

    label: str
    catalog: Catalog


@dataclass(frozen=True, slots=True)
class _Answers:
    """A scenario under both price lists.

    Parameters
    ----------
    prices : those of `changes` that the scenario may plan on.
    """

    before: Report | None
    after: Report | None
    problems: tuple[Problem, ...]
    prices: tuple[PriceChange, ...]


@click.command("diff")
@click.argument("before", default="")
@click.argument("after", default="")
@click.option(
    "--scenario", default="", help="A scenario's JSON file, or the token of a shared one."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def diff(before: str, after: str, scenario: str, as_json: bool) -> None:
    """What changed between the price lists BEFORE and AFTER.

    Each is builtin, builtin@DAY, or the name or token of a price book with or without @VERSION.
    Without them: the newest two versions of the only price book; otherwise the built-in prices
    before and after their last change. With the token of a shared scenario alone: the prices that
    it was saved with, and those of today.
    """
    catalog = read_catalog()
    today = datetime.now(UTC).date()
    repriced: Repriced | None = None
    with database(catalog) as services:
        asked, shared = _scenario(scenario, services) if scenario else (None, None)
        if shared is not None and not before:
            repriced = reprice(shared, catalog, services.prices, today, INSTALLATION)
        else:
            old, new = _sides(before, after, catalog, services)
    # Outside: the database has no part in what goes wrong from here on.
    if repriced is not None and shared is not None:
        _show_repriced(repriced, shared, as_json)
        return
    found = changes(map(listed_price, old.catalog.listed), map(listed_price, new.catalog.listed))
    answers = _answers(asked, old, new, today) if asked is not None else None
    if as_json:
        click.echo(json.dumps(_document(old.label, new.label, found, answers), indent=2))
    else:
        click.echo("\n".join(_lines(old.label, new.label, found, answers)))


# ------------------------------------------------------------------ what is compared


def _sides(before: str, after: str, catalog: Catalog, services: Services) -> tuple[_Side, _Side]:
    if not before:
        only = [info for info in services.books.mine(None) if info.version > 1]
        if len(only) == 1:
            token, version = only[0].token, only[0].version
            before, after = f"{token}@{version - 1}", f"{token}@{version}"
        else:
            newest = max(past.valid_from for past in catalog.history)
            before, after = f"{BUILT_IN}@{newest - timedelta(days=1)}", BUILT_IN
    elif not after:
        after = BUILT_IN
        if not _is_built_in(before):
            # An older version against the newest of the same book; the newest against built-in.
            book = _resolved(before, services)
            newest_version = services.prices.newer_version(book, INSTALLATION)
            if newest_version is not None:
                before, after = book, f"{book.partition('@')[0]}@{newest_version}"
            else:
                before, after = BUILT_IN, book
    return _side(before, catalog, services), _side(after, catalog, services)


def _is_built_in(text: str) -> bool:
    return text == BUILT_IN or text.startswith(f"{BUILT_IN}@")


def _side(text: str, catalog: Catalog, services: Services) -> _Side:
    if not _is_built_in(text):
        found = services.prices.priced(catalog, _resolved(text, services), INSTALLATION)
        return _Side(found.price_book, found)
    _, _, day_text = text.partition("@")
    if not day_text:
        return _Side("built-in prices", catalog)
    try:
        day = date.fromisoformat(day_text)
    except ValueError:
        refuse(f"{text!r} does not name a day; write one as {BUILT_IN}@2026-06-30")
    try:
        dated = load_catalog(read_settings().pricing_dir, as_of=day)
    except CatalogError as error:
        refuse(*error.problems)
    return _Side(f"built-in prices as of {day}", dated)


def _resolved(text: str, services: Services) -> str:
    try:
        return services.books.resolve(text)
    except UnknownPriceBook:
        refuse(
            f"there is no price book {text!r}; `tunecase prices books` lists them, and the "
            f"built-in prices are called {BUILT_IN}"
        )


def _scenario(text: str, services: Services) -> tuple[ScenarioInput, SharedScenario | None]:
    """A scenario from a file, or a shared one by its token."""
    if well_formed(text) and not Path(text).exists():
        try:
            shared = services.scenarios.get(text)
        except UnknownScenario:
            refuse(f"no scenario has the token {text}, and no file this name")
        except RevokedScenario:
            refuse("the owner has withdrawn this scenario")
        return shared.scenario, shared
    try:
        return ScenarioInput.model_validate(read_json(text)), None
    except ValidationError as error:
        refuse_problems(problems_from_validation(error))


def _answers(scenario: ScenarioInput, old: _Side, new: _Side, today: date) -> _Answers:
    """The scenario under both price lists, whatever book it names itself."""
    reports: list[Report | None] = []
    problems: list[Problem] = []
    for side in (old, new):
        try:
            reports.append(estimate(scenario, side.catalog, today, brief=True))
        except InputProblems as error:
            reports.append(None)
            problems += [p for p in error.problems if p not in problems]
    if reports == [None, None]:
        refuse_problems(tuple(problems))
    prices = [
        allowed_prices(map(listed_price, side.catalog.listed), scenario) for side in (old, new)
    ]
    return _Answers(reports[0], reports[1], tuple(problems), changes(*prices))


# ------------------------------------------------------------------ what is shown


def _show_repriced(found: Repriced, shared: SharedScenario, as_json: bool) -> None:
    """A shared scenario as it was saved, and today."""
    before = f"prices of {shared.created_at.date()}, when it was saved"
    answers = _Answers(found.before, found.after, found.problems, found.changes)
    if as_json:
        document = {
            **_document(before, "prices of today", found.changes, answers),
            "all_changes": found.all_changes,
            "snapshot_known": found.snapshot_known,
            "newer_version": found.newer_version,
        }
        click.echo(json.dumps(document, indent=2))
        return
    lines = _lines(before, "prices of today", found.changes, answers)
    if not found.snapshot_known:
        lines.append("The prices of then were not kept, so their changes cannot be listed.")
    others = found.all_changes - len(found.changes)
    if others:
        lines.append(f"{others:,} more prices changed that this scenario does not plan on.")
    if found.newer_version is not None:
        lines.append(
            f"Its price book has a newer version, {found.newer_version}; both sides use the one "
            "that it is pinned to."
        )
    click.echo("\n".join(lines))


def _lines(
    before: str, after: str, found: tuple[PriceChange, ...], answers: _Answers | None
) -> list[str]:
    lines = [f"Before: {before}", f"After:  {after}", ""]
    if found:
        table = [
            ("", "Offer", "USD/h before", "USD/h after", "Change", "Date before", "Date after")
        ]
        table += [
            (
                change.kind,
                change.key,
                _price(change.before_usd),
                _price(change.after_usd),
                NO_PRICE if change.fraction is None else f"{change.fraction:+.1%}",
                _day(change.before_valid_from),
                _day(change.after_valid_from),
            )
            for kind in ("changed", "added", "removed")
            for change in found
            if change.kind == kind
        ]
        lines += [*columns(table), ""]
    counts = [sum(c.kind == kind for c in found) for kind in ("changed", "added", "removed")]
    lines.append("{:,} changed, {:,} added, {:,} removed.".format(*counts))
    if answers is not None:
        lines += ["", *_answer_lines(answers)]
    return lines


def _answer_lines(answers: _Answers) -> list[str]:
    """Totals of each method and the verdict, before and after."""
    old, new = _totals(answers.before), _totals(answers.after)
    table = [("Method", "Total before, USD", "Total after, USD", "Change")]
    for method in dict.fromkeys((*old, *new)):
        was, now = old.get(method), new.get(method)
        change = f"{now / was - 1:+.1%}" if was and now is not None else NO_PRICE
        table.append((method, _amount(was), _amount(now), change))
    lines = columns(table)
    for said, report in (("before", answers.before), ("after", answers.after)):
        lines.append(f"Verdict {said}: {report.verdict.headline if report else 'none'}")
    return lines + [f"Cannot be estimated: {p.message}" for p in answers.problems]


def _totals(report: Report | None) -> dict[str, float | None]:
    return {m.label: m.total_usd for m in report.methods} if report else {}


def _price(usd: float | None) -> str:
    return NO_PRICE if usd is None else f"{usd:,.4f}"


def _amount(usd: float | None) -> str:
    return NO_PRICE if usd is None else f"{usd:,.2f}"


def _day(day: date | None) -> str:
    return NO_PRICE if day is None else day.isoformat()


def _document(
    before: str, after: str, found: tuple[PriceChange, ...], answers: _Answers | None
) -> dict[str, Any]:
    document: dict[str, Any] = {
        "before": before,
        "after": after,
        "changes": [_change(change) for change in found],
    }
    if answers is not None:
        document["scenario"] = {
            side: None
            if report is None
            else {"totals_usd": _totals(report), "verdict": asdict(report.verdict)}
            for side, report in (("before", answers.before), ("after", answers.after))
        }
        document["scenario"]["problems"] = [asdict(problem) for problem in answers.problems]
        document["scenario"]["changes"] = [_change(change) for change in answers.prices]
    return document


def _change(change: PriceChange) -> dict[str, Any]:
    return PriceChangeOut.of(change).model_dump(mode="json")
