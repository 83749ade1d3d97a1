"""Where the numbers of a result come from: links to the sources at the end of its page."""

from __future__ import annotations

from app.estimator.report import Report
from app.web import show_dates
from app.web.result_parts import SourceMark, SourceRow


def anchor(source_key: str) -> str:
    """The id of a source on the page.

    Examples
    --------
    >>> anchor("arXiv:2405.09673")
    'source-arXiv-2405-09673'
    """
    return "source-" + "".join(c if c.isascii() and c.isalnum() else "-" for c in source_key)


def mark(report: Report, text: str) -> SourceMark:
    """A source by its key, or the words that stand in its place."""
    for source in report.sources:
        if source.key == text:
            return SourceMark(source.title, anchor(source.key))
    return _WORDS.get(text) or SourceMark(text)


_WORDS = {
    "input": SourceMark("input or our default", "assumptions"),
    "assumption": SourceMark("our assumption"),
    "evidence": SourceMark("published studies", "sources"),
    "serving": SourceMark("published measurements of serving", "sources"),
    "counted": SourceMark("exact count"),
}


def rows(report: Report) -> tuple[SourceRow, ...]:
    """All sources of the report."""
    return tuple(
        SourceRow(
            anchor=anchor(s.key),
            title=s.title,
            publisher=s.publisher,
            locator=s.locator,
            url=s.locator if s.locator.startswith(("https://", "http://")) else "",
            retrieved=show_dates.day(s.retrieved),
        )
        for s in report.sources
    )
