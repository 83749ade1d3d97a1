"""The benchmark of importing measures what it says."""

from __future__ import annotations

from pathlib import Path

from benchmarks.importing import COLUMNS, LIMIT_MIB, LIMIT_S, ROWS, measure, write_catalogue


def test_a_small_catalogue_is_imported_in_a_process_of_its_own() -> None:
    measured = measure(3_000)
    assert measured.read == 3_000
    # Two prices for a machine with GPUs and its three zones.
    assert 1_000 < measured.rows < 2_000
    assert 0 < measured.seconds < LIMIT_S
    assert 20 < measured.mib < LIMIT_MIB


def test_the_catalogue_has_as_many_rows_as_the_target_names(tmp_path: Path) -> None:
    path = tmp_path / "aws.csv"
    write_catalogue(path)
    with path.open() as file:
        assert next(file).rstrip("\n").split(",") == list(COLUMNS)
        assert sum(1 for _ in file) == ROWS == 60_000
