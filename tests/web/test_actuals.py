"""The page of plan against actual: upload, what is said, who sees it, and its files."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from app.estimator.currency import US_DOLLAR, Currency
from app.estimator.variance import (
    COST_CATEGORIES,
    PlannedCosts,
    Spend,
    VarianceReport,
    planned_costs,
    variance,
)
from app.main import create_app
from app.services.actual_files import (
    COLUMNS,
    FOCUS_COSTS,
    FOCUS_CURRENCY,
    FOCUS_PERIOD,
    FOCUS_PROJECTION,
    IGNORED,
    LARGEST_BYTES,
    MOST_FOCUS_ROWS,
    MOST_ROWS,
    read_actuals,
)
from app.settings import Settings
from app.web import actual_pages, requests
from app.web.actual_csv import VARIANCE_COLUMNS, template_csv, variance_csv
from app.web.actual_notes import COMPLETION
from app.web.actual_words import sentence
from app.web.figure_actuals import PlanActualDrawing, plan_against_actual
from tests.estimator.spending import money, real, timeline
from tests.web.markup import Document

EUR = ("EUR", "0.9")
START = date(2025, 1, 1)
"""Of plans whose months have begun by now."""
EURO = Currency("EUR", 2, 0.9)
SPEND = "month,category,amount_usd,note\n2025-01,people,30000,=evil\n2025-03,serving,12.5,late\n"
SCENARIO = "start_month=2025-01&horizon_months=12&delay_cost_usd_per_month=1000"


@pytest.fixture(scope="module")
def app_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    database = tmp_path_factory.mktemp("web") / "actuals.sqlite3"
    app = create_app(Settings(database_url=f"sqlite:///{database}"))
    with TestClient(app, base_url="http://localhost") as client:
        yield client


def saved(client: TestClient, scenario: str = SCENARIO) -> str:
    """Address of the comparison of a result that was saved just now."""
    answer = client.post(
        "/scenarios", data={"scenario": scenario, "title": "Contracts"}, follow_redirects=False
    )
    assert answer.status_code == 303
    return f"{answer.headers['location']}/actuals"


@pytest.fixture(scope="module")
def shared(app_client: TestClient) -> str:
    return saved(app_client)


@pytest.fixture
def address(app_client: TestClient, shared: str) -> str:
    """The same, with nothing uploaded, seen by its owner."""
    assert app_client.post(f"{shared}/remove").status_code == 200
    return shared


def document(response: Response) -> Document:
    found = Document(response.text)
    assert not found.mismatches
    assert not [name for name, times in found.ids().items() if times > 1]
    return found


def words(response: Response) -> str:
    return " ".join(document(response).text.split())


def stranger(client: TestClient) -> TestClient:
    """Somebody else, who has only the link."""
    return TestClient(client.app, base_url="http://localhost")


# ------------------------------------------------------------------ the page


def test_pasted_lines_are_kept_and_shown_after_a_redirect(
    app_client: TestClient, address: str
) -> None:
    empty = app_client.get(address)
    assert empty.status_code == 200
    assert "Upload what was really spent" in words(empty)
    assert not document(empty).all("table")
    answer = app_client.post(
        address, data={"pasted": SPEND.replace("\n", "\r\n")}, follow_redirects=False
    )
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{address}?saved=new"
    page = app_client.get(answer.headers["location"])
    assert "no-store" in page.headers["cache-control"]
    text = words(page)
    assert "The spend was stored" in text
    assert "To the end of March 2025: US$30,012 spent" in text
    assert "Not reported, and left out of both: February 2025." in text
    assert "February 2025 has no row." in text
    assert "2 amounts, uploaded on" in text
    assert "of the forecast is the cost of delay" in text
    assert COMPLETION in text
    assert "People: =evil" in text
    assert len(document(page).all("svg", role="img")) == 2
    assert [f["action"] for f in document(page).all("form")] == [
        f"{address}/settings",
        address,
        f"{address}/remove",
    ]


def test_a_file_names_itself_to_its_owner_alone(app_client: TestClient, address: str) -> None:
    file = {"file": ("spend-2025.csv", SPEND.encode(), "text/csv")}
    page = app_client.post(address, files=file, data={"method": "full", "shown": "yes"})
    assert "2 amounts of spend-2025.csv" in words(page)
    assert "planned for full fine-tuning" in words(page)
    other = stranger(app_client).get(address)
    assert "US$30,012 spent" in words(other)
    assert "spend-2025.csv" not in other.text
    assert not document(other).all("form")


def test_it_is_hidden_from_others_until_it_is_shown(app_client: TestClient, address: str) -> None:
    nothing = words(stranger(app_client).get(address))
    link = address.removesuffix("/actuals")
    app_client.post(address, data={"pasted": SPEND})
    assert "Plan against actual" in words(app_client.get(link))
    assert "Plan against actual" not in words(stranger(app_client).get(link))
    hidden = stranger(app_client).get(address)
    assert hidden.status_code == 200
    # Whether there is any is not told either.
    assert words(hidden) == nothing
    assert stranger(app_client).get(f"{address}/variance.csv").status_code == 404
    changed = app_client.post(f"{address}/settings", data={"method": "qlora", "shown": "yes"})
    assert "Changed." in words(changed)
    assert "planned for QLoRA" in words(changed)
    assert "planned for QLoRA" in words(stranger(app_client).get(address))
    assert "Plan against actual" in words(stranger(app_client).get(link))
    # A new file keeps both choices: they are not asked again.
    hidden_fields = {f["name"]: f["value"] for f in document(changed).all("input", type="hidden")}
    assert hidden_fields == {"method": "qlora", "shown": "yes"}
    app_client.post(f"{address}/settings", data={"method": "qlora"})
    assert words(stranger(app_client).get(address)) == nothing


def test_removing_leads_back_to_the_form(app_client: TestClient, address: str) -> None:
    app_client.post(address, data={"pasted": SPEND})
    page = app_client.post(f"{address}/remove")
    assert "What was uploaded is removed." in words(page)
    assert "Upload what was really spent" in words(page)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({}, "Choose a CSV file, or paste its lines; one of both."),
        ({"pasted": "month\n"}, "pasted text line 1, amount_usd: this column is missing"),
        ({"pasted": "month,amount_usd\n2025-1,5\n"}, "pasted text line 2, month: '2025-1' is not"),
    ],
    ids=["nothing", "a header", "a month"],
)
def test_a_problem_is_said_at_its_field_and_nothing_is_written(
    app_client: TestClient, address: str, data: dict[str, str], said: str
) -> None:
    app_client.post(address, data={"pasted": SPEND})
    page = app_client.post(address, data=data)
    assert page.status_code == 422
    found = document(page)
    assert "<title>Error: Please check the form" in page.text
    where = "f-pasted" if data else "f-file"
    assert any(link["href"] == f"#{where}" for link in found.all("a"))
    [field] = found.all("textarea" if data else "input", id=where)
    assert field["aria-invalid"] == "true"
    errors = re.search(rf'id="{where}-error">(.*?)</div>', page.text, re.DOTALL)
    assert errors
    assert said in errors[1].replace("&#39;", "'")
    if "pasted" in data:
        assert f">\n{data['pasted']}</textarea>" in page.text
    assert "US$30,012 spent" in words(app_client.get(address))


def test_a_file_and_lines_are_one_too_many(app_client: TestClient, address: str) -> None:
    file = {"file": ("spend.csv", SPEND.encode(), "text/csv")}
    page = app_client.post(address, files=file, data={"pasted": SPEND})
    assert page.status_code == 422
    assert "one of both" in words(page)


def test_many_problems_are_listed_at_the_field_and_counted_at_the_top(
    app_client: TestClient, address: str
) -> None:
    page = app_client.post(address, data={"pasted": "month,amount_usd\n" + "x,y\n" * 10})
    text = words(page)
    assert "Please check one entry The pasted lines have 20 problems, listed at the field." in text
    assert text.count("line 2, month: 'x' is not a month") == 1
    errors = re.search(r'id="f-pasted-error">(.*?)</div>', page.text, re.DOTALL)
    assert errors
    assert errors[1].count("<p>") == 20
    most = app_client.post(address, data={"pasted": "month,amount_usd\n" + "x,y\n" * 99})
    assert "The pasted lines have at least 50 problems" in words(most)


def test_an_unknown_method_is_said_at_its_field(app_client: TestClient, address: str) -> None:
    page = app_client.post(address, data={"pasted": SPEND, "method": "dora"})
    assert page.status_code == 422
    assert any(link["href"] == "#f-method" for link in document(page).all("a"))
    [select] = document(page).all("select", id="f-method")
    assert select["aria-invalid"] == "true"
    settings = app_client.post(f"{address}/settings", data={"method": "dora"})
    assert settings.status_code == 422


def test_only_the_owner_may_change_it(app_client: TestClient, address: str) -> None:
    app_client.post(address, data={"pasted": SPEND})
    other = stranger(app_client)
    assert other.post(address, data={"pasted": SPEND}).status_code == 403
    assert other.post(f"{address}/settings", data={"shown": "yes"}).status_code == 403
    assert other.post(f"{address}/remove").status_code == 403
    assert "US$30,012 spent" in words(app_client.get(address))


def test_other_sites_cannot_send_the_forms(app_client: TestClient, address: str) -> None:
    for path in (address, f"{address}/settings", f"{address}/remove"):
        answer = app_client.post(path, headers={"Sec-Fetch-Site": "cross-site"})
        assert answer.status_code == 403
        assert "another site" in answer.text


def test_unknown_and_withdrawn_links(app_client: TestClient) -> None:
    nowhere = f"/s/{'A' * 32}/actuals"
    for path in ("", "/template.csv", "/variance.csv"):
        assert app_client.get(nowhere + path).status_code == 404
    assert app_client.post(nowhere, data={"pasted": SPEND}).status_code == 404
    address = saved(app_client, "start_month=2025-01&methods=lora")
    app_client.post(address.removesuffix("actuals") + "revoke")
    assert app_client.get(address).status_code == 410
    assert app_client.post(address, data={"pasted": SPEND}).status_code == 410


def test_a_file_that_is_too_large_is_said_so(app_client: TestClient, address: str) -> None:
    large = {"file": ("spend.csv", b"x" * (LARGEST_BYTES + 1), "text/csv")}
    page = app_client.post(address, files=large)
    assert page.status_code == 422
    assert "spend.csv: has 4.0 MiB; at most 4 MiB are read" in words(page)
    far = {"file": ("spend.csv", b"x" * actual_pages.LARGEST_UPLOAD_BYTES, "text/csv")}
    assert app_client.post(address, files=far).status_code == 413


def test_a_result_of_an_earlier_version_says_what_to_do(
    app_client: TestClient, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = app_client.app.state.scenarios  # type: ignore[attr-defined]
    found = service.get(address.split("/")[2])
    old = replace(found, report=replace(found.report, timeline=None))
    monkeypatch.setattr(service, "get", lambda _: old)
    page = app_client.get(address)
    assert page.status_code == 200
    assert "save it anew" in words(page)
    assert not document(page).all("form")
    for answer in (
        app_client.post(address, data={"pasted": SPEND}),
        app_client.post(f"{address}/settings", data={"method": "lora"}),
        app_client.get(f"{address}/template.csv"),
        app_client.get(f"{address}/variance.csv"),
    ):
        assert answer.status_code == 409
        assert "save it anew" in words(answer)


# ------------------------------------------------------------------ files


def test_the_template_comes_back_as_it_is_filled_in(app_client: TestClient, address: str) -> None:
    answer = app_client.get(f"{address}/template.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert {row["amount_usd"] for row in rows} == {""}
    assert app_client.post(address, data={"pasted": answer.text}).status_code == 422
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0])
    writer.writeheader()
    writer.writerows(row | {"amount_usd": row["planned_usd"]} for row in rows)
    page = app_client.post(address, data={"pasted": out.getvalue()})
    assert page.status_code == 200
    # Cents of rows are what is left of a plan that is not in cents.
    assert re.search(r"To the end of December 2025: US\$[\d,]+ spent, as planned for", words(page))


def test_a_template_in_another_currency_is_read_at_the_rate_of_the_scenario() -> None:
    plan = PlannedCosts(("2025-01", "2025-02"), {"serving": (100.0, 0.0)}, 0.0, False)
    text = template_csv(plan, EURO)
    assert text.splitlines() == [
        "month,category,amount,currency,planned,note",
        "2025-01,serving,,EUR,90.0,",
    ]
    filled = text.replace("serving,,EUR", "serving,45,EUR").encode()
    [row] = read_actuals(filled, "template.csv", "EUR").rows
    assert (str(row.amount), row.currency) == ("45", "EUR")


def test_the_template_has_the_plan_that_is_compared(app_client: TestClient, address: str) -> None:
    def planned(client: TestClient) -> float:
        rows = csv.DictReader(io.StringIO(client.get(f"{address}/template.csv").text))
        return sum(float(row["planned_usd"]) for row in rows if row["category"] == "people")

    recommended = planned(app_client)
    app_client.post(address, data={"pasted": SPEND, "method": "full"})
    assert planned(app_client) > recommended
    # Which method that is, is shown with the spend alone.
    assert planned(stranger(app_client)) == recommended


def test_the_variance_file_counts_nothing_twice() -> None:
    plan = PlannedCosts(
        ("2025-01", "2025-02", "2025-03"),
        {"people": (100.0, 0.0, 0.0), "serving": (10.0, 10.0, 10.0)},
        0.0,
        False,
    )
    spends = [Spend("2025-01", "people", 120.5), Spend("2025-03", "", 3.0)]
    found = variance(plan, [*spends, Spend("2024-12", "serving", 1.0)])
    rows = list(csv.DictReader(io.StringIO(variance_csv(found, EURO))))
    assert tuple(rows[0]) == VARIANCE_COLUMNS
    assert [tuple(row.values()) for row in rows] == [
        ("2025-01", "reported", "people", "100.0", "120.5", "20.5", "20.5", *EUR),
        ("2025-01", "reported", "serving", "10.0", "0.0", "-10.0", "-100.0", *EUR),
        ("2025-02", "not reported", "", "10.0", "", "", "", *EUR),
        ("2025-03", "reported", "serving", "10.0", "0.0", "-10.0", "-100.0", *EUR),
        ("2025-03", "reported", "no category", "0.0", "3.0", "3.0", "", *EUR),
        ("2024-12", "outside of the plan", "", "", "1.0", "", "", *EUR),
    ]
    planned = sum(float(row["planned_usd"] or 0) for row in rows)
    assert planned == found.months[-1].cumulative_planned_usd


def test_columns_and_limits_are_documented() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "actuals.md").read_text()
    of_table, of_focus, of_variance = (
        [name for row in part.split("\n") for name in re.findall(r"^\| ([\w, ]+) \|", row)[:1]][1:]
        for part in (
            text.split("## A table")[1].split("## A provider")[0],
            text.split("## A provider")[1].split("## What is")[0],
            text.split("## variance.csv")[1].split("## API")[0],
        )
    )
    assert set(", ".join(of_table).split(", ")) == {*COLUMNS, *IGNORED}
    assert of_focus == [FOCUS_PERIOD, *FOCUS_COSTS, FOCUS_CURRENCY, FOCUS_PROJECTION]
    assert tuple(of_variance) == VARIANCE_COLUMNS
    assert f"{MOST_ROWS:,} lines" in text
    assert f"{MOST_FOCUS_ROWS:,} lines" in text
    assert f"{LARGEST_BYTES // 1024**2} MiB" in text
    assert ", ".join(COST_CATEGORIES[:-1]) + f" or {COST_CATEGORIES[-1]}" in text


def test_the_variance_is_saved_as_a_file(app_client: TestClient, address: str) -> None:
    nothing = app_client.get(f"{address}/variance.csv")
    assert nothing.status_code == 404
    assert "There is no spend to compare" in words(nothing)
    assert "No actual spend that you may see was uploaded" in words(nothing)
    app_client.post(address, data={"pasted": "month,amount_usd\n2025-01,5\n"})
    answer = app_client.get(f"{address}/variance.csv")
    assert "attachment" in answer.headers["content-disposition"]
    assert answer.text.splitlines()[1].startswith("2025-01,reported,,")


# ------------------------------------------------------------------ words and drawing


def made(*actual: float | None, planned: float = 100.0, months: int = 6) -> VarianceReport:
    """A plan of as much in every month, and what was spent in its first ones."""
    costs = money({"people": (0.0, *[planned] * months)})
    plan = planned_costs(costs, timeline(months, START))
    labels = plan.months
    return variance(
        plan,
        [
            Spend(label, "people", usd)
            for label, usd in zip(labels, actual, strict=False)
            if usd is not None
        ],
    )


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            made(100, 130),
            "To the end of February 2025: US$230 spent, US$30 (15%) more than planned for LoRA; "
            "most of it is people.",
        ),
        (
            made(50),
            "To the end of January 2025: US$50 spent, US$50 (50%) less than planned for LoRA; "
            "most of it is people.",
        ),
        (made(100.01), "To the end of January 2025: US$100 spent, as planned for LoRA."),
        (
            made(5, planned=0.0),
            "To the end of January 2025: US$5.00 spent, US$5.00 more than planned for LoRA; "
            "most of it is people.",
        ),
        (
            made(5, planned=0.01),
            "To the end of January 2025: US$5.00 spent, US$4.99 more than planned for LoRA; "
            "most of it is people.",
        ),
        (made(), "No month of the plan has any spend yet, so there is nothing to compare."),
        (
            variance(PlannedCosts(("2027-01",), {}, 0.0, False), [Spend("2027-01", "", 1)], "2026"),
            "Nothing to compare yet: January 2027 has not begun.",
        ),
        (
            replace(made(130), billed_only=True),
            "To the end of January 2025: US$130 spent with providers, US$30 (30%) more than "
            "planned for them with LoRA; most of it is people.",
        ),
        (
            replace(made(100), billed_only=True),
            "To the end of January 2025: US$100 spent with providers, as planned for them with "
            "LoRA.",
        ),
    ],
    ids=[
        *("more", "less", "as planned", "nothing planned", "cents planned", "nothing yet"),
        *("not begun", "a bill", "a bill as planned"),
    ],
)
def test_the_sentence(found: VarianceReport, said: str) -> None:
    assert sentence(found, "lora", US_DOLLAR) == said


def points(d: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"([\d.]+) ([\d.]+)", d)]


@pytest.mark.parametrize(
    ("actual", "spent", "outlook"),
    [
        ((100, 150), [3], [5]),
        ((100, None, 150), [2, 2], [2, 4]),
        ((None, 90), [2], [2, 5]),
        ((80,) * 6, [7], []),
        ((-500, 100), [3], [5]),
    ],
    ids=["the first", "a gap", "not the first", "all", "a credit"],
)
def test_the_drawing_goes_on_as_planned_where_nothing_was_reported(
    actual: tuple[float | None, ...], spent: list[int], outlook: list[int]
) -> None:
    found = made(*actual)
    figure = plan_against_actual(found, "lora", EURO)
    assert figure is not None
    for drawing in (figure.wide, figure.narrow):
        assert [len(points(piece)) for piece in drawing.actual] == spent
        assert [len(points(piece)) for piece in drawing.outlook] == outlook
        assert len(drawing.points) == sum(usd is not None for usd in actual)
        assert [label.kind for label in drawing.labels] == [
            "planned",
            "outlook" if outlook else "actual",
        ]
        inside(drawing)
    assert [row[2] == "not reported" for row in figure.table.rows] == [
        usd is None for usd in (*actual, *[None] * (6 - len(actual)))
    ]


def inside(drawing: PlanActualDrawing) -> None:
    """Every point lies in the frame, and the pieces join."""
    frame = drawing.frame
    pieces = [points(d) for d in (*drawing.actual, *drawing.outlook)]
    every = [point for piece in [*pieces, points(drawing.planned)] for point in piece]
    assert all(frame.left - 0.1 <= x <= frame.right + 0.1 for x, _ in every)
    assert all(frame.top - 0.1 <= y <= frame.bottom + 0.1 for _, y in every)
    pieces.sort()
    for before, after in pairwise(pieces):
        assert before[-1] == after[0]
    assert frame.left <= drawing.spent_x <= frame.right


def test_only_months_outside_of_the_plan_are_nothing_to_compare(
    app_client: TestClient, address: str
) -> None:
    page = app_client.post(address, data={"pasted": "month,amount_usd\n2024-12,40\n"})
    text = words(page)
    assert "No month of the plan has any spend yet" in text
    assert "December 2024, outside of the plan" in text
    assert "Rest of the plan, 12 months" in text
    assert not document(page).all("svg")
    assert COMPLETION not in text


def test_spend_without_a_category_beside_others_is_said(
    app_client: TestClient, address: str
) -> None:
    spend = "month,category,amount_usd\n2025-01,people,90000\n2025-01,,40\n"
    text = words(app_client.post(address, data={"pasted": spend}))
    assert "US$40 has no category." in text
    assert "most of it is" not in text
    assert "No category" in text


def test_nothing_is_drawn_before_a_month_is_reported() -> None:
    assert plan_against_actual(made(), "lora", US_DOLLAR) is None


def test_what_is_outside_or_in_other_money_is_said(app_client: TestClient) -> None:
    address = saved(
        app_client, "start_month=2025-01&money_terms=real&inflation_percent=10&currency=EUR"
    )
    spend = "month,amount_usd\n2024-12,100\nJan-25,5\n2025-01,6\n2025-02,\n"
    page = app_client.post(address, data={"pasted": spend})
    text = words(page)
    assert re.search(r"€\d\d was spent in months outside of the plan \(December 2024\)", text)
    assert "December 2024, outside of the plan" in text
    assert "in money of its start" in text
    assert "Months such as Jan-27" in text
    assert "1 row with month and category of an earlier one" in text
    assert "1 row without an amount: left out." in text
    assert "Amounts are in EUR (Euro)" in text
    assert "The amounts of the file are US dollars" in text
    assert "By category" not in text


def test_work_that_is_planned_at_once_and_goes_on_for_months_is_said(
    app_client: TestClient,
) -> None:
    slow = saved(app_client, f"{SCENARIO}&methods=full&engineer_weeks_full=16")
    early = words(app_client.post(slow, data={"pasted": "month,amount_usd\n2025-01,9000\n"}))
    assert re.search(
        r"The plan pays US\$[\d,]+ at the start, for work that goes on until April 2025\.", early
    )
    late = words(app_client.post(slow, data={"pasted": "month,amount_usd\n2025-05,9000\n"}))
    assert "goes on until" not in late


@pytest.mark.parametrize(
    ("today", "said"),
    [(date(2025, 3, 31), True), (date(2025, 2, 1), True), (date(2025, 4, 1), False)],
    ids=["its last day", "before it", "after it"],
)
def test_a_month_that_is_not_over_is_said_so(
    app_client: TestClient,
    address: str,
    monkeypatch: pytest.MonkeyPatch,
    today: date,
    said: bool,
) -> None:
    monkeypatch.setattr(requests, "today", lambda: today)
    text = words(app_client.post(address, data={"pasted": SPEND}))
    assert ("March 2025 is not over" in text) == said


def test_a_plan_in_real_money_is_compared_in_that_of_each_month() -> None:
    costs = money({"serving": (0.0, *[100.0] * 12)})
    plan = planned_costs(costs, real(timeline(12, START), 0.1))
    found = variance(plan, [Spend("2025-12", "serving", 110.0)])
    assert found.to_date is not None
    assert found.to_date.difference_usd == pytest.approx(0, abs=1e-9)


def test_a_focus_file_says_which_column_was_read(app_client: TestClient, address: str) -> None:
    file = (
        "ChargePeriodStart,BilledCost,EffectiveCost,BillingCurrency,ServiceCategory\n"
        "2025-01-01T00:00:00Z,10,8,USD,Compute\n2025-01-02T00:00:00Z,5,4,USD,Compute\n"
    )
    text = words(app_client.post(address, data={"pasted": file}))
    assert "Read as a FOCUS cost file: 2 charges, their BilledCost summed" in text
    assert "US$15 spent with providers" in text
    assert "The plan is what providers are expected to be paid for" in text
    assert re.search(r"US\$[\d,]+ of the forecast is paid to no provider: people, data", text)
    assert "the cost of delay, a chance" not in text
    table = words(app_client.post(address, data={"pasted": SPEND}))
    assert "providers" not in table.split("Replace it")[0]


def test_our_own_forecast_is_no_spend(app_client: TestClient, address: str) -> None:
    forecast = app_client.get(address.replace("actuals", "focus.csv")).content
    file = {"file": ("focus.csv", forecast, "text/csv")}
    page = app_client.post(address, files=file)
    assert page.status_code == 422
    assert "focus.csv line 2, x_IsProjection: is 'true': this charge is a forecast" in words(page)


def test_a_month_that_has_not_begun_is_no_spend_yet(app_client: TestClient) -> None:
    year = requests.today().year
    address = saved(app_client, f"start_month={year}-01&horizon_months=120")
    spend = f"month,amount_usd\n{year}-01,60\n{year + 9}-12,1000\n"
    page = app_client.post(address, data={"pasted": spend})
    text = words(page)
    assert f"To the end of January {year}: US$60 spent" in text
    assert f"US$1,000 is dated in December {year + 9}, which has not begun." in text
    assert re.search(rf"December {year + 9}, not begun\s*—\s*US\$1,000\.00", text)
    rows = list(csv.reader(io.StringIO(app_client.get(f"{address}/variance.csv").text)))
    ahead = [row[1:5] for row in rows if row[0] == f"{year + 9}-12"]
    assert [row[0] for row in ahead] == ["not reported", "not begun"]
    assert ahead[1][-1] == "1000.0"


def test_a_difference_is_no_share_of_a_few_cents(app_client: TestClient, address: str) -> None:
    page = app_client.post(
        address, data={"pasted": "month,category,amount_usd\n2025-01,storage,500\n"}
    )
    row = page.text.split('aria-label="Table: by category"')[1].split(">Storage<")[1]
    cells = re.findall(r'data-label="([^"]+)">([^<]*)', row.split("</tr>")[0])
    assert cells[0][1].startswith(("US$0.", "<"))
    assert cells[-1] == ("Difference, %", "—")
    assert "Of the plan" not in page.text


def test_rows_add_up_as_they_are_shown(app_client: TestClient, address: str) -> None:
    spend = "month,category,amount_usd\n" + "".join(
        f"2025-0{month},{category},{at * 7.77:.2f}\n"
        for at, (month, category) in enumerate(
            (m, c) for m in range(1, 8) for c in ("people", "serving", "training", "")
        )
    )
    page = app_client.post(address, data={"pasted": spend})

    def cents(text: str) -> int:
        sign = -1 if "−" in text else 1
        return sign * int(re.sub(r"[^\d]", "", text))

    for name in ("by month", "by category"):
        table = page.text.split(f'aria-label="Table: {name}"')[1].split("</table>")[0]
        rows = [
            [
                cents(cell)
                for cell in re.findall(r'data-label="(?:Planned|Spent|Difference)">([^<]+)', row)
            ]
            for row in table.split("<tr ")[2:]
            if 'class="beside"' not in row
        ]
        *parts, total = rows
        assert len(parts) >= 4
        assert [sum(column) for column in zip(*parts, strict=True)] == total
        assert all(spent - planned == away for planned, spent, away in rows)
