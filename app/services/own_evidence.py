"""A company's own past comparisons of full fine-tuning and adapters, as pasted CSV."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, get_args

from app.catalog.cells import decimal_between, integer_between
from app.catalog.schema import Method
from app.catalog.tables import FORMULA_SIGNS
from app.estimator.evidence import OWN, HeadToHead, TaskGroup
from app.services.problems import MOST_PROBLEMS, InputProblems, Problem

POINTER = "/own_evidence"
LABEL = "Own past comparisons"
MOST_ROWS = 200
LONGEST_CELL = 100
SHOWN = 40

REQUIRED = ("study", "group", "metric", "full", "adapter")
OPTIONAL = (
    "base",
    "method",
    "rank",
    "metric_kind",
    "domain",
    "base_model",
    "test_set_size",
    "train_examples",
    "targets",
)
SCORES = ("base", "full", "adapter")
GROUPS: tuple[str, ...] = get_args(TaskGroup)
METHODS: tuple[str, ...] = get_args(Method)
METRIC_KINDS = ("share", "overlap", "judge")

EXAMPLE_CSV = """\
study,group,metric,base,full,adapter,method,rank,test_set_size
Contract review 2025,far,right answers,41.0,58.5,55.0,lora,64,600
Contract review 2025,far,right answers,41.0,58.5,54.2,qlora,64,600
Ticket routing,narrow,right answers,72.0,91.3,91.0,lora,16,1500
"""
"""What the page shows; three comparisons of two projects."""


def parse_own_evidence(text: str) -> tuple[HeadToHead, ...]:
    """The comparisons that were entered; all of them or none.

    Parameters
    ----------
    text : CSV with a header of `REQUIRED` and any of `OPTIONAL`, in any order and case, separated
        by commas, semicolons or tabs; scores in points of 0 to 100, `base` blank where it was not
        measured. Where cells are separated otherwise, a score may have a decimal comma. Nothing at
        all is no comparison.

    Returns
    -------
    Rows whose study begins with `OWN`; a project that is named alike is one study.

    Raises
    ------
    InputProblems : with every problem, by line and column.

    Examples
    --------
    >>> rows = parse_own_evidence(EXAMPLE_CSV)
    >>> rows[0].study, rows[0].full, rows[2].rank
    ('own-contract-review-2025', 58.5, 16)
    """
    problems: list[Problem] = []
    lines = list(_lines(text, problems))
    if problems:
        raise InputProblems(problems)
    if not lines:
        return ()
    header = [_column(cell) for cell in lines[0][1]]
    _check_header(lines[0][0], header, problems)
    if not problems and len(lines) == 1:
        problems.append(_problem("there is a header but no row; add a comparison a line"))
    if len(lines) - 1 > MOST_ROWS:
        problems.append(
            _problem(f"there are {len(lines) - 1:,} rows; give at most {MOST_ROWS}, the latest")
        )
    if problems:
        raise InputProblems(problems)
    comma = "," not in _separator(text)
    rows = [(line, _row(line, header, cells, comma, problems)) for line, cells in lines[1:]]
    _refuse_fractions([row for _, row in rows], problems)
    if problems:
        raise InputProblems(problems[:MOST_PROBLEMS])
    studies = _studies([row["study"] for _, row in rows])
    return tuple(_comparison(line, row, studies) for line, row in rows)


def _problem(message: str, line: int | None = None, column: str = "") -> Problem:
    place = "" if line is None else f", line {line}"
    place += f", column {column}" if column else ""
    return Problem(POINTER, f"{LABEL}{place}: {message}.")


def _shown(cell: str) -> str:
    """A cell as it may stand in a message."""
    return ascii(cell[:SHOWN] + ("…" if len(cell) > SHOWN else ""))


def _separator(text: str) -> str:
    """The separator of the header: a tab or a semicolon where it has one, else a comma."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return next((mark for mark in ("\t", ";") if mark in first), ",")


def _lines(text: str, problems: list[Problem]) -> Iterator[tuple[int, list[str]]]:
    """Yield line number and stripped cells of every line that is not blank."""
    stream = io.StringIO(text.lstrip("\ufeff"), newline="")
    reader = csv.reader(stream, delimiter=_separator(text), strict=True)
    start = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            problems.append(_problem("is not valid CSV; check the double quotes", start))
            return
        stripped = [cell.strip() for cell in cells]
        if any(stripped):
            yield start, stripped
        start = reader.line_num + 1


def _column(cell: str) -> str:
    """A heading as the name of a column."""
    return re.sub(r"[\s-]+", "_", cell.strip().lower())


def _check_header(line: int, header: list[str], problems: list[Problem]) -> None:
    known = (*REQUIRED, *OPTIONAL)
    listed = ", ".join(known)
    missing = [column for column in REQUIRED if column not in header]
    if missing:
        problems.append(
            _problem(f"the header lacks {', '.join(missing)}; the columns are {listed}", line)
        )
    unknown = [column for column in dict.fromkeys(header) if column not in known]
    if unknown:
        named = ", ".join(_shown(name) if name else "a blank name" for name in unknown[:SHOWN])
        problems.append(
            _problem(f"the header has {named}, not known; the columns are {listed}", line)
        )
    problems.extend(
        _problem("is in the header twice", line, column)
        for column in known
        if header.count(column) > 1
    )


