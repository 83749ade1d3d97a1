"""Which head-to-heads are shown: the filter of the evidence page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from urllib.parse import urlencode

from app.estimator.evidence import PLAIN_ADAPTERS, HeadToHead

PATH = "/evidence"
PLAIN, VARIANTS = "plain", "variants"
"""Values of the method that stand for several."""
TRAINED, KEPT = "trained", "kept"

RANKS: Mapping[str, tuple[int, int]] = {
    "to-8": (1, 8),
    "9-32": (9, 32),
    "33-128": (33, 128),
    "above-128": (129, 1_000_000),
}
"""Ranges of ranks, both ends included."""
NOT_STATED = "none"
RANK_LABELS = {
    "to-8": "up to 8",
    "9-32": "9 to 32",
    "33-128": "33 to 128",
    "above-128": "above 128",
    NOT_STATED: "not stated",
}


def rank_range(rank: int | None) -> str:
    """The range that a rank lies in.

    Examples
    --------
    >>> rank_range(16), rank_range(256), rank_range(None)
    ('9-32', 'above-128', 'none')
    """
    if rank is None:
        return NOT_STATED
    return next(key for key, (low, high) in RANKS.items() if low <= rank <= high)


@dataclass(frozen=True, slots=True)
class EvidenceQuery:
    """What the address of the page asks for; an empty text leaves nothing out.

    Parameters
    ----------
    group : kind of task; study : its key.
    method : a method, `PLAIN` for LoRA and QLoRA, `VARIANTS` for the others.
    measured : `TRAINED` for the task that was trained, `KEPT` for other tasks.
    rank : a key of `RANKS`, or `NOT_STATED`.
    base : a part of the base model's name.
    foreign : ``no`` leaves out rows whose base score another harness measured.
    """

    group: str = ""
    study: str = ""
    method: str = ""
    measured: str = ""
    rank: str = ""
    base: str = ""
    foreign: str = ""

    @property
    def narrows(self) -> bool:
        """Whether something is left out."""
        return self != EvidenceQuery()

    def pass_on(self, row: HeadToHead) -> bool:
        """Whether a row is shown."""
        return (
            self.group in {"", row.group}
            and self.study in {"", row.study}
            and self._has_method(row)
            and self.measured in {"", KEPT if row.retention else TRAINED}
            and self.rank in {"", rank_range(row.rank)}
            and self.base.lower() in row.base_model.lower()
            and not (self.foreign == "no" and has_foreign_base(row))
        )

    def _has_method(self, row: HeadToHead) -> bool:
        if self.method == PLAIN:
            return row.method in PLAIN_ADAPTERS
        if self.method == VARIANTS:
            return row.method not in PLAIN_ADAPTERS
        return self.method in {"", row.method}

    def to_query(self, **changes: str) -> str:
        """The query string, what leaves nothing out is left out.

        Examples
        --------
        >>> EvidenceQuery(group="skill", rank="9-32").to_query(rank="", foreign="no")
        'group=skill&foreign=no'
        """
        changed = replace(self, **changes)
        pairs = [(field.name, getattr(changed, field.name)) for field in fields(changed)]
        return urlencode([(name, value) for name, value in pairs if value])

    def address(self, path: str = PATH, **changes: str) -> str:
        """The address of the page, or of another path with the same filter."""
        query = self.to_query(**changes)
        return f"{path}?{query}" if query else path


def has_foreign_base(row: HeadToHead) -> bool:
    """Whether the base score was measured by another harness than the two others."""
    return row.base is not None and not row.base_same_harness


def selected(rows: Iterable[HeadToHead], asked: EvidenceQuery) -> list[HeadToHead]:
    """The rows that are shown, in the order of the table."""
    return [row for row in rows if asked.pass_on(row)]


def looser(rows: Iterable[HeadToHead], asked: EvidenceQuery) -> list[tuple[str, str, int]]:
    """What to loosen where nothing passes: name and value of each part of the filter without which
    some rows would, and how many. [count]"""
    rows = list(rows)
    found = []
    for field in fields(asked):
        value = getattr(asked, field.name)
        if value:
            count = len(selected(rows, replace(asked, **{field.name: ""})))
            if count:
                found.append((field.name, value, count))
    return found
