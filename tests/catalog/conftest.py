"""Copies of the real tables, to be broken one cell at a time."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from app.catalog.catalog import CATALOG_DIR

PRICING = Path(__file__).parents[2] / "pricing"


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Folders of the price tables, the models and the evidence."""
    shutil.copytree(PRICING, tmp_path / "pricing")
    shutil.copytree(CATALOG_DIR / "models", tmp_path / "models")
    shutil.copytree(CATALOG_DIR / "evidence", tmp_path / "evidence")
    return tmp_path / "pricing", tmp_path / "models", tmp_path / "evidence"
