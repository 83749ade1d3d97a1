"""What the pages of prices and price books are given."""

from __future__ import annotations

from dataclasses import dataclass

from app.web.book_views import BookCard, BookFormView, BookView, RateKeys
from app.web.context_frame import Layout
from app.web.plan_views import FilterSelect
from app.web.price_spread import SpreadView
from app.web.price_tables import FactTable
from app.web.price_views import BookLink, PriceFigure, PriceListView
from app.web.result_parts import SourceRow


@dataclass(frozen=True, slots=True)
class Prices:
    """pages/prices.html

    Parameters
    ----------
    books : the built-in prices first.
    carried : names and values that the filter's form carries on.
    """

    layout: Layout
    books: tuple[BookLink, ...]
    figures: tuple[PriceFigure, ...]
    filters: tuple[FilterSelect, ...]
    region: str
    trains: bool
    carried: tuple[tuple[str, str], ...]
    prices: PriceListView
    spread: SpreadView | None
    tables: tuple[FactTable, ...]
    sources: tuple[SourceRow, ...]


@dataclass(frozen=True, slots=True)
class PricesPart:
    """partials/_prices.html, which is swapped into the page.

    Parameters
    ----------
    status : one short sentence for people who do not see the list change.
    """

    layout: Layout
    prices: PriceListView
    status: str


@dataclass(frozen=True, slots=True)
class BooksPage:
    """pages/books.html"""

    layout: Layout
    books: tuple[BookCard, ...]
    form: BookFormView
    keys: RateKeys


@dataclass(frozen=True, slots=True)
class BookPage:
    """pages/book.html"""

    layout: Layout
    book: BookView
    form: BookFormView
    keys: RateKeys
