"""A link shows its numbers to everybody; its price book stays with those who own it."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from app.catalog.price_books import BookRow
from app.services.book_drafts import BookDraft
from tests.web.markup import Document

SCENARIO = "lora_rank=32&methods=lora&accelerators=H100-SXM-80GB&max_gpus=8"
DRAFT = BookDraft("Acme rates", "built-in", "crusoe, 12", "")
PRIVATE = "Its price book is private: a copy uses the built-in prices."


@dataclass(frozen=True, slots=True)
class Link:
    """A shared result, and its price book."""

    address: str
    book: str
    key: str


@pytest.fixture
def link(client: TestClient) -> Link:
    """A link of a workspace with a book that has a newer version; the client is a stranger."""
    books = client.app.state.price_books  # type: ignore[attr-defined]
    made = books.create(DRAFT, None)
    assert made.workspace_key is not None
    client.cookies.set("workspace", made.workspace_key)
    address = _share(client, made.info.token)
    books.update(
        made.info.token, dataclasses.replace(DRAFT, discounts="crusoe, 20"), made.workspace_key
    )
    client.cookies.clear()
    return Link(address, made.info.token, made.workspace_key)


def _share(client: TestClient, book: str) -> str:
    sent = {"scenario": f"{SCENARIO}&price_book={book}"}
    answer = client.post("/scenarios", data=sent, follow_redirects=False)
    assert answer.status_code == 303
    return answer.headers["location"]


def _other(client: TestClient) -> str:
    books = client.app.state.price_books  # type: ignore[attr-defined]
    key: str = books.create(DRAFT, None).workspace_key
    return key


@pytest.mark.parametrize("workspace", ["none", "another"])
def test_a_stranger_sees_the_numbers_and_no_price_book(
    client: TestClient, link: Link, workspace: str
) -> None:
    if workspace == "another":
        client.cookies.set("workspace", _other(client))
    page = client.get(link.address)
    assert page.status_code == 200
    assert link.book not in page.text
    text = " ".join(Document(page.text).text.split())
    assert "price book Acme rates, version 1" in text
    assert PRIVATE in text
    copies = [a["href"] for a in Document(page.text).all("a") if "lora_rank" in a["href"]]
    assert {address.partition("?")[0] for address in copies} == {"/estimate", "/plans"}
    assert all(client.get(address).status_code == 200 for address in copies)

    today = client.get(f"{link.address}/today")
    assert today.status_code == 200
    assert link.book not in today.text
    said = " ".join(Document(today.text).text.split())
    assert "Nothing has changed" in said
    assert "Today's result in full" not in said
    assert "version 2" not in said

    compared = client.get("/compare", params={"left": link.address, "right": "/estimate"})
    assert compared.status_code == 200
    assert link.book not in compared.text


def test_its_owner_keeps_all(client: TestClient, link: Link) -> None:
    client.cookies.set("workspace", link.key)
    page = client.get(link.address)
    assert f"price_book={link.book}@1" in page.text.replace("%40", "@")
    assert PRIVATE not in page.text
    today = client.get(f"{link.address}/today").text
    assert "numbers use version 2." in today
    document = Document(today)
    full = [a["href"] for a in document.all("a") if a["href"].startswith("/result?")]
    assert full
    assert client.get(full[0]).status_code == 200


@pytest.mark.parametrize("withdrawn", [False, True], ids=["shared", "withdrawn"])
def test_a_token_of_a_price_book_opens_nothing(
    client: TestClient, link: Link, withdrawn: bool
) -> None:
    if withdrawn:
        client.cookies.set("workspace", link.key)
        client.post(f"{link.address}/revoke")
        client.cookies.clear()
        assert client.get(link.address).status_code == 410
    for workspace in ("", _other(client)):
        client.cookies.set("workspace", workspace)
        for book in (link.book, f"{link.book}@1"):
            query = f"{SCENARIO}&price_book={quote(book)}"
            for answer in (
                client.get(f"/estimate?{query}"),
                client.get(f"/result?{query}"),
                client.get(f"/plans?{query}"),
                client.get("/compare", params={"left": f"/estimate?{query}", "right": "epochs=2"}),
                client.get(f"/prices?book={quote(book)}"),
                client.get(f"/prices.csv?book={quote(book)}"),
                client.post("/scenarios", data={"scenario": query}),
            ):
                assert answer.status_code == 422
                assert "belongs to another workspace" in answer.text
            assert client.get(f"/plans/files/lora/train.py?{query}").status_code == 404
        client.cookies.clear()


def test_a_book_of_the_installation_is_for_all(client: TestClient) -> None:
    row = BookRow(
        provider="crusoe",
        instance="h100-80gb-sxm-ib.8x",
        accelerator="H100-SXM-80GB",
        gpus_per_instance=8,
        gpu_memory_gib=None,
        vcpus=None,
        host_memory_gib=None,
        inter_node_gbit_per_s=None,
        region="mars-1",
        purchase_option="on-demand",
        usd_per_instance_hour=Decimal(30),
        tier="list",
        valid_from=date(2026, 11, 1),
        source="gpuhunt crusoe.csv",
    )
    books = client.app.state.price_books  # type: ignore[attr-defined]
    token = books.import_rows("daily", [row], providers=["crusoe"]).info.token
    address = _share(client, token)
    client.cookies.clear()
    page = client.get(address).text.replace("%40", "@")
    assert f"price_book={token}@1" in page
    assert PRIVATE not in page
    assert client.get(f"/result?{SCENARIO}&price_book={token}").status_code == 200
    assert client.get(f"/prices?book={token}").status_code == 200


def test_files_of_a_scenario_with_a_book_are_those_of_its_link(
    client: TestClient, link: Link
) -> None:
    """Their addresses would hold the book's key, and answer only its owner's browser."""
    client.cookies.set("workspace", link.key)
    page = client.get(f"/result?{SCENARIO}&price_book={quote(link.book)}")
    assert page.status_code == 200
    document = Document(page.text)
    assert not document.mismatches
    assert not [a for a in document.all("a") if re.search(r"\.(csv|json)\b", a["href"])]
    assert "the files of the link need no key" in " ".join(document.text.split())
    assert document.all("form", id="save"), "where the sentence leads to"
    # Saved, they are there, and hold nothing of the book.
    saved = Document(client.get(link.address).text)
    client.cookies.clear()
    files = [a["href"] for a in saved.all("a") if re.search(r"\.(csv|json)\b", a["href"])]
    assert files
    for address in files[:2]:
        assert link.book not in address
        assert client.get(address).status_code == 200
