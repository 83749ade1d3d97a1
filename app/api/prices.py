"""Prices and price books of the API."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.api.dependencies import (
    OPTIONAL_BEARER,
    PRIVATE,
    BooksDep,
    CatalogDep,
    PricesDep,
    WorkspaceKey,
)
from app.api.errors import ABSENT_BOOK, READ_ONLY_BOOK, UNUSABLE_BOOK
from app.api.price_schemas import (
    BookChangesOut,
    BookContentOut,
    BookIn,
    BookOut,
    ExchangeRateOut,
    ManagedPriceOut,
    OfferOut,
    SavedBookOut,
    ServerOut,
)
from app.api.schemas import PriceChangeOut
from app.services.problems import UnknownPriceBook

router = APIRouter()

LARGEST_BOOK_BYTES = 8 * 1024 * 1024
"""Of the body of a price book: tens of thousands of rates."""
MOST_VERSIONS = 999_999_999
Limit = Annotated[int, Query(ge=1, le=10_000, description="Rows at most.")]
Offset = Annotated[int, Query(ge=0, le=1_000_000, description="Rows to skip.")]
Version = Annotated[int, Query(ge=1, le=MOST_VERSIONS)]
Key = Annotated[str, Query(max_length=200)]


def _today() -> date:
    return datetime.now(UTC).date()


@router.get("/offers", responses=ABSENT_BOOK, openapi_extra=OPTIONAL_BEARER)
def list_offers(
    catalog: CatalogDep,
    books: BooksDep,
    scenario_prices: PricesDep,
    workspace_key: WorkspaceKey,
    accelerator: Key = "",
    provider: Key = "",
    region: Key = "",
    purchase_option: Key = "",
    tier: Key = "",
    planned: bool | None = None,
    price_book: Annotated[
        str, Query(max_length=80, description="Token of a price book, or token@version.")
    ] = "",
    limit: Limit = 1_000,
    offset: Offset = 0,
) -> list[OfferOut]:
    """Prices in force, with date, age and source, sorted by key.

    Filter by `accelerator`, `provider`, `region`, `purchase_option`, `tier` or `planned` (whether
    plans are made on it). With `price_book`, the prices of a book that the bearer's workspace may
    see. Ask again with a higher `offset` until fewer than `limit` come back.
    """
    prices = catalog
    if price_book:
        token, _, version = price_book.partition("@")
        if version and not (version.isascii() and version.isdigit() and len(version) <= 9):
            raise UnknownPriceBook(price_book)
        found = books.info(token, workspace_key, int(version) if version else None)
        reference = f"{found.token}@{found.version}"
        prices = scenario_prices.priced(catalog, reference, workspace_key)
    offers = [
        offer
        for offer in prices.listed
        if accelerator in {"", offer.accelerator.key}
        and provider in {"", offer.provider}
        and region in {"", offer.region}
        and purchase_option in {"", offer.purchase_option}
        and tier in {"", offer.tier}
        and planned in {None, offer.can_be_planned}
    ]
    today = _today()
    return [OfferOut.of(offer, today) for offer in offers[offset : offset + limit]]


@router.get("/price-books", openapi_extra=OPTIONAL_BEARER)
def list_price_books(
    books: BooksDep, workspace_key: WorkspaceKey, response: Response
) -> list[BookOut]:
    """Price books that can be used: those of the installation, then the bearer's own, by name."""
    response.headers.update(PRIVATE)
    return [BookOut.of(info) for info in books.mine(workspace_key)]


@router.post(
    "/price-books", status_code=201, responses=UNUSABLE_BOOK, openapi_extra=OPTIONAL_BEARER
)
def create_price_book(
    book: BookIn, books: BooksDep, workspace_key: WorkspaceKey, response: Response
) -> SavedBookOut:
    """Save own discounts and rates as a price book.

    It holds up to 20,000 rates; the first one of a new workspace, sent without a key, up to 2,000.
    """
    saved = books.create(book.draft(), workspace_key)
    response.headers["Location"] = f"/api/v1/price-books/{saved.info.token}"
    response.headers.update(PRIVATE)
    return SavedBookOut(**BookOut.of(saved.info).model_dump(), workspace_key=saved.workspace_key)


@router.get("/price-books/{token}", responses=ABSENT_BOOK, openapi_extra=OPTIONAL_BEARER)
def read_price_book(
    token: str,
    books: BooksDep,
    workspace_key: WorkspaceKey,
    response: Response,
    version: Version | None = None,
    limit: Limit = 1_000,
    offset: Offset = 0,
) -> BookContentOut:
    """A price book with its discounts and rates, in its newest version unless another is named."""
    response.headers.update(PRIVATE)
    info, book = books.get(token, workspace_key, version)
    history = books.versions(token, workspace_key)
    return BookContentOut.whole(info, book, slice(offset, offset + limit), history)


@router.put(
    "/price-books/{token}",
    responses={**UNUSABLE_BOOK, **ABSENT_BOOK, **READ_ONLY_BOOK},
    openapi_extra=OPTIONAL_BEARER,
)
def update_price_book(
    token: str, book: BookIn, books: BooksDep, workspace_key: WorkspaceKey, response: Response
) -> BookOut:
    """Replace the content of a price book: a new version, unless nothing differs.

    Scenarios that were saved with an older version keep it. Needs the key of the workspace that
    owns the book.
    """
    response.headers.update(PRIVATE)
    return BookOut.of(books.update(token, book.draft(), workspace_key))


@router.get("/price-books/{token}/changes", responses=ABSENT_BOOK, openapi_extra=OPTIONAL_BEARER)
def list_price_book_changes(
    token: str,
    books: BooksDep,
    workspace_key: WorkspaceKey,
    response: Response,
    before: Annotated[Version | None, Query(alias="from")] = None,
    after: Annotated[Version | None, Query(alias="to")] = None,
) -> BookChangesOut:
    """The rates that differ between version `from` and version `to`.

    By default between the newest version and the one before it.
    """
    response.headers.update(PRIVATE)
    newest = books.info(token, workspace_key, after).version
    oldest = before if before is not None else max(newest - 1, 1)
    found = books.changes(token, workspace_key, oldest, newest)
    return BookChangesOut(
        before_version=oldest,
        after_version=newest,
        changes=[PriceChangeOut.of(change) for change in found],
    )


@router.get("/prices/managed")
def list_managed_prices(catalog: CatalogDep) -> list[ManagedPriceOut]:
    """Prices of fine-tuning as a service, by the training token, with date and source."""
    return [ManagedPriceOut.of(price, _today()) for price in catalog.managed]


@router.get("/prices/servers")
def list_servers(catalog: CatalogDep) -> list[ServerOut]:
    """Servers that can be bought, with the range of prices that was quoted, date and source."""
    return [ServerOut.of(server, _today()) for server in catalog.servers]


@router.get("/prices/exchange-rates")
def list_exchange_rates(catalog: CatalogDep) -> list[ExchangeRateOut]:
    """Reference rates of currencies, with date and source."""
    return [ExchangeRateOut.of(rate, _today()) for rate in catalog.exchange_rates.values()]
