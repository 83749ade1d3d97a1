"""``tunecase prices``: what it prints, what it takes in, and what it leaves alone."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app.catalog.catalog import Catalog
from app.catalog.importers import Imported, live
from app.catalog.importers.live import LiveRefreshError
from app.cli import main
from app.cli import prices as prices_commands
from app.db.session import open_engine, open_sessions
from app.inputs import ScenarioInput
from app.services.book_access import INSTALLATION
from app.services.book_drafts import BookDraft
from app.services.estimates import estimate
from app.services.price_books import PriceBooks
from app.services.scenario_prices import ScenarioPrices
from app.services.scenarios import ScenarioService
from tests.pricing_folder import ROOT, PricingFolder

SAMPLES = ROOT / "tests/catalog/importers/samples"
HEADER = (
    "provider,instance,accelerator,gpus_per_instance,region,purchase_option,"
    "usd_per_instance_hour,valid_from\n"
)
AWS = "aws,p5.48xlarge,H100-SXM-80GB,8,us-east-1,on-demand,40,2026-10-01\n"
LAMBDA = "lambda,gpu_8x_h100_sxm5,H100-SXM-80GB,8,*,on-demand,19.92,2026-10-01\n"
CHOSEN = "lambda.gpu-8x-h100-sxm5.all.on-demand"
SCENARIO = {
    "methods": ["full", "lora"],
    "providers": ["lambda"],
    "accelerators": ["H100-SXM-80GB"],
    "draws": 1_000,
}


@pytest.fixture(autouse=True)
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database of this test's own."""
    file = tmp_path / "var" / "prices.sqlite3"
    monkeypatch.setenv("TUNECASE_DATABASE_URL", f"sqlite:///{file}")
    return file


@pytest.fixture
def pricing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PricingFolder:
    """Tables that the test may change; the command reads them."""
    resources = tmp_path / "resources"
    resources.mkdir()
    for name in ("migrations", "templates", "static"):
        (resources / name).symlink_to(ROOT / name)
    monkeypatch.setenv("TUNECASE_RESOURCES_DIR", str(resources))
    return PricingFolder(resources)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["prices", *arguments])


def said(*arguments: str, status: int = 0) -> str:
    result = run(*arguments)
    assert result.exit_code == status, (result.exception, result.output)
    assert result.stderr == ""
    return result.stdout


def printed(*arguments: str, status: int = 0) -> Any:
    return json.loads(said(*arguments, "--json", status=status))


def refused(*arguments: str) -> str:
    result = run(*arguments)
    assert result.exit_code == 2, (result.exception, result.output)
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    return result.stderr


def rates(folder: Path, *lines: str) -> str:
    file = folder / "rates.csv"
    file.write_text(HEADER + "".join(lines))
    return str(file)


def service(database: Path, catalog: Catalog) -> PriceBooks:
    return PriceBooks(open_sessions(open_engine(f"sqlite:///{database}")), catalog)


# ------------------------------------------------------------------ list and check


def test_list_shows_every_price_with_its_day_and_source(catalog: Catalog) -> None:
    found = printed("list")
    assert [row["offer"] for row in found] == [offer.key for offer in catalog.listed]
    assert all(row["source"]["title"] and row["valid_from"] for row in found)
    text = said("list", "--provider", "lambda", "--gpu", "H100-SXM-80GB")
    assert CHOSEN in text
    assert "31.9200" in text
    assert "list price of a firm provider" in text
    assert "aws" not in text
    spot = printed("list", "--option", "spot", "--provider", "aws")
    assert {(row["provider"], row["purchase_option"]) for row in spot} == {("aws", "spot")}


