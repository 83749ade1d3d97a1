"""Price books: the list, the editor, and the files of rates."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData, UploadFile
from starlette.responses import HTMLResponse, Response

from app.services.book_drafts import BookDraft, draft_of, rates_text
from app.services.book_infos import BookInfo
from app.services.problems import InputProblems, Problem
from app.web import book_views
from app.web.book_effects import effects_view
from app.web.book_views import MOST_EDITED, PATH, BookFormView
from app.web.context_frame import Layout
from app.web.context_prices import BookPage, BooksPage
from app.web.requests import PRIVATE, Page, Site, keep_workspace
from app.web.validation_pages import csv_file

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

LARGEST_FILE_BYTES = 8 * 1024 * 1024
LARGEST_UPLOAD_BYTES = LARGEST_FILE_BYTES + 512 * 1024
"""Of a request with a file of rates and the texts beside it."""

TEMPLATE = """\
provider,instance,accelerator,gpus_per_instance,gpu_memory_gib,vcpus,host_memory_gib,\
inter_node_gbit_per_s,region,purchase_option,usd_per_instance_hour,tier,valid_from,note
aws,p5.48xlarge,H100-SXM-80GB,8,80,192,2048,3200,us-east-1,reserved-3y,22.40,list,2026-11-01,\
enterprise agreement
our-datacentre,hgx-h200,H200-SXM-141GB,8,141,192,2048,3200,*,on-demand,19.50,list,2026-11-01,\
internal rate
"""
"""A file to begin with; its prices are made up."""

Version = Annotated[int | None, Query(ge=1, le=999_999_999)]
Outcome = Literal["", "new", "same"]
"""What became of a form that was sent: a new version, or nothing as nothing differs."""


@dataclass(frozen=True, slots=True)
class SentBook:
    """What the editor sent.

    Parameters
    ----------
    draft : the texts as they were typed.
    file : content of the file of rates; None where none was chosen.
    version : that the editor was filled from; 0 for a new book.
    kept : whether the rates of that version stay, as they were too many to be on the page.
    """

    draft: BookDraft
    file: bytes | None
    version: int
    kept: bool


async def sent_book(request: Request) -> SentBook:
    """Read the form; its file may be larger than the texts of other forms."""
    async with request.form(max_files=1, max_fields=10, max_part_size=LARGEST_FILE_BYTES) as sent:
        chosen = sent.get("rates_file")
        file = None
        if isinstance(chosen, UploadFile) and chosen.filename:
            file = await chosen.read(LARGEST_FILE_BYTES + 1)
        version = _text(sent, "version")
        return SentBook(
            draft=BookDraft(
                name=_text(sent, "name"),
                base=_text(sent, "base"),
                discounts=_text(sent, "discounts"),
                rates=_text(sent, "rates"),
            ),
            file=file,
            version=int(version) if re.fullmatch("[0-9]{1,9}", version) else 0,
            kept=_text(sent, "rates_on_page") == "no" and _text(sent, "remove_rates") != "yes",
        )


def _text(sent: FormData, name: str) -> str:
    value = sent.get(name)
    # Browsers send every line end as CRLF.
    return value.replace("\r\n", "\n") if isinstance(value, str) else ""


Sent = Annotated[SentBook, Depends(sent_book)]


def _draft(sent: SentBook, rates_before: Callable[[], str]) -> BookDraft:
    """The draft with its rates from the file, from the page, or from the version before.

    Parameters
    ----------
    rates_before : reads what the editor was filled with.

    Raises
    ------
    InputProblems : a file that is too large, or lines that the file would silently replace.
    """
    if sent.file is None:
        return replace(sent.draft, rates=rates_before()) if sent.kept else sent.draft
    if len(sent.file) > LARGEST_FILE_BYTES:
        limit = LARGEST_FILE_BYTES // 1024**2
        raise InputProblems([Problem("/rates", f"The file is larger than {limit} MiB.")])
    typed = str(sent.draft.rates).strip()
    if typed and typed != rates_before().strip():
        raise InputProblems(
            [
                Problem(
                    "/rates",
                    "Lines were changed and a file was chosen, which would replace them; use one "
                    "of both.",
                )
            ]
        )
    return replace(sent.draft, rates=sent.file)


@router.get("/prices/books")
def books(site: Site) -> Response:
    """The price books of this browser and of the installation, and a form for a new one."""
    return _books_page(site, _new_form(BookDraft("", "built-in", "", "")))


@router.post("/prices/books")
def create(request: Request, site: Site, sent: Sent) -> Response:
    """Save a new price book and lead to its page."""
    try:
        saved = site.price_books.create(_draft(sent, str), site.workspace)
    except InputProblems as error:
        return _books_page(site, _new_form(sent.draft, error.problems))
    where = book_views.address(saved.info.token, saved="new")
    response = RedirectResponse(where, 303, headers=PRIVATE)
    keep_workspace(request, response, site, saved.workspace_key)
    return response


def _new_form(draft: BookDraft, problems: Sequence[Problem] = ()) -> BookFormView:
    return book_views.form_view(draft, PATH, "Save the price book", problems=problems)


def _books_page(site: Page, form: BookFormView) -> Response:
    title = "Please check the form" if form.problems else "Price books"
    return site.render(
        "pages/books.html",
        BooksPage(
            Layout(title, "prices", indexed=False),
            book_views.cards(site.price_books.mine(site.workspace)),
            form,
            book_views.rate_keys(site.catalog),
        ),
        status=422 if form.problems else 200,
        headers=PRIVATE,
    )


@router.get("/prices/books/template.csv")
def template() -> Response:
    """A file of rates to begin with."""
    return csv_file(TEMPLATE, "rates.csv", {"Cache-Control": "public, max-age=3600"})


@router.get("/prices/books/{token}/rates.csv")
def rates(site: Site, token: str, version: Version = None) -> Response:
    """The rates of a book, as they can be read again."""
    _, found = site.price_books.get(token, site.workspace, version)
    return csv_file(rates_text(found.rows), f"rates-version-{found.version}.csv", PRIVATE)


@router.get("/prices/books/{token}")
def book(site: Site, token: str, version: Version = None, saved: Outcome = "") -> Response:
    """The editor of a book, its versions, and what one of them changed."""
    info = site.price_books.info(token, site.workspace)
    draft = BookDraft(info.name, info.base, "", "")
    kept = info.rows > MOST_EDITED
    if info.owned:
        _, found = site.price_books.get(token, site.workspace, with_rows=not kept)
        draft = draft_of(found)
    form = _editor(info, draft, info.version, kept=kept)
    return _book_page(site, info, form, version, saved)


@router.post("/prices/books/{token}")
def update(request: Request, site: Site, token: str, sent: Sent) -> Response:
    """Save a new version where anything differs."""
    key = site.workspace
    info = site.price_books.info(token, key)
    version = sent.version or info.version

    def rates_before() -> str:
        _, before = site.price_books.get(token, key, version)
        return rates_text(before.rows)

    try:
        changed = site.price_books.update(token, _draft(sent, rates_before), key)
    except InputProblems as error:
        form = _editor(info, sent.draft, version, kept=sent.kept, problems=error.problems)
        return _book_page(site, info, form, None, "")
    outcome = "same" if changed.version == info.version else "new"
    response = RedirectResponse(book_views.address(token, saved=outcome), 303, headers=PRIVATE)
    keep_workspace(request, response, site, None)
    return response


def _editor(
    info: BookInfo,
    draft: BookDraft,
    version: int,
    *,
    kept: bool,
    problems: Sequence[Problem] = (),
) -> BookFormView:
    return book_views.form_view(
        draft,
        book_views.address(info.token),
        "Save as a new version",
        version=version,
        kept_rates=info.rows if kept else 0,
        problems=problems,
    )


def _book_page(
    site: Page,
    info: BookInfo,
    form: BookFormView,
    version: int | None,
    saved: str,
) -> Response:
    """The page of a book.

    Parameters
    ----------
    version : whose changes are shown; None for none.
    """
    key = site.workspace
    changes = None
    if version is not None and version > 1:
        found = site.price_books.changes(info.token, key, version - 1, version)
        changes = book_views.changes_view(version, found)
    versions = site.price_books.versions(info.token, key)
    effects = None
    # A large book is read for this only where its form was just sent.
    if info.rows and (info.rows <= MOST_EDITED or saved):
        _, found_book = site.price_books.get(info.token, key)
        effects = effects_view(site.catalog, site.priced(info.token), found_book)
    title = "Please check the form" if form.problems else info.name
    return site.render(
        "pages/book.html",
        BookPage(
            Layout(title, "prices", indexed=False),
            book_views.book_view(info, versions, changes, saved, effects),
            form,
            book_views.rate_keys(site.catalog),
        ),
        status=422 if form.problems else 200,
        headers=PRIVATE,
    )