def _text(cell: str) -> object:
    """Check for words that can be shown."""
    if not cell.isprintable():
        raise ValueError("holds characters that cannot be shown; use plain letters")
    if cell.startswith(FORMULA_SIGNS):
        raise ValueError(
            f"{_shown(cell)} would be read as a formula by a spreadsheet; begin with a letter"
        )
    return cell


def _one_of(words: tuple[str, ...]) -> Callable[[str], object]:
    """Make a check for one of some words, in any case."""

    def check(cell: str) -> object:
        if cell.lower() not in words:
            raise ValueError(f"{_shown(cell)} is not one of {', '.join(words)}")
        return cell.lower()

    return check


def _method(cell: str) -> object:
    """Check for LoRA, QLoRA or the name of a variant."""
    name = cell.lower()
    if name == "full":
        raise ValueError("full stands in its own column; name the adapter method, such as lora")
    if name not in METHODS:
        raise ValueError(
            f"{_shown(cell)} is not one of {', '.join(METHODS)}; the model learns from lora and "
            "qlora"
        )
    return name


CHECKS: Mapping[str, Callable[[str], object]] = MappingProxyType(
    {
        "study": _text,
        "group": _one_of(GROUPS),
        "metric": _text,
        "base": decimal_between("0", "100", "points"),
        "full": decimal_between("0", "100", "points"),
        "adapter": decimal_between("0", "100", "points"),
        "method": _method,
        "rank": integer_between(1, 16_384, ""),
        "metric_kind": _one_of(METRIC_KINDS),
        "domain": _text,
        "base_model": _text,
        "test_set_size": integer_between(10, 10_000_000, "questions"),
        "train_examples": integer_between(1, 10_000_000_000, "examples"),
        "targets": _text,
    }
)
"""What may stand in a column; a cell that is blank is not asked."""


def _row(
    line: int, header: list[str], cells: list[str], comma: bool, problems: list[Problem]
) -> dict[str, Any]:
    """Values of the cells that are not blank and could be read, by column."""
    if len(cells) != len(header):
        problems.append(
            _problem(
                f"has {len(cells)} cells where the header has {len(header)}; put text that holds "
                "the separator in double quotes",
                line,
            )
        )
        return {}
    values: dict[str, Any] = {}
    for column, cell in zip(header, cells, strict=True):
        if not cell:
            if column in REQUIRED:
                problems.append(_problem("is blank; this column needs a value", line, column))
            continue
        if len(cell) > LONGEST_CELL:
            said = f"{_shown(cell)} is longer than {LONGEST_CELL} characters; shorten it"
            problems.append(_problem(said, line, column))
            continue
        shown = cell.replace(",", ".") if comma and column in SCORES else cell
        try:
            values[column] = CHECKS[column](shown)
        except ValueError as error:
            problems.append(_problem(str(error), line, column))
    return values


def _refuse_fractions(rows: list[dict[str, Any]], problems: list[Problem]) -> None:
    """Find columns of scores that were given as fractions of 1."""
    for column in SCORES:
        scores = [row[column] for row in rows if column in row]
        if scores and 0 < max(scores) <= 1:
            problems.append(
                _problem(
                    f"no score is above {max(scores)}, so these look like fractions; give points "
                    "of 0 to 100",
                    column=column,
                )
            )


def _studies(names: list[str]) -> dict[str, str]:
    """Key of each project: readable, and its own."""
    keys: dict[str, str] = {}
    by_name: dict[str, str] = {}
    for name in names:
        same = " ".join(name.casefold().split())
        if same not in by_name:
            plain = unicodedata.normalize("NFKD", same).encode("ascii", "ignore").decode()
            readable = re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "project"
            key, count = f"{OWN}-{readable}", 1
            while key in by_name.values():
                count += 1
                key = f"{OWN}-{readable}-{count}"
            by_name[same] = key
        keys[name] = by_name[same]
    return keys


def _comparison(line: int, row: Mapping[str, Any], studies: Mapping[str, str]) -> HeadToHead:
    """A row whose cells were all read."""
    study = studies[row["study"]]
    return HeadToHead(
        key=f"{study}-{line}",
        study=study,
        group=row["group"],
        domain=row.get("domain", ""),
        base_model=row.get("base_model", ""),
        metric=row["metric"],
        metric_kind=row.get("metric_kind", "share"),
        method=row.get("method", "lora"),
        rank=row.get("rank"),
        targets=row.get("targets", ""),
        base=float(row["base"]) if "base" in row else None,
        full=float(row["full"]),
        adapter=float(row["adapter"]),
        retention=False,
        base_same_harness=True,
        locator=f"line {line}",
        train_examples=row.get("train_examples"),
        test_set_size=row.get("test_set_size"),
    )