def test_list_needs_no_database(database: Path) -> None:
    said("list")
    assert not database.exists()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("list", "--provider", "nobody"), "'nobody' is not a known provider"),
        (("list", "--gpu", "H100"), "'H100' is not a known GPU"),
        (("list", "--option", "gift"), "gift"),
        (("list", "--book", "nobody"), "there is no price book 'nobody'"),
        (("check", "--max-age", "-1"), "-1"),
        (("import", "x.csv"), "--format"),
        (("import", "--format", "excel", "x.csv"), "excel"),
        (("import", "--format", "csv"), "FILES"),
        (("import", "--format", "csv", "missing.csv"), "missing.csv: cannot be read"),
        (("import", "--format", "skypilot", "--date", "soon", "x"), "soon"),
        (("diff", "nobody"), "there is no price book 'nobody'"),
        (("diff", "builtin@june"), "does not name a day"),
        (("diff", "builtin@1999-01-01"), "no list price was in force on 1999-01-01"),
        (("diff", "--scenario", "missing.json"), "missing.json cannot be read"),
        (("diff", "--scenario", "x" * 32), "no scenario has the token"),
    ],
)
def test_unusable_arguments(arguments: tuple[str, ...], reason: str) -> None:
    assert reason in refused(*arguments)


def test_check_fails_on_old_prices_and_names_them(catalog: Catalog) -> None:
    oldest = min(offer.valid_from for offer in catalog.listed)
    today = datetime.now(UTC).date()
    age = (today - oldest).days
    found = printed("check", "--max-age", str(age - 1), status=1)
    offers = [row["key"] for row in found["older"] if row["table"] == "offers"]
    assert offers == sorted(offer.key for offer in catalog.listed if offer.valid_from == oldest)
    days = [row["age_days"] for row in found["older"]]
    assert days == sorted(days, reverse=True)
    text = said("check", "--max-age", str(age - 1), status=1)
    assert offers[0] in text
    assert f"older than {age - 1} days" in text


def test_check_passes_where_nothing_is_old() -> None:
    assert said("check", "--max-age", "36500") == "No price is older than 36500 days.\n"
    assert printed("check", "--max-age", "36500") == {"max_age_days": 36500, "older": []}


def test_an_old_quote_for_a_server_is_told_and_does_not_fail_the_check(catalog: Catalog) -> None:
    today = datetime.now(UTC).date()
    oldest = max((today - offer.valid_from).days for offer in (*catalog.listed, *catalog.managed))
    quote = max((today - server.valid_from).days for server in catalog.servers)
    assert quote > oldest
    found = printed("check", "--max-age", str(quote - 1))
    assert [(row["table"], row["fails"]) for row in found["older"]] == [("servers", False)]
    assert "Quotes for servers, told only: 1." in said("check", "--max-age", str(quote - 1))


def test_check_looks_at_every_table() -> None:
    tables = {row["table"] for row in printed("check", "--max-age", "0", status=1)["older"]}
    assert tables == {"offers", "managed", "servers", "storage", "grid", "exchange_rates"}


# ------------------------------------------------------------------ import


def test_import_tells_what_it_took_and_a_second_one_changes_nothing(tmp_path: Path) -> None:
    file = rates(tmp_path, AWS, LAMBDA)
    text = said("import", "--format", "csv", file)
    assert "Read 2 rows, took 2 prices." in text
    assert "aws, on demand: 1" in text
    assert "'imported' is at version 1: 2 added, 0 changed" in text
    again = said("import", "--format", "csv", file)
    assert "'imported' stays at version 1: 0 added, 0 changed" in again
    assert "2 unchanged" in again
    rates(tmp_path, AWS.replace(",40,", ",41,"))
    found = printed("import", "--format", "csv", file)
    assert found["book"]["version"] == 2
    counts = {name: found[name] for name in ("added", "changed", "removed", "unchanged")}
    # Lambda is not in the file any more, so its rates stay.
    assert counts == {"added": 0, "changed": 1, "removed": 0, "unchanged": 1}
    [book] = printed("books")
    assert (book["name"], book["version"], book["rows"]) == ("imported", 2, 2)
    listed = {row["offer"]: row for row in printed("list", "--book", "imported@1")}
    assert listed["aws.p5-48xlarge.us-east-1.on-demand"]["usd_per_instance_hour"] == 40
    assert listed[CHOSEN]["usd_per_instance_hour"] == 19.92


