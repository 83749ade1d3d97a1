"""Sample catalogues, written for these tests in the formats of public ones, with figures of their
own.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from app.catalog.catalog import Catalog
from app.catalog.importers import CatalogueFormat, Imported, read_catalogue

SAMPLES = Path(__file__).parent / "samples"
DAY = date(2026, 11, 20)

Import = Callable[..., Imported]


@pytest.fixture
def samples() -> Path:
    """Folder of the sample catalogues, a folder for each format."""
    return SAMPLES


@pytest.fixture
def imported(catalog: Catalog) -> Import:
    """Import files of a format, by their paths below the samples or whole paths."""

    def run(format_name: CatalogueFormat, *files: str | Path, **options: Any) -> Imported:
        return read_catalogue(
            [SAMPLES / format_name / file for file in files],
            format=format_name,
            **{
                "accelerators": catalog.accelerators,
                "sellers": catalog.providers,
                "offers": catalog.listed,
                "valid_from": DAY,
                **options,
            },
        )

    return run
