"""What the tests of the API share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.main import create_app
from app.settings import Settings


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of the whole application, started once a module: starting is most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [n for n in os.environ if n == "DATABASE_URL" or n.startswith("TUNECASE_")]:
            patch.delenv(name)
        settings = Settings(
            database_url=f"sqlite:///{tmp_path_factory.mktemp('api') / 'api.sqlite3'}"
        )
    with TestClient(create_app(settings), base_url="http://localhost") as client:
        yield client


@pytest.fixture
def rows(client: TestClient) -> Callable[[], int]:
    """Counts the rows that this test has added, to see that a refused request wrote nothing."""
    engine = client.app.state.engine  # type: ignore[attr-defined]

    def count() -> int:
        with engine.connect() as connection:
            return sum(
                connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()  # noqa: S608
                for table in (
                    "workspace",
                    "scenario",
                    "actual_spend",
                    "price_book",
                    "price_book_version",
                )
            )

    before = count()
    return lambda: count() - before


@pytest.fixture(scope="session")
def main_job() -> dict[str, Any]:
    """The issue's main job."""
    return {
        "title": "Legal documents",
        "model": "meta-llama/Meta-Llama-3.1-8B",
        "examples": 50_000,
        "tokens_per_example": 900,
        "epochs": 3,
        "methods": ["full", "lora", "qlora"],
        "lora_rank": 64,
        "qlora_rank": 16,
        "accelerators": ["H100-SXM-80GB", "A100-SXM-80GB"],
    }
