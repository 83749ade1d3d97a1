"""Reading of whole catalogues: all of them, or an error and nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Literal, get_args

from app.catalog.importers import gpuhunt, skypilot
from app.catalog.importers.collector import Collector
from app.catalog.importers.csv_stream import MAX_FILE_BYTES, CatalogueFile, file_name
from app.catalog.importers.names import load_names
from app.catalog.importers.providers import (
    ALSO_LISTS,
    HasFirm,
    firm_of,
    provider_key,
    provider_of_path,
)
from app.catalog.importers.rates import read_rate_file
from app.catalog.importers.result import Imported
from app.catalog.importers.shapes import BuiltInOffers
from app.catalog.price_books import BookRow
from app.catalog.tables import CatalogError
from app.estimator.hardware import Accelerator, Offer

CatalogueFormat = Literal["skypilot", "gpuhunt", "csv"]
FORMATS: tuple[str, ...] = get_args(CatalogueFormat)


def read_catalogue(
    files: Iterable[Path],
    *,
    format: CatalogueFormat,  # noqa: A002 - as the command's option is called
    accelerators: Mapping[str, Accelerator],
    sellers: Mapping[str, HasFirm],
    valid_from: date,
    provider: str = "",
    offers: Iterable[Offer] = (),
    names_file: Path | None = None,
) -> Imported:
    """Rows for a price book from files of one format.

    Parameters
    ----------
    files : SkyPilot's and gpuhunt's hold the prices of one provider each.
    provider : whose they are; blank to take it from the file's name or its folder.
    accelerators : by key; rows of others are counted and left out.
    sellers : by key, as in pricing/providers.csv; any other sells on a marketplace.
    valid_from : day of the catalogue, on which its prices were in force. The format csv gives it
        for every row, and none may be later.
    offers : built-in ones, to know the network of an instance and a usual price by.
    names_file : pricing/accelerator_names.csv; None for the built-in one.

    Returns
    -------
    One row for each provider, instance, region and purchase option. Of spot prices of several
    zones, and of several offers of a marketplace, the lowest counts: a buyer can choose it; the
    note says of how many. Files in any order give the same rows.

    Raises
    ------
    CatalogError : a file that cannot be used as a whole; nothing of the others is taken either.
    """
    paths = sorted(files)
    if not paths:
        raise CatalogError(["No file was named"])
    if format == "csv":
        if provider:
            raise CatalogError(["The format csv names the provider in every row; leave it out"])
        return _read_rates(paths, accelerators, sellers, valid_from)
    if format not in FORMATS:
        raise CatalogError([f"{format!r} is not a format; choose {', '.join(FORMATS)}"])
    names = load_names(names_file)
    collector = Collector(
        format, accelerators, names, BuiltInOffers(offers), valid_from, firm_of(sellers)
    )
    required = skypilot.REQUIRED if format == "skypilot" else gpuhunt.REQUIRED
    for path in paths:
        with CatalogueFile(path, required) as file:
            seller = provider_key(provider) if provider else provider_of_path(path, sellers)
            collector.providers.update((seller, *ALSO_LISTS.get(seller, ())))
            if format == "skypilot":
                skypilot.read_skypilot(file, seller, names, collector)
            else:
                gpuhunt.read_gpuhunt(file, seller, collector)
    return collector.finished()


def _read_rates(
    paths: list[Path],
    accelerators: Mapping[str, Accelerator],
    sellers: Mapping[str, HasFirm],
    today: date,
) -> Imported:
    """Rows of our own format; each of its rows is taken, or none."""
    rows: list[BookRow] = []
    for path in paths:
        try:
            if path.stat().st_size > MAX_FILE_BYTES:
                raise CatalogError(
                    [f"{path.name}: is larger than {MAX_FILE_BYTES / 1e6:.0f} MB; split it"]
                )
            content = path.read_bytes()
        except OSError as error:
            raise CatalogError(
                [f"{file_name(path)}: cannot be read ({error.strerror or error})"]
            ) from error
        rows += read_rate_file(
            content, file_name(path), accelerators=accelerators, providers=sellers, today=today
        )
    repeated = [place for place, count in Counter(row.place for row in rows).items() if count > 1]
    if repeated:
        raise CatalogError(
            [f"{' / '.join(place)}: more than one file has a price for it" for place in repeated]
        )
    rows.sort(key=lambda row: row.place)
    return Imported(
        rows=tuple(rows),
        taken=Counter((row.provider, row.purchase_option) for row in rows),
        skipped=(),
        read=len(rows),
        merged=0,
        providers=tuple(sorted({row.provider for row in rows})),
    )
