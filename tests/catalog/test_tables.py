"""What each kind of wrong row is told: file, line, column, and what would do."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.catalog.catalog import CATALOG_DIR, _load, load_catalog
from app.catalog.pricing_rows import OfferRow, SourceRow
from app.catalog.tables import CatalogError, read_table
from tests.catalog.one_cell import change, told

ROOT = Path(__file__).parents[2]
HEADER = "source,title,publisher,kind,locator,published,retrieved,licence,note"
GOOD = "one,A title,A publisher,code,somewhere,2026-01-02,2026-11-23,MIT,"


def write(path: Path, *lines: str, end: str = "\n", start: str = "") -> Path:
    path.write_bytes((start + end.join((*lines, ""))).encode())
    return path


def problems(path: Path) -> tuple[str, ...]:
    with pytest.raises(CatalogError) as caught:
        read_table(path, SourceRow)
    return caught.value.problems


def test_a_good_table_is_read_with_its_line_numbers(tmp_path: Path) -> None:
    path = write(tmp_path / "sources.csv", HEADER, GOOD, "", ",,,,,,,,", GOOD.replace("one", "two"))
    assert [(line, row.source) for line, row in read_table(path, SourceRow)] == [
        (2, "one"),
        (5, "two"),
    ]


def test_byte_order_mark_crlf_and_column_order_do_not_matter(tmp_path: Path) -> None:
    plain = write(tmp_path / "a.csv", HEADER, GOOD)
    windows = write(tmp_path / "b.csv", HEADER, GOOD, end="\r\n", start="\ufeff")
    turned = write(
        tmp_path / "c.csv",
        ",".join(reversed(HEADER.split(","))),
        ",".join(reversed(GOOD.split(","))),
    )
    expected = read_table(plain, SourceRow)
    assert read_table(windows, SourceRow) == expected
    assert read_table(turned, SourceRow) == expected


def test_a_quoted_line_break_keeps_the_line_numbers_right(tmp_path: Path) -> None:
    path = write(
        tmp_path / "sources.csv",
        HEADER,
        'one,"A title\nin two lines",A publisher,code,somewhere,,2026-11-23,MIT,',
        GOOD.replace("one", "two").replace("code", "rumour"),
    )
    assert problems(path)[0].startswith("sources.csv line 4, kind: 'rumour' is not one of ")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (HEADER.replace(",licence", ""), "line 1, licence: this column is missing"),
        (HEADER + ",extra", "line 1, extra: this column is not known; the columns are source, "),
        (HEADER + ",note", "line 1, note: this column is in the header twice"),
        (HEADER + ",", "line 1, (blank): this column is not known"),
    ],
)
def test_wrong_headers(tmp_path: Path, header: str, expected: str) -> None:
    path = write(tmp_path / "sources.csv", header, GOOD)
    assert any(found.startswith(f"sources.csv {expected}") for found in problems(path))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("A title", "", "line 2, title: is blank; this column needs a value"),
        ("A title", "=1+1", "line 2, title: '=1+1' would be read as a formula"),
        ("one", "a name", "line 2, source: 'a name' may hold only letters"),
        ("code", "blog", "line 2, kind: 'blog' is not one of 'price_api'"),
        ("2026-11-23", "23.11.2026", "line 2, retrieved: '23.11.2026' is not a day such as"),
        ("2026-11-23", "2026-11-31", "line 2, retrieved: '2026-11-31' is not a day such as"),
        ("2026-01-02", "2026-12-01", "line 2, published: 2026-12-01 is after retrieved"),
        (",MIT,", ",MIT", "line 2: has 8 cells where the header has 9"),
    ],
)
def test_wrong_cells(tmp_path: Path, old: str, new: str, expected: str) -> None:
    path = write(tmp_path / "sources.csv", HEADER, GOOD.replace(old, new))
    assert problems(path)[0].startswith(f"sources.csv {expected}")


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    path = write(
        tmp_path / "sources.csv",
        HEADER,
        GOOD,
        GOOD,
        GOOD.replace("one", "two").replace("code", "x").replace("2026-11-23", "today"),
    )
    found = problems(path)
    assert len(found) == 3
    assert found[0].startswith("sources.csv line 3, source: 'one' is already on line 2")
    assert {text.split(":")[0] for text in found[1:]} == {
        "sources.csv line 4, kind",
        "sources.csv line 4, retrieved",
    }


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "source: this column is missing"),
        (HEADER.encode() + b"\n", "sources.csv: holds no rows"),
        (HEADER.encode() + b'\n"one,two\n', "is not valid CSV"),
        (HEADER.encode() + b"\n\xff\xfe", "sources.csv: is not UTF-8"),
    ],
)
def test_unusable_files(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "sources.csv"
    path.write_bytes(content)
    assert any(expected in found for found in problems(path))


def test_a_missing_file(tmp_path: Path) -> None:
    assert "is missing" in problems(tmp_path / "sources.csv")[0]


# ------------------------------------------------------------------ the real tables, one cell wrong


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("usd_per_instance_hour", "98.32$", "'98.32$' is not a plain decimal number"),
        ("usd_per_instance_hour", "nan", "'nan' is not a plain decimal number"),
        ("usd_per_instance_hour", "inf", "'inf' is not a plain decimal number"),
        ("usd_per_instance_hour", "-1", "-1 is below 0;"),
        ("usd_per_instance_hour", "1e2", "'1e2' is not a plain decimal number"),
        ("usd_per_instance_hour", "", "is blank; this column needs a value"),
        ("usd_per_instance_hour", "100600", "100600 is out of range; 0.01 to 10000 USD/h"),
        ("usd_per_instance_hour", "1006", "is 1006 USD per GPU and hour; 0.05 to 60 is expected"),
        ("usd_per_instance_hour", "0.02", "is 0.02 USD per GPU and hour; 0.05 to 60"),
        ("gpus_per_instance", "1.0", "'1.0' is not a plain whole number"),
        ("gpus_per_instance", "0", "0 is out of range; 1 to 144 GPUs"),
        ("gpu_memory_gib", "24576", "24576 is out of range; 8 to 1024 GiB"),
        ("gpu_memory_gib", "32", "is 32; NVIDIA A10G 24 GB has 24 that can be used"),
        ("intra_node_link", "pcie", "is pcie with 1 GPUs; none is for one GPU"),
        ("accelerator", "A10X", "'A10X' is not in accelerators.csv; add it there"),
        ("source", "hearsay", "'hearsay' is not in sources.csv; add it there"),
        ("usd_per_instance_hour", "=1+1", "'=1+1' would be read as a formula"),
        ("tier", "marketplace", "is marketplace; Amazon Web Services sells on-demand as list"),
        ("tier", "capacity-block", "is capacity-block; Amazon Web Services sells on-demand as"),
        ("tier", "spot", "is spot; Amazon Web Services sells on-demand as list"),
        ("purchase_option", "rented", "'rented' is not one of 'on-demand'"),
        ("trainable", "maybe", "'maybe' is not yes or no"),
        ("minimum_instances", "2", "is 2; write the smallest unit that is sold as one instance"),
        ("valid_from", "2026-12-24", "2026-12-24 is after retrieved (2026-11-23)"),
        (
            "offer",
            "g5-xlarge",
            "'g5-xlarge' must be 'aws.g5-xlarge.us-east-1.on-demand' by the oth",
        ),
        ("evidence", "sure", "'sure' is not one of 'price-api'"),
    ],
)
def test_wrong_offers(
    folders: tuple[Path, Path, Path], column: str, value: str, expected: str
) -> None:
    change(folders[0] / "offers.csv", 2, column, value)
    assert any(
        found.startswith(f"offers.csv line 2, {column}: {expected}") for found in told(folders)
    )


@pytest.mark.parametrize(
    ("folder", "table", "column", "value", "expected"),
    [
        (0, "accelerators.csv", "memory_gib", "24000", "24000 is out of range; 8 to 1024 GiB"),
        (0, "accelerators.csv", "memory_bandwidth_gb_per_s", "0.6", "0.6 is out of range"),
        (0, "accelerators.csv", "bf16_dense_tflop_per_s", "125000", "125000 is out of range"),
        (0, "accelerators.csv", "link", "nvswitch", "'nvswitch' is not one of 'nvlink'"),
        (0, "accelerators.csv", "link_gb_per_s_per_direction", "64", "differs from the PCIe"),
        (0, "accelerators.csv", "fp16_dense_tflop_per_s", "", "is blank as bf16 is; one of them"),
        (0, "accelerators.csv", "fp16_dense_tflop_per_s", "0", "0 is out of range; 10 to 20000"),
        (0, "accelerators.csv", "source", "hearsay", "'hearsay' is not in sources.csv"),
        (0, "providers.csv", "firm", "", "is blank; this column needs a value"),
        (1, "architectures.csv", "model", "a/b", "configs/a__b.json is missing; add it"),
        (1, "architectures.csv", "source", "hearsay", "'hearsay' is not in sources.csv"),
        (2, "studies.csv", "address", "arxiv.org/abs/1", "'arxiv.org/abs/1' must begin with"),
        (2, "results.csv", "study", "nobody-2020", "'nobody-2020' is not in studies.csv"),
        (2, "results.csv", "full_points", "152", "152 is out of range; 0 to 100 points"),
        (2, "results.csv", "base_same_harness", "", "is yes or no where base_points is given"),
        (2, "results.csv", "group", "easy", "'easy' is not one of 'narrow'"),
    ],
)
def test_wrong_rows_of_the_other_tables(
    folders: tuple[Path, Path, Path],
    folder: int,
    table: str,
    column: str,
    value: str,
    expected: str,
) -> None:
    change(folders[folder] / table, 2, column, value)
    assert any(found.startswith(f"{table} line 2, {column}: {expected}") for found in told(folders))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{"model_type": "bert"}', "architectures.csv line 2, model_type: is 'bert'; understood"),
        ('{"model_type": "llama", "hidden_size": 5.5}', "architectures.csv line 2, hidden_size"),
        ("{", "architectures.csv line 2, model: configs/01-ai__Yi-34B.json: Expecting"),
    ],
)
def test_wrong_configurations(
    folders: tuple[Path, Path, Path], content: str, expected: str
) -> None:
    (folders[1] / "configs/01-ai__Yi-34B.json").write_text(content)
    assert told(folders)[0].startswith(expected)


def test_a_configuration_that_no_row_names(folders: tuple[Path, Path, Path]) -> None:
    (folders[1] / "configs/a__b.json").write_text("{}")
    assert told(folders) == ("configs/a__b.json: no row of architectures.csv names it",)


def test_a_link_that_the_accelerator_does_not_have(folders: tuple[Path, Path, Path]) -> None:
    change(folders[0] / "offers.csv", 3, "intra_node_link", "nvlink")
    assert told(folders) == (
        "offers.csv line 3, intra_node_link: is nvlink; NVIDIA A10G 24 GB has pcie",
    )


def test_a_provider_that_is_not_in_its_table(folders: tuple[Path, Path, Path]) -> None:
    change(folders[0] / "providers.csv", 2, "provider", "amazon")
    assert told(folders)[0] == (
        "offers.csv line 2, provider: 'aws' is not in providers.csv; add it there"
    )


def test_problems_of_several_tables_come_together(folders: tuple[Path, Path, Path]) -> None:
    change(folders[0] / "offers.csv", 2, "tier", "gift")
    change(folders[0] / "accelerators.csv", 2, "source", "hearsay")
    change(folders[2] / "results.csv", 3, "rank", "high")
    assert [found.split(":")[0] for found in told(folders)] == [
        "offers.csv line 2, tier",
        "results.csv line 3, rank",
        "accelerators.csv line 2, source",
    ]


def test_the_message_counts_and_lists_the_problems(folders: tuple[Path, Path, Path]) -> None:
    change(folders[0] / "offers.csv", 2, "tier", "gift")
    with pytest.raises(CatalogError, match=r"^1 problem in the tables:\noffers\.csv line 2, tier"):
        _load(*folders)


def test_content_hash_follows_the_content_and_not_the_line_ends(
    folders: tuple[Path, Path, Path],
) -> None:
    before = load_catalog(ROOT / "pricing").content_hash
    path = folders[0] / "offers.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert _load(*folders).content_hash == before
    change(path, 2, "usd_per_instance_hour", "1.007")
    assert _load(*folders).content_hash != before


# Read by the importers, and by people only: no answer is computed from them.
APART = ("accelerator_names.csv", "corrections.csv")


@pytest.mark.parametrize(
    ("folder", "table"),
    [
        *(
            (0, path.name)
            for path in sorted((ROOT / "pricing").glob("*.csv"))
            if path.name not in APART
        ),
        *((1, path.name) for path in sorted((CATALOG_DIR / "models").glob("*.csv"))),
        *((2, path.name) for path in sorted((CATALOG_DIR / "evidence").glob("*.csv"))),
    ],
)
def test_content_hash_follows_every_table(
    folders: tuple[Path, Path, Path], folder: int, table: str
) -> None:
    before = _load(*folders).content_hash
    path = folders[folder] / table
    path.write_bytes(path.read_bytes() + b"\n")  # a blank line, which means nothing
    changed = _load(*folders)
    assert changed.content_hash != before


def test_prices_stay_decimal_in_the_table() -> None:
    rows = dict(read_table(ROOT / "pricing/offers.csv", OfferRow))
    assert str(rows[2].usd_per_instance_hour) == "1.006"


def test_no_list_price_at_all(folders: tuple[Path, Path, Path]) -> None:
    path = folders[0] / "offers.csv"
    lines = path.read_text(encoding="utf-8").split("\n")
    kept = [line for line in lines[1:] if ",marketplace," in line]
    write(path, lines[0], *kept)
    assert told(folders) == ("offers.csv: holds no trainable offer of the list tier; add one",)
