"""Importers of public price catalogues and of a company's own rates."""

from app.catalog.importers.catalogue import FORMATS, CatalogueFormat, read_catalogue
from app.catalog.importers.discounts import read_discounts
from app.catalog.importers.rates import read_rates
from app.catalog.importers.result import Imported, Skipped

__all__ = [
    "FORMATS",
    "CatalogueFormat",
    "Imported",
    "Skipped",
    "read_catalogue",
    "read_discounts",
    "read_rates",
]
