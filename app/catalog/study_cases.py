"""Head-to-heads in a file of one's own, for a back-test: read leniently, skipped by reason.

A published comparison has blank cells and notes in words. A row is used where its two scores and
its kind of task can be told, and is skipped with the reason where not; only a file that is no such
table at all is refused.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite

from app.catalog.tables import CatalogError
from app.estimator.evidence import HeadToHead

LARGEST_BYTES = 4 * 1024 * 1024
MOST_ROWS = 20_000

REQUIRED = ("study", "regime", "full_score", "lora_score")
OPTIONAL = (
    "id", "year", "source", "locator", "base_model", "params_b", "domain", "train_examples",
    "train_tokens", "metric", "base_score", "method_detail", "unit", "notes",
)  # fmt: skip

REGIMES = {"sft-narrow": "narrow", "ift": "", "cpt": "continued", "rl": "rl"}
"""Of the column; instruction tuning is told apart by its domain."""

FAR_WORDS = (
    "medic", "clinic", "bio", "health", "law", "legal", "financ", "chemi", "chinese", "zh",
    "german", "french", "spanish", "arabic", "hindi", "japanese", "korean", "language", "lingual",
)  # fmt: skip
SKILL_WORDS = ("code", "coding", "program", "math", "reason", "sql", "agent", "tool")
OVERLAP_WORDS = ("rouge", "bleu", "meteor", "cider", "chrf", "bertscore", "overlap", " f1")
ELSEWHERE_BASE = ("base_ext", "different harness", "base from mt-bench")
ELSEWHERE_FULL = (
    "taken by authors from prior work", "full-ft taken from", "full = published",
    "public checkpoint of another team",
)  # fmt: skip
UNITS = ("0-1", "percent", "score_1_10", "ppl")
VARIANTS = {"pissa": "pissa", "ga": "lora-ga"}


@dataclass(frozen=True, slots=True)
class StudyCases:
    """What a file holds.

    Parameters
    ----------
    rows : comparisons, in the order of the file; `study` is a slug of the name.
    titles : name of each study as written, by slug; sources : what the file says of where it is
        from, by slug.
    skipped : rows that could not be used, counted by reason.
    """

    rows: tuple[HeadToHead, ...]
    titles: Mapping[str, str]
    sources: Mapping[str, str]
    skipped: Mapping[str, int]


def read_study_cases(content: bytes, name: str, questions: Mapping[str, int]) -> StudyCases:
    """Read a CSV table of head-to-heads.

    Parameters
    ----------
    content : UTF-8 CSV with a header of `REQUIRED` and any of `OPTIONAL`; others are passed over.
    name : of the file, for messages.
    questions : how many a metric is of, where it is known.

    Notes
    -----
    Scores become points of 0 to 100: `unit` is 0-1, percent, score_1_10 or ppl, and 0-1 or percent
    where it is blank. A perplexity becomes 100 / ppl, the geometric mean of the probability of a
    token in percent. `method_detail` is a method and what is said of it: ``lora; r=16;
    targets=q,v; trainable_m=4.7``.

    Raises
    ------
    CatalogError : the file is no such table.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CatalogError([f"{name}: is not UTF-8 at byte {error.start}"]) from None
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [(column or "").strip() for column in reader.fieldnames or ()]
        lines = list(reader)
    except csv.Error as error:
        raise CatalogError([f"{name} line {reader.line_num}: is not valid CSV: {error}"]) from None
    missing = [column for column in REQUIRED if column not in header]
    if missing:
        raise CatalogError(
            [
                f"{name} line 1: the header lacks {', '.join(missing)}; the columns are "
                f"{', '.join((*REQUIRED, *OPTIONAL))}"
            ]
        )
    if not lines:
        raise CatalogError([f"{name}: has a header but no row"])
    if len(lines) > MOST_ROWS:
        raise CatalogError([f"{name}: has {len(lines):,} rows; give at most {MOST_ROWS:,}"])
    rows: list[HeadToHead] = []
    titles: dict[str, str] = {}
    sources: dict[str, str] = {}
    skipped = Counter[str]()
    for number, line in enumerate(lines, start=2):
        cells = {(key or "").strip(): _text(value) for key, value in line.items()}
        slug = _slug(cells["study"])
        try:
            rows.append(_row(cells, slug, number, questions))
        except _Skip as reason:
            skipped[str(reason)] += 1
            continue
        titles.setdefault(slug, cells["study"])
        sources.setdefault(slug, cells.get("source", ""))
    return StudyCases(tuple(rows), titles, sources, dict(skipped.most_common()))


