"""Price books: a new one, a new version, what is wrong with one, and who may see it."""

from __future__ import annotations

import csv
import io
import re

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from app.web import book_pages, book_views
from app.web.book_pages import LARGEST_FILE_BYTES, TEMPLATE
from tests.web.markup import Document

RATES = """\
provider,instance,accelerator,gpus_per_instance,region,purchase_option,usd_per_instance_hour,\
valid_from,tier
aws,p5.48xlarge,H100-SXM-80GB,8,us-east-1,on-demand,40.00,2026-11-01,
our-cloud,hgx,H200-SXM-141GB,8,*,on-demand,19.50,2026-11-01,list
"""
GOOD = {"name": "Ours", "base": "built-in", "discounts": "aws, 12\n", "rates": RATES}


def _document(response: Response) -> Document:
    document = Document(response.text)
    assert not document.mismatches
    assert not [name for name, times in document.ids().items() if times > 1]
    return document


def _saved(client: TestClient, **changes: str) -> str:
    """Address of a new price book."""
    response = client.post("/prices/books", data=GOOD | changes, follow_redirects=False)
    assert response.status_code == 303, _document(response).text
    return response.headers["location"].partition("?")[0]


def _textarea(response: Response, name: str) -> str:
    found = re.search(rf'<textarea id="f-{name}".*?>\n(.*?)</textarea>', response.text, re.DOTALL)
    assert found
    return found[1]


def test_a_new_price_book_is_kept_for_this_browser(client: TestClient) -> None:
    empty = client.get("/prices/books")
    assert empty.status_code == 200
    assert not _document(empty).all("table")
    response = client.post("/prices/books", data=GOOD, follow_redirects=False)
    assert response.status_code == 303
    assert "HttpOnly" in response.headers["set-cookie"]
    page = client.get(response.headers["location"])
    text = " ".join(_document(page).text.split())
    assert "Version 1 was saved." in text
    assert "1 discount and 2 rates over the built-in prices." in text
    token = response.headers["location"].partition("?")[0].rsplit("/", 1)[1]
    assert f'href="/estimate?price_book={token}"' in page.text
    listed = client.get("/prices/books")
    assert "Ours" in _document(listed).text
    assert f'href="/prices/books/{token}"' in listed.text
    client.cookies.clear()
    assert token not in client.get("/prices/books").text
    assert client.get(f"/prices/books/{token}").status_code == 404


def test_its_prices_are_shown_and_computed_with(client: TestClient) -> None:
    token = _saved(client).rsplit("/", 1)[1]
    text = " ".join(_document(client.get(f"/prices?book={token}&provider=our-cloud")).text.split())
    assert "19.50" in text
    assert "own rate" in text
    discounted = client.get(f"/prices?book={token}&provider=aws&gpu=A100-SXM-80GB")
    assert re.search(r"list [\d.,]+, −12%", _document(discounted).text)
    assert 'aria-current="true">Ours</a>' in discounted.text
    estimate = client.get(f"/estimate?price_book={token}")
    assert estimate.status_code == 200


def test_a_saved_result_keeps_the_version_that_it_was_made_with(client: TestClient) -> None:
    address = _saved(client)
    token = address.rsplit("/", 1)[1]
    response = client.post(
        "/scenarios", data={"scenario": f"price_book={token}"}, follow_redirects=False
    )
    assert response.status_code == 303
    assert f"{token}@1" in client.get(response.headers["location"]).text.replace("%40", "@")


def test_a_change_makes_a_new_version(client: TestClient) -> None:
    address = _saved(client)
    page = client.get(address)
    rates = _textarea(page, "rates")
    assert len(rates.splitlines()) == 3
    same = client.post(address, data=GOOD | {"rates": rates, "version": "1"})
    assert "Nothing differs from version 1" in same.text
    changed = rates.replace(",40,", ",38,").replace("our-cloud,", "our-clouds,")
    response = client.post(address, data=GOOD | {"rates": changed, "version": "1"})
    text = " ".join(_document(response).text.split())
    assert "Version 2 was saved." in text
    assert "1 rate changed, 1 added, 1 removed" in text
    detail = client.get(f"{address}?version=2")
    text = " ".join(_document(detail).text.split())
    assert "What version 2 changed" in text
    cells = re.findall(r'class="num[^>]*>([^<]+)</td>', detail.text)
    assert cells[:3] == ["40.00", "38.00", "−5.0%"]
    assert client.get(f"{address}?version=3").status_code == 404
    before = client.get(f"{address}/rates.csv?version=1")
    assert before.text == rates.replace("&#34;", '"')


def test_rates_come_from_a_file(client: TestClient) -> None:
    file = {"rates_file": ("rates.csv", RATES.encode(), "text/csv")}
    response = client.post(
        "/prices/books", data=GOOD | {"rates": ""}, files=file, follow_redirects=False
    )
    assert response.status_code == 303
    address = response.headers["location"].partition("?")[0]
    page = client.get(address)
    # The lines of the page were not touched, so the file replaces them.
    fewer = "\n".join(RATES.splitlines()[:2]).encode()
    response = client.post(
        address,
        data=GOOD | {"rates": _textarea(page, "rates").replace("\n", "\r\n"), "version": "1"},
        files={"rates_file": ("rates.csv", fewer, "text/csv")},
    )
    assert "Version 2 was saved." in response.text
    assert "1 rate removed" in response.text


