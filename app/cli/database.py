"""The database as commands use it: migrated first, closed after."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from app.catalog.catalog import Catalog
from app.cli.common import read_settings, refuse
from app.db.migrate import upgrade
from app.db.session import open_engine, open_sessions
from app.inputs import ScenarioInput
from app.services.book_access import INSTALLATION
from app.services.price_books import PriceBooks
from app.services.scenario_prices import ScenarioPrices
from app.services.scenarios import ScenarioService


class Services(NamedTuple):
    """Use cases that need the database."""

    books: PriceBooks
    prices: ScenarioPrices
    scenarios: ScenarioService


@contextmanager
def database(catalog: Catalog) -> Iterator[Services]:
    """The services on the database of the settings; a refusal where it cannot be used."""
    settings = read_settings()
    try:
        upgrade(settings)
        engine = open_engine(settings.database_url)
        try:
            sessions = open_sessions(engine)
            yield Services(
                PriceBooks(sessions, catalog), ScenarioPrices(sessions), ScenarioService(sessions)
            )
        finally:
            engine.dispose()
    except (SQLAlchemyError, CommandError, OSError) as error:
        refuse(f"the database at DATABASE_URL cannot be used: {error}")


def priced_for(scenario: ScenarioInput, catalog: Catalog) -> Catalog:
    """The catalogue with the prices of a scenario; without a price book no database is opened.

    Whoever runs the command is the operator, who may use every book.

    Raises
    ------
    InputProblems : no price book has the key that the scenario names.
    """
    if not scenario.price_book:
        return catalog
    with database(catalog) as services:
        return services.prices.priced(catalog, scenario.price_book, INSTALLATION)
