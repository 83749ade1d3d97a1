"""Actual spend: who may see and change it, and that a refused upload writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Engine, event, text

from app.catalog.catalog import Catalog
from app.db.migrate import upgrade
from app.db.session import open_engine, open_sessions
from app.estimator.no_money import NoMoney
from app.estimator.report import Report
from app.inputs import ScenarioInput
from app.services.actual_files import ActualFile, ActualRow, read_actuals
from app.services.actuals import ActualsService, planned_methods, recommended, spends_of
from app.services.estimates import estimate
from app.services.problems import (
    ActualsProblems,
    NotTheOwner,
    RevokedScenario,
    UnknownActuals,
    UnknownScenario,
)
from app.services.scenarios import ScenarioService
from app.settings import Settings

NOW = datetime(2027, 4, 2, 9, 30, tzinfo=UTC)
NOBODY = "A" * 32


class Clock:
    """Time that passes by the minute."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now


@pytest.fixture(scope="module")
def scenario() -> ScenarioInput:
    return ScenarioInput(
        title="Contracts", start_month="2027-01", currency="EUR", horizon_months=12
    )


@pytest.fixture(scope="module")
def report(scenario: ScenarioInput, catalog: Catalog) -> Report:
    return estimate(scenario, catalog, date(2026, 11, 28))


@pytest.fixture
def engine(each_database: Settings) -> Iterator[Engine]:
    upgrade(each_database)
    engine = open_engine(each_database.database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def scenarios(engine: Engine) -> ScenarioService:
    return ScenarioService(open_sessions(engine))


@pytest.fixture
def service(engine: Engine, scenarios: ScenarioService) -> ActualsService:
    return ActualsService(open_sessions(engine), scenarios, Clock())


@pytest.fixture
def saved(
    scenarios: ScenarioService, scenario: ScenarioInput, report: Report, catalog: Catalog
) -> tuple[str, str]:
    """Token and key of a saved scenario."""
    found = scenarios.save(scenario, report, None, catalog)
    assert found.workspace_key is not None
    return found.scenario.token, found.workspace_key


def reading(csv: str) -> Callable[[str], ActualFile]:
    return lambda currency: read_actuals(csv.encode(), "spend.csv", currency)


SPEND = reading("month,category,amount_usd\n2027-01,people,20000\n2027-02,serving,12.5\n")


def stored(engine: Engine) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text("SELECT * FROM actual_spend"))]


def test_spend_comes_back_beside_the_plan(
    service: ActualsService, saved: tuple[str, str], report: Report
) -> None:
    token, key = saved
    before = service.get(token, key)
    assert (before.actuals, before.variance, before.owned) == (None, None, True)
    assert before.methods == ("full", "lora", "qlora")
    found = service.upload(token, key, SPEND, file_name="C:\\reports\\spend.csv")
    assert found == service.get(token, key)
    assert found.actuals is not None
    assert found.actuals.file_name == "spend.csv"
    assert found.actuals.uploaded_at == NOW + timedelta(minutes=1)
    assert found.actuals.method == recommended(report) == report.verdict.choice
    assert found.actuals.file == SPEND("EUR")
    assert found.variance is not None
    assert found.variance.to_date is not None
    assert found.variance.to_date.actual_usd == 20012.5
    money = next(m.money for m in report.methods if m.method == found.actuals.method)
    assert money is not None
    planned = sum(money.cost_by_month[:3])
    assert found.variance.to_date.planned_usd == pytest.approx(planned, rel=1e-12)


def test_an_upload_replaces_the_one_before(
    service: ActualsService, saved: tuple[str, str], engine: Engine
) -> None:
    token, key = saved
    service.upload(token, key, SPEND, shown=True, file_name="old.csv")
    found = service.upload(token, key, reading("month,amount_usd\n2027-01,7\n"), method="full")
    assert len(stored(engine)) == 1
    assert found.actuals is not None
    assert found.actuals.file.rows == (ActualRow("2027-01", "", Decimal(7), "USD"),)
    assert (found.actuals.method, found.actuals.file_name) == ("full", "")
    assert found.actuals.uploaded_at > NOW + timedelta(minutes=1)


def test_an_upload_that_says_nothing_keeps_the_method_and_who_sees_it(
    service: ActualsService, saved: tuple[str, str], report: Report
) -> None:
    token, key = saved
    assert recommended(report) != "full"
    service.upload(token, key, SPEND, method="full", shown=True)
    kept = service.upload(token, key, SPEND).actuals
    assert kept is not None
    assert (kept.method, kept.shown) == ("full", True)
    said = service.upload(token, key, SPEND, method="qlora", shown=False).actuals
    assert said is not None
    assert (said.method, said.shown) == ("qlora", False)