def test_changed_lines_and_a_file_are_one_too_many(client: TestClient) -> None:
    file = {"rates_file": ("rates.csv", RATES.encode(), "text/csv")}
    response = client.post("/prices/books", data=GOOD, files=file)
    assert response.status_code == 422
    assert "use one of both" in response.text
    assert _textarea(response, "rates") == RATES


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"name": " "}, "name", "Name must be"),
        ({"base": "nothing"}, "base", "Prices must start from"),
        ({"discounts": "aws, 12\nnobody, 5"}, "discounts", "line 2"),
        ({"rates": RATES.replace("40.00", "-40")}, "rates", "line 2"),
        ({"rates": RATES.replace("40.00", "=1+1")}, "rates", "line 2"),
        ({"rates": RATES.replace("H200-SXM-141GB", "H999")}, "rates", "line 3"),
        ({"rates": RATES.replace("40.00", "4000000")}, "rates", "line 2"),
        ({"rates": "provider,what\naws,1"}, "rates", "line 1"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_lost(
    client: TestClient, changes: dict[str, str], field: str, said: str
) -> None:
    sent = GOOD | changes
    response = client.post("/prices/books", data=sent)
    assert response.status_code == 422
    document = _document(response)
    assert document.all("a", href=f"#f-{field}")
    (control,) = [e for _, e in document.elements if e.get("id") == f"f-{field}"]
    assert control["aria-invalid"] == "true"
    error = re.search(rf'id="f-{field}-error">(.*?)</div>', response.text, re.DOTALL)
    assert error
    assert said in error[1]
    assert _textarea(response, "discounts").strip() == sent["discounts"].strip()
    assert _textarea(response, "rates").strip() == sent["rates"].strip().replace("'", "&#39;")
    assert document.all("input", name="name", value=sent["name"])
    assert "Error: " in response.text
    assert not _document(client.get("/prices/books")).all("table")


def test_a_change_with_problems_leaves_the_book_as_it_is(client: TestClient) -> None:
    address = _saved(client)
    response = client.post(address, data=GOOD | {"discounts": "aws", "version": "1"})
    assert response.status_code == 422
    assert _textarea(response, "discounts") == "aws"
    assert 'name="version" value="1"' in response.text
    assert "Version 1 of" in client.get(address).text


def test_many_problems_are_told_in_part(client: TestClient) -> None:
    lines = "".join(f"aws,i{n},H999,8,r{n},on-demand,40,2026-11-01,\n" for n in range(20))
    rates = RATES.splitlines()[0] + "\n" + lines
    response = client.post("/prices/books", data=GOOD | {"rates": rates})
    assert re.search(r"And \d+ problems more, listed above\.", response.text)


def test_many_rates_are_kept_without_being_on_the_page(client: TestClient) -> None:
    count = book_views.MOST_EDITED + 1
    lines = "".join(
        f"aws,i{n},H100-SXM-80GB,8,r{n},on-demand,40,2026-11-01,\n" for n in range(count)
    )
    address = _saved(client, rates=RATES.splitlines()[0] + "\n" + lines)
    page = client.get(address)
    assert f"{count:,} rates, too many to be edited here." in page.text
    assert 'id="f-rates" name="rates"' not in page.text
    kept = {"version": "1", "rates_on_page": "no", "rates": ""}
    response = client.post(address, data=GOOD | kept | {"discounts": "aws, 15"})
    assert "Version 2 was saved." in response.text
    assert f"{count:,} rates" in response.text
    failed = client.post(address, data=GOOD | kept | {"name": "", "version": "2"})
    assert failed.status_code == 422
    assert f"{count:,} rates, too many" in failed.text
    removed = client.post(address, data=GOOD | kept | {"version": "2", "remove_rates": "yes"})
    assert f"{count:,} rates removed" in removed.text


def test_another_browser_can_neither_open_nor_change_a_book(client: TestClient) -> None:
    address = _saved(client)
    client.cookies.clear()
    for response in (
        client.get(address),
        client.get(f"{address}/rates.csv"),
        client.post(address, data=GOOD),
        client.get(f"/prices/books/{'A' * 32}"),
    ):
        assert response.status_code == 404
        assert "only in the browser that saved it" in response.text
    response = client.get(f"/prices?book={address.rsplit('/', 1)[1]}")
    assert response.status_code == 422
    assert "belongs to another workspace" in response.text


def test_the_template_can_be_used_as_it_is(client: TestClient) -> None:
    response = client.get("/prices/books/template.csv")
    assert response.headers["content-disposition"] == 'attachment; filename="rates.csv"'
    assert len(list(csv.DictReader(io.StringIO(response.text)))) == 2
    _saved(client, rates=TEMPLATE)


def test_files_may_be_larger_here_and_not_elsewhere(client: TestClient) -> None:
    padding = "#" * 300_000
    assert client.post("/scenarios", data={"scenario": padding}).status_code == 413
    assert client.post("/prices/books", data=GOOD | {"rates": padding}).status_code == 422
    assert client.post(_saved(client), data=GOOD | {"rates": padding}).status_code == 422
    over = b"x" * (LARGEST_FILE_BYTES + 1)
    response = client.post("/prices/books", data=GOOD | {"rates": ""}, files={"rates_file": over})
    assert response.status_code == 422
    assert "The file is larger than 8 MiB." in response.text
    far = b"x" * book_pages.LARGEST_UPLOAD_BYTES
    response = client.post("/prices/books", data=GOOD, files={"rates_file": far})
    assert response.status_code == 413
    assert "may be at most 8,704 KiB long" in response.text
