"""Rules that every template keeps."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from jinja2 import FileSystemBytecodeCache, meta, nodes

from app.settings import Settings
from app.web import (
    context_comparisons,
    context_evidence,
    context_frame,
    context_prices,
    context_results,
)
from app.web.static import StaticFiles
from app.web.templating import environment

FOLDER = Settings().templates_dir
FILES = sorted(FOLDER.rglob("*.html"))
BANNED = {
    "an event handler of htmx, which the content security policy blocks": r"\bhx-on\b",
    "an inline event handler": r"<[^>{}]*\son[a-z]+\s*=",
    "an inline style": r"\sstyle\s*=",
    "a style element": r"<style\b",
    "an inline script": r"<script(?![^>]*\ssrc=)",
    "a script in an address": r"javascript:",
    "a script in a value": r"[\"'\s]js:",
    "a filter on a trigger": r"hx-trigger=\"[^\"]*\[",
    "markup that is not escaped": r"\|\s*safe\b",
    "escaping switched off": r"autoescape\s+false",
    "something from another site": r"(?:src|action)=\"https?:",
}
PAGES = {
    "pages/home.html": context_results.Home,
    "pages/builder.html": context_results.Builder,
    "pages/result.html": context_results.Result,
    "pages/plans.html": context_results.Plans,
    "pages/prices.html": context_prices.Prices,
    "pages/books.html": context_prices.BooksPage,
    "pages/book.html": context_prices.BookPage,
    "partials/_prices.html": context_prices.PricesPart,
    "pages/shared.html": context_results.Shared,
    "pages/today.html": context_comparisons.Today,
    "pages/board.html": context_results.Board,
    "pages/actuals.html": context_results.ActualsPage,
    "pages/compare.html": context_comparisons.Compare,
    "pages/method.html": context_evidence.MethodPage,
    "pages/validate.html": context_evidence.Validate,
    "pages/evidence.html": context_evidence.Evidence,
    "partials/_evidence.html": context_evidence.EvidencePart,
    "pages/own_evidence.html": context_evidence.OwnEvidence,
    "pages/message.html": context_frame.Message,
    "partials/_builder.html": context_results.BuilderPart,
}


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(FOLDER).as_posix())
@pytest.mark.parametrize("what", BANNED)
def test_templates_are_free_of(what: str, path: Path) -> None:
    source = re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.DOTALL)
    assert not re.search(BANNED[what], source, re.IGNORECASE), what


def _names(template: str) -> set[str]:
    """Names that a template and all that it includes or extends take from the context."""
    made = environment(FOLDER, StaticFiles.scan(Settings().static_dir))
    found: set[str] = set()
    waiting, seen = [template], set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        tree = made.parse((FOLDER / name).read_text())
        # Blocks use what their template imports and sets outside of them.
        own = {node.name for node in tree.find_all(nodes.Name) if node.ctx == "store"}
        for node in tree.find_all(nodes.FromImport):
            own |= {name if isinstance(name, str) else name[1] for name in node.names}
        found |= meta.find_undeclared_variables(tree) - set(made.globals) - own
        for other in tree.find_all((nodes.Extends, nodes.Include)):
            assert isinstance(other.template, nodes.Const), "included by a fixed name"
            waiting.append(other.template.value)
    return found


@pytest.mark.parametrize("template", PAGES)
def test_a_template_uses_its_whole_context_and_nothing_else(template: str) -> None:
    assert _names(template) == {field.name for field in fields(PAGES[template])}


def test_every_page_template_has_a_context() -> None:
    pages = {p.relative_to(FOLDER).as_posix() for p in (FOLDER / "pages").glob("*.html")}
    assert pages <= set(PAGES)


def test_scripts_are_few_and_small() -> None:
    folder = Settings().static_dir / "js"
    assert sum(len(path.read_text().splitlines()) for path in folder.glob("*.js")) <= 100


@pytest.mark.parametrize("place", ["gone", "refused"])
def test_templates_compile_where_none_can_be_kept(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if place == "refused":

        def refuse(_: object) -> str:
            raise RuntimeError

        monkeypatch.setattr(FileSystemBytecodeCache, "_get_default_cache_dir", refuse)
    made = environment(FOLDER, StaticFiles.scan(Settings().static_dir))
    if place == "gone":
        assert isinstance(made.bytecode_cache, FileSystemBytecodeCache)
        made.bytecode_cache.directory = str(tmp_path / "gone")
    assert made.get_template("macros/recent.html").module is not None