def test_what_is_dated_ahead_of_the_clock_is_not_compared(
    service: ActualsService, saved: tuple[str, str]
) -> None:
    """In April 2027 the spend of April is there, and that of May is not."""
    token, key = saved
    rows = "month,amount_usd\n2027-04,5\n2027-05,70\n"
    found = service.upload(token, key, reading(rows)).variance
    assert found is not None
    assert found.to_date is not None
    assert (found.to_date.actual_usd, found.last_reported) == (5.0, "2027-04")
    assert [(m.label, m.usd) for m in found.not_begun] == [("2027-05", 70.0)]


def test_a_month_has_begun_where_it_has_begun_first(
    engine: Engine, scenarios: ScenarioService, saved: tuple[str, str]
) -> None:
    token, key = saved
    for hour, ahead in ((9, True), (11, False)):
        eve = datetime(2027, 4, 30, hour, tzinfo=UTC)
        service = ActualsService(open_sessions(engine), scenarios, lambda eve=eve: eve)
        found = service.upload(token, key, reading("month,amount_usd\n2027-05,1\n")).variance
        assert found is not None
        assert (found.to_date is None) == ahead


def test_a_providers_bill_is_compared_with_what_providers_are_paid(
    service: ActualsService, saved: tuple[str, str], report: Report
) -> None:
    token, key = saved
    bill = "ChargePeriodStart,BilledCost,BillingCurrency\n2027-01-01,10,USD\n"
    found = service.upload(token, key, reading(bill), method="full").variance
    assert found is not None
    money = next(m.money for m in report.methods if m.method == "full")
    assert money is not None
    costs = [line for line in money.lines if line.side == "cost"]
    billed = sum(line.usd for line in costs if line.provider)
    assert 0 < billed < sum(line.usd for line in costs)
    assert found.completion is not None
    assert found.completion.plan_usd == pytest.approx(billed, rel=1e-12)
    assert found.unbilled_usd == pytest.approx(sum(line.usd for line in costs) - billed, rel=1e-12)
    table = service.upload(token, key, SPEND, method="full").variance
    assert table is not None
    assert not table.billed_only


def test_it_is_for_its_owner_until_it_is_shown(
    service: ActualsService, saved: tuple[str, str]
) -> None:
    token, key = saved
    service.upload(token, key, SPEND)
    for other in (None, NOBODY, "nonsense"):
        found = service.get(token, other)
        assert (found.actuals, found.variance, found.owned) == (None, None, False)
    service.change(token, key, method="lora", shown=True)
    found = service.get(token, None)
    assert found.actuals is not None
    assert found.variance is not None
    assert not found.owned
    service.change(token, key, method="lora", shown=False)
    assert service.get(token, None).actuals is None


def test_only_the_owner_changes_it(
    service: ActualsService, saved: tuple[str, str], engine: Engine
) -> None:
    token, key = saved
    service.upload(token, key, SPEND)
    before = stored(engine)
    for other in (None, NOBODY, "nonsense"):
        with pytest.raises(NotTheOwner):
            service.upload(token, other, SPEND)
        with pytest.raises(NotTheOwner):
            service.change(token, other, method="lora", shown=True)
        with pytest.raises(NotTheOwner):
            service.remove(token, other)
    for unknown in (NOBODY, "x"):
        with pytest.raises(UnknownScenario):
            service.upload(unknown, key, SPEND)
        with pytest.raises(UnknownScenario):
            service.remove(unknown, key)
        with pytest.raises(UnknownScenario):
            service.get(unknown, key)
    assert stored(engine) == before


def test_nothing_is_read_for_whoever_may_not_upload(
    service: ActualsService, saved: tuple[str, str]
) -> None:
    def never(_: str) -> ActualFile:
        raise AssertionError("read for a stranger")

    with pytest.raises(NotTheOwner):
        service.upload(saved[0], NOBODY, never)


def test_a_refused_upload_leaves_what_was_there(
    service: ActualsService, saved: tuple[str, str], engine: Engine
) -> None:
    token, key = saved
    service.upload(token, key, SPEND)
    before = stored(engine)
    with pytest.raises(ActualsProblems, match="line 3, month"):
        service.upload(token, key, reading("month,amount_usd\n2027-01,1\nx,1\n"))
    with pytest.raises(ActualsProblems, match="/method"):
        service.upload(token, key, SPEND, method="dora")
    with pytest.raises(ActualsProblems, match="GBP"):
        service.upload(token, key, reading("month,amount,currency\n2027-01,1,GBP\n"))
    assert stored(engine) == before


