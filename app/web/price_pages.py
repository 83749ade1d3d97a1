"""The page of all prices in force, and the same as a file."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import HTMLResponse, Response

from app.catalog.catalog import Catalog
from app.estimator.constants import constant_values
from app.web import htmx, price_lists, price_tables, price_views, requests
from app.web.context_frame import Layout
from app.web.context_prices import Prices, PricesPart
from app.web.price_csv import as_csv
from app.web.price_hardware import hardware_table
from app.web.price_lists import PriceQuery, page_of, selected
from app.web.price_spread import spread_view
from app.web.requests import PRIVATE, Page, Site
from app.web.validation_pages import csv_file

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

Text = Annotated[str, Query(max_length=200)]
Number = Annotated[int, Query(ge=1, le=1_000_000)]


def asked_prices(
    book: Text = "",
    provider: Text = "",
    gpu: Text = "",
    option: Text = "",
    tier: Text = "",
    region: Text = "",
    trains: Text = "",
    sort: Text = "",
    page: Number = 1,
) -> PriceQuery:
    """What the address asks for; a column that is not there sorts by the usual one."""
    known = {name for name, _, _ in price_views.COLUMNS}
    if sort.removeprefix("-") not in known:
        sort = price_lists.DEFAULT_SORT
    return PriceQuery(
        book=book.strip(),
        provider=provider.strip(),
        gpu=gpu.strip(),
        option=option.strip(),
        tier=tier.strip(),
        region=region.strip(),
        trains=trains == "yes",
        sort=sort,
        page=page,
    )


Asked = Annotated[PriceQuery, Depends(asked_prices)]


def _catalog(site: Page, asked: PriceQuery) -> Catalog:
    return site.priced(asked.book)


def _delivered(catalog: Catalog) -> price_lists.Delivered:
    constants = constant_values(catalog.calibration.constants)
    return price_lists.delivered_by(catalog.listed, constants)


@router.get("/prices")
def prices(request: Request, site: Site, asked: Asked) -> Response:
    """Every price in force, narrowed and sorted; what GPUs cost across providers; other prices."""
    catalog = _catalog(site, asked)
    today = requests.today()
    delivered = _delivered(catalog)
    page = page_of(selected(catalog.listed, asked, delivered), asked.page)
    asked = replace(asked, page=page.page)
    listed = price_views.price_list(page, len(catalog.listed), asked, delivered, today)
    layout = Layout("Prices", "prices", indexed=not request.url.query)
    if htmx.wants_partial(request):
        part = PricesPart(layout, listed, listed.summary)
        response = site.render("partials/_prices.html", part, headers=PRIVATE)
        htmx.push_url(request, response, price_views.address(asked))
    else:
        books = site.price_books.mine(site.workspace)
        whole = Prices(
            layout=layout,
            books=price_views.book_links(books, asked),
            figures=price_views.figures(catalog.listed, today),
            filters=price_views.selects(catalog.listed, asked),
            region=asked.region,
            trains=asked.trains,
            carried=price_views.carried(asked),
            prices=listed,
            spread=spread_view(
                catalog.listed,
                lambda gpu: price_views.address(PriceQuery(book=asked.book, gpu=gpu)),
            ),
            tables=(
                hardware_table(catalog.accelerators.values()),
                *price_tables.fact_tables(catalog, today),
            ),
            sources=price_tables.source_rows(price_tables.sources_of(catalog)),
        )
        response = site.render("pages/prices.html", whole, headers=PRIVATE)
    htmx.vary(response)
    return response


@router.get("/prices.csv")
def prices_file(site: Site, asked: Asked) -> Response:
    """All prices that pass the filter, in its order."""
    catalog = _catalog(site, asked)
    delivered = _delivered(catalog)
    text = as_csv(selected(catalog.listed, asked, delivered), delivered, requests.today())
    return csv_file(text, "prices.csv", PRIVATE)
