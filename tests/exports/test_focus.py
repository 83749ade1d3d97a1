"""The FOCUS export: the specification's columns and rules, its own validator, and exact sums."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from math import fsum
from pathlib import Path
from typing import Any

import pytest

from app.estimator.report import Report
from app.exports.feeds import line_rows
from app.exports.focus import (
    InvalidExport,
    focus_columns,
    focus_csv,
    focus_method,
    focus_rows,
    scenario_id_of,
)
from app.exports.focus_columns import VERSIONS
from tests.exports.money_reports import money, reserved, rich, with_lines

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "tests" / "reference"
VALIDATOR = ROOT / ".venv-focus" / "bin" / "focus-validator"
ALIASES = ("ChargeType", "InvoiceIssuer", "Provider", "Publisher", "ResourceID")
"""Of version 1.0; see `app.exports.focus_columns`."""

METHODS = ("full", "lora", "qlora")
Row = dict[str, str]


def specification(version: str) -> dict[str, Any]:
    """Columns of a version, as its specification has them."""
    found: dict[str, Any] = json.loads((REFERENCE / f"focus_{version}.json").read_text())
    return found


def rows(report: Report, version: str, **asked: str) -> list[Row]:
    """Rows as anybody reads the file."""
    text = focus_csv(report, "0123456789abcdef", version, **asked)
    return list(csv.DictReader(io.StringIO(text, newline="")))


def every_row(version: str) -> Iterator[Row]:
    """Rows of all methods, and of a reservation."""
    for method in METHODS:
        yield from rows(rich(), version, method=method)
    yield from rows(reserved(rich()), version, method="full")


# ------------------------------------------------------------------------- the validator


def _validated(path: Path) -> str:
    """What the validator prints; its exit status is 0 either way."""
    if not VALIDATOR.is_file():
        reason = "focus-validator is not installed (make .venv-focus/.done)"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{reason}; it must be under CI")
        pytest.skip(reason)
    # It looks for its list of currencies below the folder that it runs in.
    (folder,) = (VALIDATOR.parents[1] / "lib").glob("python*/site-packages")
    done = subprocess.run(
        [VALIDATOR, "--data-file", path, "--validate-version", "1.0"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return done.stdout


def test_version_1_0_passes_its_validator(tmp_path: Path) -> None:
    path = tmp_path / "focus.csv"
    parts = [focus_csv(rich(), "a", "1.0", method) for method in METHODS]
    parts.append(focus_csv(reserved(rich()), "b", "1.0", "full"))
    header = parts[0].split("\r\n", 1)[0]
    path.write_text(header + "\r\n" + "".join(part.split("\r\n", 1)[1] for part in parts))
    assert _validated(path).strip() == "Validation succeeded."


def test_the_validator_finds_what_is_wrong(tmp_path: Path) -> None:
    """So that the test above can fail."""
    path = tmp_path / "wrong.csv"
    path.write_text(
        focus_csv(rich(), "a", "1.0").replace(",USD,", ",US$,").replace("Compute", "Computers")
    )
    said = _validated(path)
    assert "BillingCurrency_IsCurrencyCode failed" in said
    assert "ServiceCategory_Enum failed" in said
    assert "Validation failed!" in said


# ------------------------------------------------------------- the specification's columns


@pytest.mark.parametrize("version", VERSIONS)
def test_columns_are_those_of_the_specification_then_ours(version: str) -> None:
    columns = {column["name"]: column for column in specification(version)["columns"]}
    header = list(focus_columns(version))
    theirs = [name for name in header if not name.startswith("x_")]
    if version == "1.0":
        assert tuple(theirs[-len(ALIASES) :]) == ALIASES
        theirs = theirs[: -len(ALIASES)]
        header = header[: -len(ALIASES)]
    assert set(theirs) <= set(columns)
    assert {name for name, column in columns.items() if column["level"] == "mandatory"} <= set(
        theirs
    )
    assert header[: len(theirs)] == theirs == sorted(theirs)
    assert all(re.fullmatch(r"x_[A-Z][A-Za-z]+", name) for name in header[len(theirs) :])
    assert "x_IsProjection" in header


def test_only_1_4_has_the_names_that_it_brought_and_not_those_that_it_removed() -> None:
    assert {"ServiceProviderName", "HostProviderName"} <= set(focus_columns("1.4"))
    assert not {"ProviderName", "PublisherName"} & set(focus_columns("1.4"))
    assert {"ProviderName", "PublisherName"} <= set(focus_columns("1.2"))


def test_our_columns_are_documented() -> None:
    text = (ROOT / "docs" / "feeds.md").read_text()
    listed = re.findall(r"^\| (x_[A-Za-z]+) \|", text, re.MULTILINE)
    assert listed == [name for name in focus_columns("1.4") if name.startswith("x_")]


@pytest.mark.parametrize("version", VERSIONS)
def test_cells_have_their_type_and_are_null_only_where_they_may(version: str) -> None:
    columns = [c for c in specification(version)["columns"] if c["name"] in focus_columns(version)]
    for row in every_row(version):
        for column in columns:
            cell = row[column["name"]]
            if cell == "":
                assert column["nulls"], column["name"]
                continue
            if column["type"] == "decimal":
                assert re.fullmatch(r"-?[0-9]+(\.[0-9]+)?([eE]-?[0-9]+)?", cell), column["name"]
            elif column["type"] == "datetime":
                assert re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T00:00:00Z", cell)
            elif column["type"] == "json":
                assert isinstance(json.loads(cell), dict)
            assert cell in column.get("values", [cell]), column["name"]


PRICED = (
    *("ListUnitPrice", "ContractedUnitPrice", "PricingQuantity", "PricingUnit", "PricingCategory"),
    *("SkuId", "SkuPriceId"),
)


@pytest.mark.parametrize("version", VERSIONS)
def test_rules_of_nulls_hold(version: str) -> None:
    """Requirements of the columns named, "nullability", in the specification of each version."""
    for row in every_row(version):
        category, committed = row["ChargeCategory"], row["CommitmentDiscountId"] != ""
        if category in {"Usage", "Purchase"}:
            assert all(row[name] != "" for name in PRICED)
        if row["SkuPriceId"] == "":
            assert all(row[name] == "" for name in PRICED)
            assert row["ConsumedQuantity"] == ""
        unused = row["CommitmentDiscountStatus"] == "Unused"
        consumed = category == "Usage" and not unused
        assert (row["ConsumedQuantity"] != "") == (row["ConsumedUnit"] != "") == consumed
        assert (row["CommitmentDiscountStatus"] != "") == (committed and category == "Usage")
        for name in ("CommitmentDiscountCategory", "CommitmentDiscountName"):
            assert (row[name] != "") == committed
        if version != "1.0":
            assert (row["CommitmentDiscountQuantity"] != "") == committed
            assert (row["CommitmentDiscountUnit"] != "") == committed
            assert row["SkuPriceDetails"] == "" or row["SkuPriceId"] != ""
        assert (row["RegionId"] == "") == (row["RegionName"] == "")


@pytest.mark.parametrize("version", VERSIONS)
def test_rules_of_values_hold(version: str) -> None:
    spec = specification(version)
    units: dict[str, set[tuple[str, str]]] = {}
    for row in every_row(version):
        assert row["BillingPeriodStart"] <= row["ChargePeriodStart"] < row["ChargePeriodEnd"]
        assert row["ChargePeriodEnd"] <= row["BillingPeriodEnd"]
        assert not (row["ChargeCategory"] == "Purchase" and row["ChargeFrequency"] == "Usage-Based")
        if row["PricingCategory"] == "Committed":
            assert (row["ChargeCategory"], row["CommitmentDiscountId"] != "") == ("Usage", True)
        if row["SkuPriceId"]:
            for kind in ("List", "Contracted"):
                product = float(row[f"{kind}UnitPrice"]) * float(row["PricingQuantity"])
                assert product == pytest.approx(float(row[f"{kind}Cost"]), rel=1e-9, abs=1e-9)
                assert float(row[f"{kind}UnitPrice"]) >= 0
            units.setdefault(row["SkuPriceId"], set()).add((row["SkuId"], row["PricingUnit"]))
        if "subcategories" in spec:
            assert row["ServiceSubcategory"] in spec["subcategories"][row["ServiceCategory"]]
        if version == "1.4" and row["x_CostScope"] != "provider":
            assert row["HostProviderName"] == "Not Applicable"
    assert all(len(found) == 1 for found in units.values()), "a price has one SKU and one unit"


# --------------------------------------------------------------------------------- money


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("method", METHODS)
def test_it_adds_up_to_the_cost_of_the_method(version: str, method: str) -> None:
    found = rows(rich(), version, method=method)
    cost = fsum(money(next(m for m in rich().methods if m.method == method)).cost_by_month)
    assert fsum(float(row["BilledCost"]) for row in found) == cost
    assert fsum(float(row["EffectiveCost"]) for row in found) == cost
    assert {row["x_Method"] for row in found} == {method}
    assert {row["x_CostScope"] for row in found} == {"provider", "company", "foregone"}
    providers = [float(r["BilledCost"]) for r in found if r["x_CostScope"] == "provider"]
    narrowed = rows(rich(), version, method=method, scope="provider")
    assert fsum(float(row["BilledCost"]) for row in narrowed) == fsum(providers) > 0
    assert {row["x_CostScope"] for row in narrowed} == {"provider"}


def test_a_reservation_is_billed_once_and_has_its_effect_once() -> None:
    report = reserved(rich())
    found = rows(report, "1.4", method="full")
    committed = [row for row in found if row["CommitmentDiscountId"]]
    bought = [row for row in committed if row["ChargeCategory"] == "Purchase"]
    used = [row for row in committed if row["ChargeCategory"] == "Usage"]
    assert {row["CommitmentDiscountStatus"] for row in used} == {"Used", "Unused"}
    assert all(float(row["EffectiveCost"]) == 0 for row in bought)
    assert all(float(row["BilledCost"]) == 0 for row in used)
    paid = fsum(float(row["BilledCost"]) for row in bought)
    assert paid == fsum(float(row["EffectiveCost"]) for row in used) > 0
    assert fsum(float(row["BilledCost"]) for row in found) == fsum(
        line.usd for line in money(report.methods[0]).lines if line.side == "cost"
    )


def test_spot_is_dynamic_and_a_discount_shows_its_list_price() -> None:
    first, *others = rich().methods
    assert first.plan is not None
    rate = first.plan.usd_per_instance_hour
    plan = replace(first.plan, purchase_option="spot", list_usd_per_instance_hour=2 * rate)
    report = replace(rich(), methods=(replace(first, plan=plan), *others))
    found = [row for row in rows(report, "1.0", method="full") if row["x_PurchaseOption"]]
    assert found
    for row in found:
        assert row["PricingCategory"] == "Dynamic"
        assert float(row["ListCost"]) == pytest.approx(2 * float(row["ContractedCost"]))
        assert float(row["BilledCost"]) == float(row["ContractedCost"])


def test_every_row_says_that_it_is_a_forecast() -> None:
    for row in every_row("1.4"):
        assert row["x_IsProjection"] == "true"
        assert row["BillingAccountId"].startswith("forecast/")
        assert row["ChargeDescription"].startswith("Forecast: ")
        assert row["x_ScenarioTitle"].startswith("'=")


def test_what_costs_nothing_is_no_charge() -> None:
    """A line of nothing keeps its quantities, for the workbook."""
    report = rich()
    first = report.methods[0]
    spent = next(line for line in money(first).lines if line.category == "people" and line.usd)
    lines = tuple(
        replace(line, usd=0.0, unit_price_usd=0.0, usd_by_month=(0.0,) * len(line.usd_by_month))
        if line == spent
        else line
        for line in money(first).lines
    )
    changed = with_lines(report, lines)
    assert any(row["x_LineKey"] == spent.key for row in rows(report, "1.0", method="full"))
    found = rows(changed, "1.0", method="full")
    assert spent.key not in {row["x_LineKey"] for row in found}
    assert {
        row.line for row in line_rows(changed) if row.method == "full" and row.side == "cost"
    } == {row["x_LineKey"] for row in found}


def test_month_0_is_the_first_day() -> None:
    first = next(row for row in rows(rich(), "1.0") if row["x_Month"] == "0")
    assert first["ChargePeriodStart"] == "2027-03-01T00:00:00Z"
    assert first["ChargePeriodEnd"] == "2027-03-02T00:00:00Z"
    assert first["BillingPeriodEnd"] == "2027-04-01T00:00:00Z"


# ---------------------------------------------------------------------- what is asked for


@pytest.mark.parametrize("choice", ["full", "lora", "pilot", "neither"])
def test_the_method_is_the_one_that_the_verdict_recommends(choice: str) -> None:
    """Of two adapters the result leads with the one that its comparison names, and so does this."""
    report = replace(rich(), verdict=replace(rich().verdict, choice=choice))
    assert report.comparison is not None
    standing = {"full", report.comparison.adapter_method}
    assert report.comparison.adapter_method == "lora"
    worth = {m.method: m.npv_usd.mean for m in report.methods if m.npv_usd}
    wanted = choice if choice in METHODS else max(standing, key=lambda method: worth[method])
    assert {row["x_Method"] for row in rows(report, "1.0")} == {focus_method(report)} == {wanted}


def test_nothing_is_charged_for_what_has_no_price() -> None:
    """A line of cost that has a quantity and comes to nothing is no charge."""
    first = rich().methods[0]
    lines = money(first).lines
    nothing = (0.0,) * len(lines[0].usd_by_month)
    free = replace(lines[0], key="free", unit_price_usd=0.0, usd=0.0, usd_by_month=nothing)
    assert free.side == "cost"
    assert free.quantity > 0
    report = with_lines(rich(), (*lines, free))
    assert rows(report, "1.0", method=first.method) == rows(rich(), "1.0", method=first.method)
    assert {float(row["ContractedCost"]) == 0 for row in every_row("1.0")} == {False}


def test_who_is_paid_is_the_provider_of_the_gpus_and_not_whose_price_stands_in() -> None:
    method = rich().methods[0]
    assert method.plan is not None
    found = rows(rich(), "1.4", method=method.method, scope="provider")
    of = {row["x_LineKey"]: row for row in found}
    # The cheapest offer is of a provider that publishes no price of storage.
    assert method.plan.provider != "aws"
    for key in ("storage", "egress"):
        assert of[key]["ServiceProviderName"] == method.plan.provider_name
        (line,) = (line for line in money(method).lines if line.key == key)
        assert "price of" in line.label
        assert of[key]["x_PriceSource"] == line.source
    assert of["storage"]["SkuId"] != of["egress"]["SkuId"]


def test_the_source_of_a_price_says_whether_it_was_entered() -> None:
    of = {row["x_LineKey"]: row["x_PriceSource"] for row in every_row("1.4")}
    assert (of["engineering"], of["data_preparation"]) == ("default", "input")


@pytest.mark.parametrize(
    ("asked", "field", "says"),
    [
        ({"version": "1.1"}, "version", "1.0, 1.2 or 1.4"),
        ({"method": "dora"}, "method", "full, lora or qlora"),
        ({"scope": "mine"}, "scope", "all or provider"),
    ],
)
def test_what_is_not_there_is_said(asked: dict[str, str], field: str, says: str) -> None:
    with pytest.raises(InvalidExport, match=re.escape(says)) as caught:
        focus_rows(rich(), "a", **asked)
    assert caught.value.field == field


def test_nothing_is_paid_where_nothing_fits() -> None:
    report = replace(rich(), methods=tuple(replace(m, money=None) for m in rich().methods))
    with pytest.raises(InvalidExport, match="No method fits"):
        focus_rows(report, "a")


def test_the_link_cannot_be_read_from_the_id() -> None:
    assert re.fullmatch(r"[0-9a-f]{16}", scenario_id_of("secret-token"))
    assert scenario_id_of("secret-token") != scenario_id_of("secret-tokem")
