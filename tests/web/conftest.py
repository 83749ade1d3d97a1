"""One application for the tests that write nothing, and real reports to lay out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.catalog.catalog import Catalog
from app.estimator.report import Report
from app.inputs import ScenarioInput
from app.main import create_app
from app.services.estimates import estimate
from app.settings import Settings

TODAY = date(2026, 11, 23)


@pytest.fixture(scope="session")
def report(catalog: Catalog) -> Report:
    """The report of the default scenario."""
    return estimate(ScenarioInput(title="Contract review"), catalog, TODAY)


@pytest.fixture(scope="session")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client that only reads."""
    database = tmp_path_factory.mktemp("web") / "reader.sqlite3"
    app = create_app(Settings(database_url=f"sqlite:///{database}"))
    with TestClient(app, base_url="http://localhost") as client:
        yield client


@pytest.fixture(scope="session")
def templates() -> Path:
    """The folder of templates."""
    return Settings().templates_dir
