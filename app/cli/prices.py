"""``tunecase prices``: prices in force, their age, catalogues taken in, books and changes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path

import click

from app.api.price_schemas import BookOut, OfferOut
from app.catalog.catalog import Catalog
from app.catalog.importers import FORMATS, CatalogueFormat, Imported, Skipped, read_catalogue
from app.catalog.importers.live import LiveRefreshError, fetch
from app.catalog.tables import CatalogError
from app.cli.common import columns, read_catalog, read_settings, refuse, refuse_problems
from app.cli.database import database
from app.cli.price_diff import diff
from app.estimator.hardware import PURCHASE_OPTIONS, TIERS
from app.services.book_access import INSTALLATION
from app.services.book_infos import ImportOutcome
from app.services.price_age import older_than
from app.services.problems import PriceBookProblems, UnknownPriceBook

FAILED = 1
DEFAULT_BOOK = "imported"


@click.group()
def prices() -> None:
    """Prices: what is in force, how old it is, catalogues to take in, and what changed."""


prices.add_command(diff)


def _today() -> date:
    return datetime.now(UTC).date()


def _in_force(catalog: Catalog, book: str) -> Catalog:
    """The catalogue with the prices of a book, named as on the command line."""
    if not book:
        return catalog
    with database(catalog) as services:
        try:
            return services.prices.priced(catalog, services.books.resolve(book), INSTALLATION)
        except UnknownPriceBook:
            refuse(f"there is no price book {book!r}; `tunecase prices books` lists them")


@prices.command("list")
@click.option("--book", default="", help="Prices of this book: its name or token, with @VERSION.")
@click.option("--provider", default="", help="Only this provider (its key).")
@click.option("--gpu", default="", help="Only this GPU (its key).")
@click.option("--option", type=click.Choice(list(PURCHASE_OPTIONS)), help="Only this way to pay.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_command(book: str, provider: str, gpu: str, option: str | None, as_json: bool) -> None:
    """Prices in force, with date, age and source."""
    catalog = read_catalog()
    _check_known("provider", provider, catalog.providers)
    _check_known("GPU", gpu, catalog.accelerators)
    today = _today()
    offers = [
        OfferOut.of(offer, today)
        for offer in _in_force(catalog, book).listed
        if provider in {"", offer.provider}
        and gpu in {"", offer.accelerator.key}
        and option in {None, offer.purchase_option}
    ]
    if as_json:
        click.echo(json.dumps([offer.model_dump(mode="json") for offer in offers], indent=2))
        return
    table = [("Offer", "USD/h", "USD/GPU-h", "Date", "Days", "Tier", "Source")]
    table += [
        (
            offer.offer,
            f"{offer.usd_per_instance_hour:,.4f}",
            f"{offer.usd_per_gpu_hour:,.4f}",
            offer.valid_from.isoformat(),
            str(offer.age_days),
            TIERS[offer.tier],
            offer.source.title,
        )
        for offer in offers
    ]
    click.echo("\n".join(columns(table)))


def _check_known(what: str, name: str, known: Iterable[str]) -> None:
    if name and name not in set(known):
        refuse(f"{name!r} is not a known {what}; use {', '.join(sorted(known))}")


@prices.command("check")
@click.option(
    "--max-age",
    "max_age_days",
    type=click.IntRange(0, 36_500),
    default=365,
    show_default=True,
    help="Days that a price may be old.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check_command(max_age_days: int, as_json: bool) -> None:
    """Exit with 1 and a list if any built-in price in force is older than so many days.

    Counted are offers, managed fine-tuning, storage, electricity and exchange rates. Quotes for
    servers are listed and do not fail the check.
    """
    old = older_than(read_catalog(), _today(), max_age_days)
    failing = sum(row.fails for row in old)
    if as_json:
        rows = [
            {**asdict(row), "valid_from": row.valid_from.isoformat(), "fails": row.fails}
            for row in old
        ]
        click.echo(json.dumps({"max_age_days": max_age_days, "older": rows}, indent=2))
    elif old:
        table = [("Table", "Row", "Date", "Days", "Source")]
        table += [
            (row.table, row.key, row.valid_from.isoformat(), str(row.age_days), row.source_key)
            for row in old
        ]
        click.echo("\n".join(columns(table)))
        said = f"{failing} price{' is' if failing == 1 else 's are'} older than {max_age_days} days"
        if failing < len(old):
            said += f". Quotes for servers, told only: {len(old) - failing}"
        click.echo(f"\n{said}.")
    else:
        click.echo(f"No price is older than {max_age_days} days.")
    if failing:
        raise SystemExit(FAILED)


@prices.command("books")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def books_command(as_json: bool) -> None:
    """Price books of the installation, for all to use."""
    with database(read_catalog()) as services:
        found = services.books.mine(None)
    if as_json:
        rows = [BookOut.of(info).model_dump(mode="json") for info in found]
        click.echo(json.dumps(rows, indent=2))
        return
    if not found:
        click.echo("There are no price books; `tunecase prices import` makes one.")
        return
    table = [("Name", "Token", "Version", "Rows", "Changed")]
    table += [
        (
            info.name,
            info.token,
            str(info.version),
            f"{info.rows:,}",
            info.changed_at.date().isoformat(),
        )
        for info in found
    ]
    click.echo("\n".join(columns(table)))


@prices.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--format", "file_format", required=True, type=click.Choice(FORMATS))
@click.option("--book", default=DEFAULT_BOOK, show_default=True, help="Name of the price book.")
@click.option("--provider", default="", help="Whose prices; otherwise read from the file's path.")
@click.option(
    "--date",
    "day",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Day on which the prices were in force; today unless set.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def import_command(
    files: Sequence[Path],
    file_format: CatalogueFormat,
    book: str,
    provider: str,
    day: datetime | None,
    as_json: bool,
) -> None:
    """Take the prices in catalogue FILES into a price book of the installation.

    All files are read before anything is written. The prices of the same providers and format that
    the book holds are replaced, apart from those whose new price is not believed; the second import
    of the same files changes nothing.
    """
    catalog = read_catalog()
    if day is not None and day.date() > _today():
        refuse(f"--date {day.date()} is in the future")
    try:
        imported = read_catalogue(
            files,
            format=file_format,
            accelerators=catalog.accelerators,
            sellers=catalog.providers,
            valid_from=day.date() if day else _today(),
            provider=provider,
            offers=catalog.listed,
            names_file=_names_file(),
        )
    except CatalogError as error:
        refuse(*error.problems)
    _take(catalog, book, imported, as_json)


@prices.command("refresh")
@click.option("--provider", "providers", multiple=True, help="Only this provider; repeatable.")
@click.option("--book", default=DEFAULT_BOOK, show_default=True, help="Name of the price book.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def refresh_command(providers: tuple[str, ...], book: str, as_json: bool) -> None:
    """Fetch today's prices through the gpuhunt library into a price book of the installation.

    Needs the network, and the extra tunecase[live].
    """
    catalog = read_catalog()
    try:
        with click.progressbar(length=1, label="Fetching prices", file=sys.stderr) as bar:

            def progress(done: int, steps: int, name: str) -> None:
                bar.length = steps
                bar.label = f"Fetching {name}" if name else "Fetched"
                bar.update(done - bar.pos)

            imported = fetch(
                providers,
                progress,
                accelerators=catalog.accelerators,
                sellers=catalog.providers,
                valid_from=_today(),
                offers=catalog.listed,
                names_file=_names_file(),
            )
    except LiveRefreshError as error:
        refuse(str(error))
    except CatalogError as error:
        refuse(*error.problems)
    _take(catalog, book, imported, as_json)


def _names_file() -> Path:
    return read_settings().pricing_dir / "accelerator_names.csv"


def _take(catalog: Catalog, book: str, imported: Imported, as_json: bool) -> None:
    """Write what was read into a book, and tell of it."""
    if not imported.rows:
        refuse(
            f"none of {imported.read:,} rows can be taken; nothing was written",
            *(_skipped_line(skipped) for skipped in imported.skipped),
        )
    outcome = _write(catalog, book, imported)
    if as_json:
        click.echo(json.dumps(_import_document(imported, outcome), indent=2))
    else:
        click.echo("\n".join([*_import_lines(imported), *_outcome_lines(outcome)]))


def _write(catalog: Catalog, book: str, imported: Imported) -> ImportOutcome:
    with database(catalog) as services:
        try:
            return services.books.import_rows(
                book, imported.rows, providers=imported.providers, keep=imported.doubted
            )
        except PriceBookProblems as error:
            refuse_problems(error.problems)


def _import_lines(imported: Imported) -> list[str]:
    """What was taken, and what was not and why."""
    lines = [f"Read {imported.read:,} rows, took {len(imported.rows):,} prices."]
    taken = sorted(imported.taken.items())
    lines += [
        f"  {provider}, {PURCHASE_OPTIONS.get(option, option)}: {count:,}"
        for (provider, option), count in taken
    ]
    if imported.merged:
        lines.append(f"Zones of one region merged: {imported.merged:,} prices.")
    if imported.skipped:
        lines += ["Skipped:", *(f"  {_skipped_line(skipped)}" for skipped in imported.skipped)]
    return lines


def _skipped_line(skipped: Skipped) -> str:
    return f"{skipped.reason}: {skipped.count:,} (such as {'; '.join(skipped.examples)})"


def _outcome_lines(outcome: ImportOutcome) -> list[str]:
    info = outcome.info
    counts = (
        f"{outcome.added:,} added, {outcome.changed:,} changed, {outcome.confirmed:,} confirmed "
        f"at a later date, {outcome.removed:,} removed, {outcome.unchanged:,} unchanged"
    )
    state = "is" if outcome.new_version else "stays"
    lines = [f"Price book {info.name!r} {state} at version {info.version}: {counts}."]
    if outcome.kept:
        lines.append(
            "Kept as they were, since the new price was not believed or is of an older day: "
            f"{outcome.kept:,}."
        )
    if outcome.new_version:
        lines.append(f"Use it in a scenario as price_book {info.token}")
    return lines


def _import_document(imported: Imported, outcome: ImportOutcome) -> dict[str, object]:
    return {
        "read": imported.read,
        "taken": [
            {"provider": provider, "purchase_option": option, "prices": count}
            for (provider, option), count in sorted(imported.taken.items())
        ],
        "merged": imported.merged,
        "skipped": [asdict(skipped) for skipped in imported.skipped],
        "book": BookOut.of(outcome.info).model_dump(mode="json"),
        "added": outcome.added,
        "changed": outcome.changed,
        "confirmed": outcome.confirmed,
        "removed": outcome.removed,
        "unchanged": outcome.unchanged,
        "kept": outcome.kept,
        "new_version": outcome.new_version,
    }
