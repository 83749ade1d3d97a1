"""Files that cannot be used: a clear message, quickly, and nothing half-imported."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.catalog.importers import Imported
from app.catalog.importers.csv_stream import MAX_FILE_BYTES
from app.catalog.tables import CatalogError

Import = Callable[..., Imported]
HEADER = b"InstanceType,AcceleratorName,AcceleratorCount,Price,SpotPrice,Region\n"
GOOD = b"p5.48xlarge,H100,8,55.5,20,us-east-1\n"


def write(folder: Path, content: bytes, name: str = "aws.csv") -> Path:
    """A file of these bytes."""
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "the header lacks InstanceType, AcceleratorName"),
        (b"\x89PNG\r\n\x1a\n\xff\xfe\x00\x01", "is not UTF-8"),
        (HEADER + GOOD + b"\xff\xfe\n", "is not UTF-8"),
        (HEADER.decode().encode("utf-16"), "is not UTF-8"),
        (b"PK\x03\x04\x14\x00\x00\x00", "and holds PK\\x03"),
        (b"a,b\n1,2\n", "SpotPrice, Region and holds a, b; check"),
        (HEADER.replace(b"Region", b"Price"), "the header lacks Region and holds"),
        (HEADER[:-1] + b",Price\n", "line 1, Price: this column is in the header twice"),
        (HEADER + b'"p5.48xlarge,H100\n', "line 2: is not valid CSV"),
        (HEADER + b'"p5" x,H100,8,1,1,r\n', "line 2: is not valid CSV"),
        (HEADER + GOOD + b"p5,H100,8,55\n", "line 3: has 4 cells where the header has 6"),
        (HEADER + b"p5,H100,8,55,,us,east\n", "line 2: has 7 cells where the header has 6"),
        (HEADER + b"p5,H100,8,$55,,r\n", "line 2, Price: '$55' is not a price such as 55.04"),
        (HEADER + b"p5,H100,8,inf,,r\n", "line 2, Price: 'inf' is not a price"),
        (HEADER + b"p5,H100,8,1e300,,r\n", "line 2, Price: '1e300' is not a price"),
        (HEADER + b"p5,H100,8,-55,,r\n", "line 2, Price: -55 is below 0"),
        (HEADER + b"p5,H100,8,55,-1,r\n", "line 2, SpotPrice: -1 is below 0"),
        (HEADER + b"p5,H100,8,=40+15,,r\n", "line 2, Price: '=40+15' would be read as a formula"),
        (HEADER + b"@SUM(A1),H100,8,55,,r\n", "line 2, InstanceType: '@SUM(A1)' would be read"),
        (HEADER + b"+cmd|' /C calc'!A0,H100,8,55,,r\n", 'line 2, InstanceType: "+cmd|'),
        (HEADER + b"-1+2,H100,8,55,,r\n", "line 2, InstanceType: '-1+2' would be read as a"),
        (
            HEADER[:-1] + b",Generation\n" + GOOD[:-1] + b",V1,=V2\n",
            "line 2: holds a formula; give its value",
        ),
        (HEADER + b"p5,H100,8,55,,r\x07\n", "line 2, Region: is not a name of at most 200"),
        (HEADER + b"p5,H100,8,55,," + 201 * b"r" + b"\n", "Region: is not a name of at most 200"),
        (HEADER + b"p\x005,H100,8,55,,r\n", "InstanceType: is not a name"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_by_line_and_column(
    imported: Import, tmp_path: Path, content: bytes, told: str
) -> None:
    with pytest.raises(CatalogError) as caught:
        imported("skypilot", write(tmp_path, content))
    assert told in str(caught.value)
    assert "aws.csv" in str(caught.value)


def test_a_wrong_header_is_one_problem_that_names_every_missing_column(
    imported: Import, tmp_path: Path
) -> None:
    with pytest.raises(CatalogError) as caught:
        imported("skypilot", write(tmp_path, b"InstanceType,Price,Region\n"))
    [problem] = caught.value.problems
    assert "lacks AcceleratorName, AcceleratorCount, SpotPrice and holds InstanceType" in problem
    with pytest.raises(CatalogError) as caught:
        imported("gpuhunt", write(tmp_path, HEADER))
    [problem] = caught.value.problems
    assert "holds InstanceType" in problem


@pytest.mark.parametrize(("sign", "called"), [(b";", "semicolons"), (b"\t", "tabs")])
def test_another_separator_is_named(
    imported: Import, tmp_path: Path, sign: bytes, called: str
) -> None:
    for catalogue in ("skypilot", "csv"):
        with pytest.raises(CatalogError, match=f"separated by {called}; save it with commas"):
            imported(catalogue, write(tmp_path, HEADER.replace(b",", sign)))


def test_the_prices_of_a_private_cluster_are_told_apart(imported: Import) -> None:
    with pytest.raises(CatalogError, match="prices per vCPU and per GB of a private cluster"):
        imported("skypilot", "slurm/pricing.csv")


def test_one_bad_file_among_good_ones_takes_nothing(imported: Import, tmp_path: Path) -> None:
    good = write(tmp_path, HEADER + GOOD)
    bad = write(tmp_path, HEADER + GOOD + b"p5,H100,8,free,,r\n", "gcp.csv")
    assert imported("skypilot", good).rows
    with pytest.raises(CatalogError, match=r"gcp\.csv line 3"):
        imported("skypilot", good, bad)


def test_a_missing_file_and_a_folder_are_told(imported: Import, tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=r"aws\.csv: cannot be read"):
        imported("skypilot", tmp_path / "aws.csv")
    with pytest.raises(CatalogError, match="cannot be read"):
        imported("skypilot", tmp_path)
    with pytest.raises(CatalogError, match="cannot be read"):
        imported("csv", tmp_path / "rates.csv")


@pytest.mark.parametrize("format_name", ["skypilot", "gpuhunt", "csv"])
def test_a_file_of_50_mb_is_refused_at_once(
    imported: Import, tmp_path: Path, format_name: str
) -> None:
    path = tmp_path / "aws.csv"
    with path.open("wb") as file:
        file.write(HEADER)
        file.seek(50_000_000)
        file.write(b"\n")
    start = time.monotonic()
    with pytest.raises(CatalogError, match=r"aws\.csv: (has 50 MB|is larger than 40 MB)"):
        imported(format_name, path)
    assert time.monotonic() - start < 1
    assert MAX_FILE_BYTES < 50_000_000


def test_a_cell_without_end_is_refused(imported: Import, tmp_path: Path) -> None:
    path = write(tmp_path, HEADER + b'"' + 200_000 * b"x" + b'",H100,8,1,1,r\n')
    with pytest.raises(CatalogError, match="field larger than field limit"):
        imported("skypilot", path)


def test_a_file_that_names_no_provider_asks_for_it(imported: Import, tmp_path: Path) -> None:
    path = write(tmp_path, HEADER + GOOD, "prices-of-today.csv")
    with pytest.raises(CatalogError, match=r"does not say whose prices it holds"):
        imported("skypilot", path)
    assert imported("skypilot", path, provider="aws").providers == ("aws",)
    with pytest.raises(CatalogError, match="may hold only letters"):
        imported("skypilot", path, provider="my cloud!")


def test_gpu_info_is_never_evaluated(imported: Import, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    evil = f"{{'Gpus': [__import__('pathlib').Path('{mark}').touch()]}}"
    header = HEADER[:-1] + b",GpuInfo\n"
    line = f'p5.48xlarge,H100,8,55.5,20,us-east-1,"{evil}"\n'
    result = imported("skypilot", write(tmp_path, header + line.encode()))
    assert len(result.rows) == 2
    assert not mark.exists()