class _Skip(Exception):  # noqa: N818 - it is no error of the program
    """Why a row is not used."""


def _text(value: str | list[str] | None) -> str:
    """A cell; more cells than headings come as a list."""
    return value.strip() if isinstance(value, str) else ""


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _row(
    cells: Mapping[str, str], study: str, number: int, questions: Mapping[str, int]
) -> HeadToHead:
    if not study:
        raise _Skip("no study")
    domain = cells.get("domain", "").lower()
    retention = domain.startswith("retention") or "forgetting row" in cells.get("notes", "").lower()
    metric = cells.get("metric", "")
    full, adapter, base = (cells.get(c, "") for c in ("full_score", "lora_score", "base_score"))
    unit = _unit(cells.get("unit", "").lower(), (full, adapter, base))
    if not full or not adapter:
        raise _Skip("no score of full fine-tuning or of the adapter")
    method, detail = _method(cells.get("method_detail", ""))
    notes = cells.get("notes", "").lower()
    rank = _number(detail.get("r") or detail.get("rank") or "")
    trainable = _number(detail.get("trainable_m", ""))
    return HeadToHead(
        key=cells.get("id") or f"line-{number}",
        study=study,
        group=_group(cells["regime"], domain),
        domain=re.sub(r"^retention\((.*)\)$", r"\1", domain) or "not stated",
        base_model=cells.get("base_model", ""),
        metric=metric,
        metric_kind=_kind(metric, unit),
        method=method,
        rank=None if rank is None else max(1, round(rank)),
        targets=detail.get("targets", "").replace(",", "+"),
        base=_points(base, unit) if base else None,
        full=_points(full, unit),
        adapter=_points(adapter, unit),
        retention=retention,
        base_same_harness=bool(base) and not _any(ELSEWHERE_BASE, notes),
        locator=cells.get("locator", ""),
        params_b=_number(cells.get("params_b", "")),
        train_examples=_count(cells.get("train_examples", "")),
        train_tokens=_count(cells.get("train_tokens", "")),
        trainable=None if trainable is None else 1e6 * trainable,
        test_set_size=questions.get(metric),
        full_same_study=not _any(ELSEWHERE_FULL, notes),
    )


def _any(words: Iterable[str], text: str) -> bool:
    return any(word in text for word in words)


def _group(regime: str, domain: str) -> str:
    """The kind of task. Instruction tuning on a domain that no word tells is taken as general."""
    found = REGIMES.get(regime.lower())
    if found is None:
        raise _Skip(f"regime {regime!r} is not one of SFT-narrow, IFT, CPT, RL")
    if found:
        return found
    if _any(FAR_WORDS, domain):
        return "far"
    return "skill" if _any(SKILL_WORDS, domain) else "general"


def _kind(metric: str, unit: str) -> str:
    if unit in ("score_1_10", "ppl"):
        return "judge"
    return "overlap" if _any(OVERLAP_WORDS, metric.lower()) else "share"


def _unit(unit: str, scores: Iterable[str]) -> str:
    """The unit of a row; where none is stated, fractions where no score is above 1."""
    if unit:
        return unit
    values = [value for cell in scores if (value := _number(cell)) is not None]
    return "0-1" if values and max(values) <= 1 else "percent"


def _points(cell: str, unit: str) -> float:
    """A score in points of 0 to 100."""
    value = _number(cell)
    if value is None:
        raise _Skip("a score is not a number")
    if unit in ("0-1", "fraction"):
        value *= 100
    elif unit == "score_1_10":
        value *= 10
    elif unit == "ppl":
        value = 100 / value if value > 0 else -1.0
    elif unit not in ("percent", "%", "points"):
        raise _Skip(f"unit {unit!r} is not one of {', '.join(UNITS)}")
    if not 0 <= value <= 100:
        raise _Skip("a score is outside of its unit")
    return value


def _method(cell: str) -> tuple[str, dict[str, str]]:
    """Name of the method, and what is said of it as key=value, apart by semicolons or spaces."""
    name, *rest = re.split(r"[;\s]+", cell.strip())
    detail = dict(part.lower().split("=", 1) for part in rest if "=" in part)
    found = re.fullmatch(r"lora-init\((.+)\)", name.lower())
    if found:
        return VARIANTS.get(found[1], found[1]), detail
    return name.lower() or "lora", detail


def _number(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if isfinite(value) else None


def _count(cell: str) -> int | None:
    value = _number(cell)
    return None if value is None or value < 1 else int(value)
