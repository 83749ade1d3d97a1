"""A company's own rates and discounts: strict, with every problem at its line and column."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from app.catalog.catalog import Catalog
from app.catalog.importers import Imported, read_discounts, read_rates
from app.catalog.importers.rates import CHECKS, OPTIONAL, REQUIRED
from app.catalog.price_books import EVERY_REGION, BookRow, Discount
from app.catalog.tables import CatalogError

Import = Callable[..., Imported]
TODAY = date(2026, 11, 24)
HEADER = ",".join(REQUIRED)
P5 = "aws,p5.48xlarge,H100-SXM-80GB,8,us-east-1,on-demand,44.1,2026-11-01"


def read(catalog: Catalog, *lines: str, header: str = HEADER) -> tuple[BookRow, ...]:
    """The rows of some lines."""
    return read_rates(
        "\n".join((header, *lines, "")),
        "Rates",
        accelerators=catalog.accelerators,
        providers=catalog.providers,
        today=TODAY,
    )


def problems(catalog: Catalog, *lines: str, header: str = HEADER) -> tuple[str, ...]:
    """What is wrong with some lines."""
    with pytest.raises(CatalogError) as caught:
        read(catalog, *lines, header=header)
    return caught.value.problems


# ------------------------------------------------------------------------------- rates


def test_the_columns_are_those_of_a_row_of_a_price_book() -> None:
    names = {field.name for field in fields(BookRow)}
    assert {*REQUIRED, *OPTIONAL} == names == set(CHECKS)


def test_a_rate_is_read_as_it_was_written(catalog: Catalog) -> None:
    (row,) = read(catalog, P5)
    assert row == BookRow(
        provider="aws",
        instance="p5.48xlarge",
        accelerator="H100-SXM-80GB",
        gpus_per_instance=8,
        gpu_memory_gib=None,
        vcpus=None,
        host_memory_gib=None,
        inter_node_gbit_per_s=None,
        region="us-east-1",
        purchase_option="on-demand",
        usd_per_instance_hour=Decimal("44.1"),
        tier="list",
        valid_from=date(2026, 11, 1),
        source="entered",
    )


def test_optional_columns_stand_anywhere(catalog: Catalog) -> None:
    header = f"note,{HEADER},vcpus,host_memory_gib,inter_node_gbit_per_s,gpu_memory_gib,source,tier"
    line = f'"net, quote 7",{P5},192,2048,3200,80,quote of 2026-10-30,list'
    (row,) = read(catalog, line, header=header)
    assert (row.note, row.source) == ("net, quote 7", "quote of 2026-10-30")
    assert (row.vcpus, row.host_memory_gib, row.inter_node_gbit_per_s) == (192, 2048, 3200)
    assert row.gpu_memory_gib == 80


def test_bytes_with_a_byte_order_mark_and_crlf_are_read_too(catalog: Catalog) -> None:
    rows = read_rates(
        b"\xef\xbb\xbf" + f"{HEADER}\r\n\r\n {P5} \r\n".encode(),
        "Rates",
        accelerators=catalog.accelerators,
        providers=catalog.providers,
        today=TODAY,
    )
    assert rows == read(catalog, P5)


def test_rows_are_sorted_and_a_price_may_hold_in_every_region(catalog: Catalog) -> None:
    everywhere = P5.replace("us-east-1", EVERY_REGION).replace("44.1", "45")
    rows = read(catalog, P5, everywhere, P5.replace("on-demand", "reserved-1y"))
    assert [(row.region, row.purchase_option) for row in rows] == [
        (EVERY_REGION, "on-demand"),
        ("us-east-1", "on-demand"),
        ("us-east-1", "reserved-1y"),
    ]


@pytest.mark.parametrize(
    ("provider", "option", "tier"),
    [
        ("aws", "spot", "spot"),
        ("aws", "capacity-block", "capacity-block"),
        ("aws", "reserved-3y", "list"),
        ("vast", "on-demand", "marketplace"),
        ("vast", "spot", "marketplace"),
    ],
)
def test_the_tier_follows_from_provider_and_option(
    catalog: Catalog, provider: str, option: str, tier: str
) -> None:
    line = P5.replace("aws", provider).replace("on-demand", option)
    assert read(catalog, line)[0].tier == tier


def test_another_provider_must_say_what_its_price_is_worth(catalog: Catalog) -> None:
    line = P5.replace("aws", "own-hall")
    (told,) = problems(catalog, line)
    assert told.startswith("Rates line 2, provider: 'own-hall' is not known;")
    (row,) = read(catalog, f"{line},list", header=f"{HEADER},tier")
    assert (row.provider, row.tier) == ("own-hall", "list")
    (told,) = problems(catalog, P5.replace("aws", "asw"))
    assert "did you mean aws?" in told


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("aws", "AWS"), "provider: 'AWS' must be in lower case"),
        (("aws", "a w"), "provider: 'a w' may hold only letters"),
        (("aws", ""), "provider: is blank; this column needs a value"),
        (("H100-SXM-80GB", "H100"), "accelerator: 'H100' is not in accelerators.csv; did you mean"),
        ((",8,", ",8.5,"), "gpus_per_instance: '8.5' is not a plain whole number"),
        ((",8,", ",0,"), "gpus_per_instance: 0 is out of range"),
        (("on-demand", "on demand"), "purchase_option: 'on demand' is not one of on-demand, spot"),
        (("44.1", "forty"), "usd_per_instance_hour: 'forty' is not a plain decimal number"),
        (("44.1", "-44.1"), "usd_per_instance_hour: -44.1 is below 0; 0.01 to 10000 USD/h"),
        (("44.1", ""), "usd_per_instance_hour: is blank"),
        (("44.1", "0"), "usd_per_instance_hour: 0 is out of range"),
        (("44.1", "=40+4"), "usd_per_instance_hour: '=40+4' would be read as a formula"),
        (("44.1", "0.2"), "usd_per_instance_hour: is 0.025 USD per GPU and hour; 0.05 to 60"),
        (("44.1", "4410"), "usd_per_instance_hour: is 551.2 USD per GPU and hour"),
        (("2026-11-01", "1.11.2026"), "valid_from: '1.11.2026' is not a day such as"),
        (("2026-11-01", "2026-12-01"), "valid_from: 2026-12-01 is after today, 2026-11-24"),
        (("p5.48xlarge", "@p5"), "instance: '@p5' would be read as a formula"),
        (("p5.48xlarge", "-inf"), "instance: '-inf' would be read as a formula"),
        (("us-east-1", "+1"), "region: '+1' would be read as a formula"),
        ((",8,", ",-8,"), "gpus_per_instance: '-8' is not a plain whole number"),
        (("p5.48xlarge", 201 * "p"), "instance: is not a name of at most 200"),
    ],
)
def test_a_wrong_cell_is_told_by_line_and_column(
    catalog: Catalog, change: tuple[str, str], told: str
) -> None:
    (found,) = problems(catalog, P5.replace(*change))
    assert found.startswith(f"Rates line 2, {told}")


def test_cells_that_do_not_go_together_are_told(catalog: Catalog) -> None:
    header = f"{HEADER},tier,gpu_memory_gib"
    found = problems(
        catalog,
        f"{P5},spot,80",
        f"{P5},list,40",
        f"{P5.replace(',8,', ',4,')},list,",
        header=header,
    )
    assert found == (
        "Rates line 2, tier: is spot but purchase_option on-demand",
        "Rates line 3, gpu_memory_gib: is 40; NVIDIA H100 SXM 80 GB has 80 GiB",
        "Rates line 3, instance: there is already a price for this on line 2; keep one",
        "Rates line 4, gpus_per_instance: is 4 x H100-SXM-80GB; line 2 has 8 x H100-SXM-80GB for "
        "the same instance",
        "Rates line 4, instance: there is already a price for this on line 2; keep one",
    )


def test_a_note_cannot_be_a_signed_number(catalog: Catalog) -> None:
    header = f"{HEADER},note,vcpus"
    (told,) = problems(catalog, f"{P5},+1,192", header=header)
    assert told.startswith("Rates line 2, note: '+1' would be read as a formula")
    (told,) = problems(catalog, f"{P5},,+192", header=header)
    assert told == "Rates line 2, vcpus: '+192' is not a plain whole number such as 8"


def test_hosts_of_a_marketplace_may_be_called_alike(catalog: Catalog) -> None:
    hosts = [P5.replace("aws", "vast"), P5.replace("aws", "vast").replace(",8,us-east-1", ",4,eu")]
    assert [row.gpus_per_instance for row in read(catalog, *hosts)] == [4, 8]


def test_names_that_differ_in_signs_alone_are_one_offer(catalog: Catalog) -> None:
    (told,) = problems(catalog, P5, P5.replace("p5.48xlarge", "P5 48xlarge"))
    assert told == "Rates line 3, instance: there is already a price for this on line 2; keep one"


def test_the_header_is_checked_first(catalog: Catalog) -> None:
    assert problems(catalog, P5, header=f"{HEADER},price,region".replace(",instance,", ",")) == (
        "Rates line 1, instance: this column is missing from the header",
        "Rates line 1, region: this column is in the header twice",
        "Rates line 1, price: this column is not known; the columns are "
        + ", ".join((*REQUIRED, *OPTIONAL)),
    )
    assert problems(catalog, f"{P5},x", header=f"{HEADER},")[0].startswith(
        "Rates line 1, (blank): this column is not known"
    )


def test_rows_of_another_width_and_no_rows_are_told(catalog: Catalog) -> None:
    assert problems(catalog, f"{P5},5")[0].startswith("Rates line 2: has 9 cells where the header")
    assert problems(catalog) == ("Rates: holds no rows; at least one is needed",)


def test_only_the_first_problems_are_shown_with_how_many_more(catalog: Catalog) -> None:
    found = problems(catalog, *(P5.replace("44.1", "-1") for _ in range(1_234)))
    assert len(found) == 51
    assert found[-1] == "and 1,184 more problems"


def test_text_that_utf_8_cannot_hold_is_told(catalog: Catalog) -> None:
    assert read(catalog, P5.replace("us-east-1", "a\ud800b"))[0].region == "a?b"


def test_too_long_a_text_is_refused(catalog: Catalog) -> None:
    with pytest.raises(CatalogError, match="is larger than 40 MB"):
        read(catalog, 40_000_000 * "x")


# ------------------------------------------------------------------------------- files


def test_files_of_rates_are_imported_with_their_name(imported: Import, tmp_path: Path) -> None:
    one, two = tmp_path / "rates.csv", tmp_path / "more.csv"
    one.write_text(f"{HEADER}\n{P5}\n")
    two.write_text(f"{HEADER},source\n{P5.replace('us-east-1', 'us-west-2')},quote 7\n")
    result = imported("csv", one, two, valid_from=TODAY)
    assert [(row.region, row.source) for row in result.rows] == [
        ("us-east-1", "csv rates.csv"),
        ("us-west-2", "csv more.csv: quote 7"),
    ]
    assert (result.read, result.providers) == (2, ("aws",))
    assert dict(result.taken) == {("aws", "on-demand"): 2}
    assert imported("csv", two, one, valid_from=TODAY) == result


def test_rows_that_came_from_a_file_keep_its_name(imported: Import, tmp_path: Path) -> None:
    path = tmp_path / "rates.csv"
    path.write_text(f"{HEADER},source\n{P5},csv first.csv\n")
    assert imported("csv", path).rows[0].source == "csv first.csv"


def test_two_files_with_a_price_for_one_place_and_a_provider_option_are_refused(
    imported: Import, tmp_path: Path
) -> None:
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    for path in (one, two):
        path.write_text(f"{HEADER}\n{P5}\n")
    with pytest.raises(CatalogError, match="more than one file has a price"):
        imported("csv", one, two)
    with pytest.raises(CatalogError, match="names the provider in every row"):
        imported("csv", one, provider="aws")


def test_a_file_knows_the_sellers_of_the_table(imported: Import, tmp_path: Path) -> None:
    path = tmp_path / "rates.csv"
    sellers = ("ori", "seeweb", "prime-intellect", "shadeform")
    path.write_text("\n".join((HEADER, *(P5.replace("aws", seller) for seller in sellers))))
    result = imported("csv", path, valid_from=TODAY)
    assert {row.provider: row.tier for row in result.rows} == {
        "ori": "list",
        "seeweb": "list",
        "prime-intellect": "marketplace",
        "shadeform": "marketplace",
    }
    assert result.doubted == frozenset()


def test_a_file_with_one_wrong_row_takes_nothing(imported: Import, tmp_path: Path) -> None:
    path = tmp_path / "rates.csv"
    path.write_text(f"{HEADER}\n{P5}\n{P5.replace('44.1', '44 USD')}\n")
    with pytest.raises(CatalogError, match=r"rates\.csv line 3, usd_per_instance_hour"):
        imported("csv", path)


# ------------------------------------------------------------------------------- discounts


def test_discounts_are_for_a_provider_or_for_one_way_to_buy(catalog: Catalog) -> None:
    text = "# agreed in May\n\naws, 12\nAWS , reserved-1y, 20 %\naws,spot,-5\ngcp, 7.5%\n"
    assert read_discounts(text, "Discounts", catalog.providers) == (
        Discount("aws", "", Decimal(12)),
        Discount("aws", "reserved-1y", Decimal(20)),
        Discount("aws", "spot", Decimal(-5)),
        Discount("gcp", "", Decimal("7.5")),
    )
    assert read_discounts("", "Discounts", catalog.providers) == ()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("aws", "'aws' is not a discount; write provider, per cent"),
        ("aws, on-demand, 5, 6", "is not a discount"),
        ("asw, 5", "'asw' is not a provider with built-in prices; did you mean aws?"),
        ("aws, 12,5", "'12' is not one of on-demand, spot"),
        ("aws, twelve", "'twelve' is not a percentage such as 12.5"),
        ("aws, 1e1", "'1e1' is not a percentage"),
        ("aws, 100", "100 is out of range"),
        ("aws, -101", "-101 is out of range"),
        ("aws, =5", "'=5' is not a percentage"),
    ],
)
def test_a_wrong_discount_is_told_by_its_line(catalog: Catalog, line: str, told: str) -> None:
    with pytest.raises(CatalogError) as caught:
        read_discounts(f"gcp, 5\n{line}\n", "Discounts", catalog.providers)
    (found,) = caught.value.problems
    assert found.startswith("Discounts line 2: ")
    assert told in found


def test_a_second_discount_for_the_same_is_told(catalog: Catalog) -> None:
    with pytest.raises(CatalogError) as caught:
        read_discounts("aws, 5\naws, 6\naws, spot, 5\naws, spot, 5", "D", catalog.providers)
    assert caught.value.problems == (
        "D line 2: line 1 already has a discount for aws; keep one",
        "D line 4: line 3 already has a discount for aws spot; keep one",
    )