def test_a_failing_commit_writes_nothing(
    service: ActualsService, saved: tuple[str, str], engine: Engine
) -> None:
    token, key = saved
    service.upload(token, key, SPEND)
    before = stored(engine)

    def fail(_: object) -> None:
        raise ConnectionError

    event.listen(engine, "commit", fail)
    try:
        with pytest.raises(ConnectionError):
            service.upload(token, key, reading("month,amount_usd\n2027-01,7\n"))
        with pytest.raises(ConnectionError):
            service.remove(token, key)
    finally:
        event.remove(engine, "commit", fail)
    assert stored(engine) == before


def test_removing_forgets_it_and_once_more_does_nothing(
    service: ActualsService, saved: tuple[str, str], engine: Engine
) -> None:
    token, key = saved
    service.upload(token, key, SPEND)
    service.remove(token, key)
    assert stored(engine) == []
    service.remove(token, key)
    with pytest.raises(UnknownActuals):
        service.change(token, key, method="lora", shown=True)


def test_a_withdrawn_link_takes_its_spend_with_it(
    service: ActualsService, scenarios: ScenarioService, saved: tuple[str, str], engine: Engine
) -> None:
    token, key = saved
    service.upload(token, key, SPEND)
    scenarios.revoke(token, key)
    assert stored(engine) == []
    for use in (
        lambda: service.get(token, key),
        lambda: service.upload(token, key, SPEND),
        lambda: service.remove(token, key),
    ):
        with pytest.raises(RevokedScenario):
            use()


def test_a_link_that_is_withdrawn_during_the_upload_stores_nothing(
    service: ActualsService, scenarios: ScenarioService, saved: tuple[str, str], engine: Engine
) -> None:
    token, key = saved

    def meanwhile(currency: str) -> ActualFile:
        scenarios.revoke(token, key)
        return SPEND(currency)

    with pytest.raises(RevokedScenario):
        service.upload(token, key, meanwhile)
    assert stored(engine) == []


def test_a_result_without_money_by_month_is_refused_with_a_way_on(
    service: ActualsService,
    scenarios: ScenarioService,
    scenario: ScenarioInput,
    report: Report,
    catalog: Catalog,
) -> None:
    old = replace(
        report, timeline=None, methods=tuple(replace(m, money=None) for m in report.methods)
    )
    assert planned_methods(old) == ()
    assert recommended(old) == ""
    found = scenarios.save(scenario, old, None, catalog)
    with pytest.raises(NoMoney, match="save it anew"):
        service.upload(found.scenario.token, found.workspace_key, SPEND)
    assert service.get(found.scenario.token, found.workspace_key).methods == ()


def test_where_nothing_fits_the_reason_is_that(
    service: ActualsService,
    scenarios: ScenarioService,
    scenario: ScenarioInput,
    report: Report,
    catalog: Catalog,
) -> None:
    nothing = replace(report, methods=tuple(replace(m, money=None) for m in report.methods))
    found = scenarios.save(scenario, nothing, None, catalog)
    with pytest.raises(ActualsProblems, match="No method fits"):
        service.upload(found.scenario.token, found.workspace_key, SPEND)


def test_a_verdict_that_is_no_method_compares_with_the_best(report: Report) -> None:
    undecided = replace(report, verdict=replace(report.verdict, choice="pilot"))
    assert report.comparison is not None
    standing = {"full", report.comparison.adapter_method}
    worth = {m.method: m.npv_usd.mean for m in report.methods if m.npv_usd}
    assert recommended(undecided) == max(standing, key=lambda method: worth[method])


def test_amounts_are_converted_at_the_rate_that_the_scenario_was_saved_with() -> None:
    rows = [
        ActualRow("2027-01", "people", Decimal("0.10"), "EUR"),
        ActualRow("2027-01", "people", Decimal("0.20"), "EUR"),
        ActualRow("2027-01", "people", Decimal("-1.5"), "USD"),
        ActualRow("2027-02", "", Decimal("895.1"), "EUR"),
    ]
    found = {(s.month, s.category, s.usd) for s in spends_of(rows, 0.8951)}
    assert found == {
        ("2027-01", "people", float(Decimal("0.30") / Decimal("0.8951"))),
        ("2027-01", "people", -1.5),
        ("2027-02", "", 1000.0),
    }