def test_catalogues_of_many_clouds(database: Path, catalog: Catalog) -> None:
    """The importers are tested on their own; here, that all they read is kept, once."""
    files = [str(path) for path in sorted((SAMPLES / "skypilot").glob("*/vms.csv"))]
    assert len(files) >= 8
    found = printed("import", "--format", "skypilot", "--book", "daily", *files)
    assert found["added"] == sum(taken["prices"] for taken in found["taken"]) > 0
    assert found["skipped"]
    assert all(skipped["reason"] and skipped["examples"] for skipped in found["skipped"])
    again = printed("import", "--format", "skypilot", "--book", "daily", *files)
    assert (again["new_version"], again["unchanged"]) == (False, found["added"])
    hunted = str(SAMPLES / "gpuhunt" / "nebius.csv")
    said("import", "--format", "gpuhunt", "--book", "daily", hunted)
    books = service(database, catalog)
    [info] = books.mine(None)
    assert info.rows == len(books.get(info.token, None)[1].rows) >= found["added"]
    prices = ScenarioPrices(open_sessions(open_engine(f"sqlite:///{database}")))
    assert len(prices.priced(catalog, info.token, None).listed) > len(catalog.listed)


def test_a_price_that_is_not_believed_leaves_the_stored_one(tmp_path: Path) -> None:
    file = tmp_path / "aws.csv"
    header = "InstanceType,AcceleratorName,AcceleratorCount,Price,SpotPrice,Region\n"
    line = "{},H100,8,{},,us-east-{}\n"
    good = [line.format("p5.48xlarge", 55.04, region) for region in (1, 2, 3)]
    file.write_text(header + "".join(good))
    assert printed("import", "--format", "skypilot", str(file))["kept"] == 0
    # The first is in cents now, and the third is not there any more.
    file.write_text(header + line.format("p5.48xlarge", 5504, 1) + good[1])
    text = said("import", "--format", "skypilot", str(file))
    assert "version 2: 0 added, 0 changed, 0 confirmed at a later date, 1 removed, 2 unch" in text
    assert "since the new price was not believed or is of an older day: 1.\n" in text
    again = printed("import", "--format", "skypilot", str(file))
    assert (again["kept"], again["new_version"], again["unchanged"]) == (1, False, 2)
    listed = {row["offer"]: row for row in printed("list", "--book", "imported")}
    kept = listed["aws.p5-48xlarge.us-east-1.on-demand"]
    assert (kept["usd_per_instance_hour"], kept["source"]["locator"]) == (55.04, "skypilot aws.csv")


def test_import_takes_the_day_that_it_is_told(tmp_path: Path) -> None:
    file = str(SAMPLES / "skypilot" / "nebius" / "vms.csv")
    said("import", "--format", "skypilot", "--date", "2026-11-01", file)
    later = printed("import", "--format", "skypilot", "--date", "2026-11-08", file)
    assert later["confirmed"] > 0
    assert (later["added"], later["changed"], later["removed"]) == (0, 0, 0)
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    assert "future" in refused("import", "--format", "skypilot", "--date", str(tomorrow), file)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (AWS.replace(",40,", ",-40,"), "line 2, usd_per_instance_hour"),
        (AWS.replace(",40,", ",,"), "line 2, usd_per_instance_hour: is blank"),
        (AWS.replace(",40,", ",4000,"), "of the whole instance"),
        (AWS.replace("us-east-1", "=cmd()"), "formula"),
        (AWS + AWS, "line 3, instance: there is already a price"),
        ("\x00\x01", "cells"),
    ],
)
def test_unusable_files_write_nothing(
    tmp_path: Path, database: Path, line: str, reason: str
) -> None:
    said("import", "--format", "csv", rates(tmp_path, AWS))
    before = database_rows(database)
    assert reason in refused("import", "--format", "csv", rates(tmp_path, line))
    assert database_rows(database) == before


def database_rows(database: Path) -> list[int]:
    with sqlite3.connect(database) as connection:
        return [
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
            for table in ("price_book", "price_book_version", "price_book_price")
        ]


def test_a_file_without_anything_to_take_is_refused(tmp_path: Path, database: Path) -> None:
    folder = tmp_path / "oci"
    folder.mkdir()
    file = folder / "vms.csv"
    lines = (SAMPLES / "skypilot" / "oci" / "vms.csv").read_text().splitlines()
    cpu_only = [line for line in lines[1:] if ",," in line and "GPU" not in line][:1]
    assert cpu_only
    file.write_text("\n".join([lines[0], *cpu_only]) + "\n")
    text = refused("import", "--format", "skypilot", str(file))
    assert "none of 1 rows can be taken; nothing was written" in text
    assert not database.exists()


def test_a_name_that_no_book_can_have(tmp_path: Path) -> None:
    text = refused("import", "--format", "csv", "--book", " ", rates(tmp_path, AWS))
    assert "/name" in text


def test_a_database_that_cannot_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("TUNECASE_DATABASE_URL", f"sqlite:///{tmp_path / 'file' / 'x.sqlite3'}")
    text = refused("import", "--format", "csv", rates(tmp_path, AWS))
    assert "the database at DATABASE_URL cannot be used" in text


def test_there_may_be_no_books() -> None:
    assert "There are no price books" in said("books")
    assert printed("books") == []


# ------------------------------------------------------------------ refresh


def test_refresh_takes_in_what_was_fetched(
    tmp_path: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(providers: tuple[str, ...], progress: live.Progress, **options: Any) -> Imported:
        assert providers == ("aws", "lambda")
        assert options["valid_from"] == datetime.now(UTC).date()
        for done, name in enumerate(("published catalogues", *providers)):
            progress(done, 3, name)
        progress(3, 3, "")
        return prices_commands.read_catalogue(
            [Path(rates(tmp_path, AWS, LAMBDA))],
            format="csv",
            accelerators=catalog.accelerators,
            sellers=options["sellers"],
            valid_from=options["valid_from"],
        )

    monkeypatch.setattr(prices_commands, "fetch", fetch)
    result = run("refresh", "--provider", "aws", "--provider", "lambda", "--book", "live", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["added"] == 2
    assert [book["name"] for book in printed("books")] == ["live"]


def test_refresh_says_what_it_lacks(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(*_arguments: object, **_options: object) -> Imported:
        raise LiveRefreshError("No prices could be fetched (no network); nothing was changed")

    monkeypatch.setattr(prices_commands, "fetch", fetch)
    assert "tunecase: No prices could be fetched (no network)" in refused("refresh")
    assert not database.exists()


# ------------------------------------------------------------------ diff


def test_diff_of_the_built_in_prices_over_time(pricing: PricingFolder) -> None:
    pricing.append(CHOSEN, "28.728", date(2026, 11, 24))
    found = printed("diff", "builtin@2026-11-23")
    assert (found["before"], found["after"]) == (
        "built-in prices as of 2026-11-23",
        "built-in prices",
    )
    [change] = [change for change in found["changes"] if change["key"] == CHOSEN]
    assert (change["kind"], change["before_usd"], change["after_usd"]) == ("changed", 31.92, 28.728)
    assert change["change_percent"] == -10
    text = said("diff", "builtin@2026-11-23", "builtin")
    assert "31.9200" in text
    assert "28.7280" in text
    assert "-10.0%" in text
    assert "1 changed, 0 added, 0 removed." in text
    # Without arguments: before and after the last change.
    assert printed("diff") == found


def test_diff_of_versions_of_a_book(tmp_path: Path) -> None:
    file = rates(tmp_path, AWS)
    said("import", "--format", "csv", file)
    by_default = printed("diff", "imported")
    assert (by_default["before"], by_default["after"]) == ("built-in prices", "imported, version 1")
    assert [c["key"] for c in by_default["changes"]] == ["aws.p5-48xlarge.us-east-1.on-demand"]
    rates(tmp_path, AWS.replace(",40,", ",44,"))
    said("import", "--format", "csv", file)
    newest_two = printed("diff")
    assert newest_two["before"] == "imported, version 1"
    assert newest_two["after"] == "imported, version 2"
    [change] = newest_two["changes"]
    assert (change["before_usd"], change["after_usd"], change["change_percent"]) == (40, 44, 10)
    assert printed("diff", "imported@1") == newest_two
    assert printed("diff", "imported@1", "imported@2") == newest_two
    assert "0 changed, 0 added, 0 removed." in said("diff", "imported@1", "imported@1")


def test_diff_tells_what_it_does_to_a_scenario(tmp_path: Path) -> None:
    said("import", "--format", "csv", rates(tmp_path, LAMBDA))
    file = tmp_path / "scenario.json"
    file.write_text(json.dumps(SCENARIO))
    found = printed("diff", "builtin", "imported", "--scenario", str(file))
    sides = found["scenario"]
    for method, before in sides["before"]["totals_usd"].items():
        assert sides["after"]["totals_usd"][method] < before
    assert sides["before"]["verdict"]["headline"]
    assert [change["key"] for change in sides["changes"]] == [CHOSEN]
    text = said("diff", "builtin", "imported", "--scenario", str(file))
    assert "Full fine-tuning" in text
    assert "Verdict before: " in text
    assert "Verdict after: " in text


def test_diff_says_where_a_scenario_cannot_be_estimated(tmp_path: Path) -> None:
    said("import", "--format", "csv", rates(tmp_path, LAMBDA))
    service_file = tmp_path / "scenario.json"
    service_file.write_text(json.dumps({**SCENARIO, "providers": ["nobody"]}))
    text = refused("diff", "builtin", "imported", "--scenario", str(service_file))
    assert "/providers/0" in text
    service_file.write_text(json.dumps({"epochs": -1}))
    assert "/epochs" in refused("diff", "builtin", "imported", "--scenario", str(service_file))


def shared(database: Path, catalog: Catalog, **asked: Any) -> tuple[str, str]:
    """Token and key of a scenario that is saved at the prices of this catalogue."""
    said("books")  # migrates
    sessions = open_sessions(open_engine(f"sqlite:///{database}"))
    scenario = ScenarioInput.model_validate({**SCENARIO, **asked})
    prices = ScenarioPrices(sessions).priced(catalog, scenario.price_book, INSTALLATION)
    report = estimate(scenario, prices, date(2026, 11, 24))
    saved = ScenarioService(sessions).save(scenario, report, None, prices)
    return saved.scenario.token, saved.workspace_key or ""


def test_diff_of_a_shared_scenario(database: Path, pricing: PricingFolder) -> None:
    """Saved before a price change: its number then and today, and the rows that changed."""
    token, key = shared(database, pricing.load())
    assert "0 changed, 0 added, 0 removed." in said("diff", "--scenario", token)
    pricing.append(CHOSEN, "28.728", date(2026, 11, 24))
    pricing.append("aws.g5-xlarge.us-east-1.on-demand", "1.106", date(2026, 11, 24))
    found = printed("diff", "--scenario", token)
    assert [change["key"] for change in found["changes"]] == [CHOSEN]
    assert (found["all_changes"], found["snapshot_known"]) == (2, True)
    totals = [found["scenario"][side]["totals_usd"] for side in ("before", "after")]
    for method, before in totals[0].items():
        assert totals[1][method] < before
    text = said("diff", "--scenario", token)
    assert "when it was saved" in text
    assert "1 more prices changed that this scenario does not plan on." in text
    # Under any two price lists, too.
    both = printed("diff", "builtin@2026-11-23", "builtin", "--scenario", token)
    assert both["scenario"]["before"]["totals_usd"] == totals[0]
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE scenario SET price_list_hash = NULL")
    assert "were not kept" in said("diff", "--scenario", token)
    ScenarioService(open_sessions(open_engine(f"sqlite:///{database}"))).revoke(token, key)
    assert "withdrawn" in refused("diff", "--scenario", token)


def test_a_scenario_may_name_a_price_book(tmp_path: Path, database: Path, catalog: Catalog) -> None:
    said("books")
    books = service(database, catalog)
    made = books.create(BookDraft("Ours", "built-in", "lambda, 10", ""), None)
    file = tmp_path / "scenario.json"
    file.write_text(json.dumps({**SCENARIO, "price_book": made.info.token}))
    for command in ("estimate", "plan"):
        result = CliRunner().invoke(main, [command, str(file), "--json"])
        assert result.exit_code == 0, result.output
        assert json.loads(result.stdout)["methods"][0]["plan"]["usd_per_instance_hour"] == 28.728
    file.write_text(json.dumps({**SCENARIO, "price_book": "x" * 32}))
    result = CliRunner().invoke(main, ["estimate", str(file)])
    assert result.exit_code == 2
    assert "/price_book: No price book has this key" in result.stderr
    # A newer version of the book that a shared scenario is pinned to.
    token, _ = shared(database, catalog, price_book=f"{made.info.token}@1")
    dearer = BookDraft("Ours", "built-in", "lambda, 5", "")
    books.update(made.info.token, dearer, made.workspace_key)
    assert "has a newer version, 2" in said("diff", "--scenario", token)
