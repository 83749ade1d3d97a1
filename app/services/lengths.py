"""Sample lengths as pasted text: a histogram, or one length for each sample."""

from __future__ import annotations

import re

from app.estimator.errors import InvalidSpec
from app.estimator.lengths import Lengths
from app.services.problems import ServiceError

MAX_LENGTHS_CHARACTERS = 1_000_000
MAX_NUMBERS = 200_000
MAX_LENGTH_TOKENS = 10_000_000
MAX_SAMPLES = 10_000_000_000
SHOWN = 30

_SEPARATORS = re.compile(r"[\s,;:]+")
_WHOLE = re.compile(r"[0-9]+", re.ASCII)
_HEADING = re.compile(r"[A-Za-z_][A-Za-z_ ]*([,;:\t ]+[A-Za-z_][A-Za-z_ ]*)*", re.ASCII)


class InvalidLengths(ServiceError):  # noqa: N818
    """Pasted lengths that cannot be read.

    Parameters
    ----------
    message : what is wrong and what would do, as a sentence; it names the line.
    line : the line, from 1; None where it is about all of them.
    """

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


def parse_lengths(text: str) -> Lengths:
    """The histogram that was pasted.

    Parameters
    ----------
    text : lines of ``length count`` (or separated by a comma, semicolon, colon or tab), lines of
        one length each, or one line of three lengths or more. Empty lines, lines that begin with
        ``#`` and a heading on the first line are left out.

    Raises
    ------
    InvalidLengths : too much, nothing, or a line that is not of that form.

    Examples
    --------
    >>> parse_lengths("length,count\\n512,40\\n1024,2").samples
    42
    >>> parse_lengths("10\\n10\\n30").count
    array([2, 1])
    >>> parse_lengths("10, 10, 30").count
    array([2, 1])
    """
    if len(text) > MAX_LENGTHS_CHARACTERS:
        raise InvalidLengths(
            f"The lengths are more than {MAX_LENGTHS_CHARACTERS:,} characters; give a histogram "
            "of length and count instead of every sample."
        )
    rows = _rows(text)
    if not rows:
        raise InvalidLengths("There are no lengths; give lines such as “512 40” (length, count).")
    if sum(len(numbers) for _, numbers in rows) > MAX_NUMBERS:
        raise InvalidLengths(
            f"There are more than {MAX_NUMBERS:,} numbers; give a histogram of length and count."
        )
    first_line, first = rows[0]
    columns = len(first)
    if columns > 2:
        if len(rows) > 1:
            raise InvalidLengths(
                f"Line {first_line}: {columns} numbers; give one line of lengths, or lines of "
                "length and count.",
                first_line,
            )
        return _histogram([(first_line, (length,)) for length in first])
    for line, numbers in rows:
        if len(numbers) != columns:
            raise InvalidLengths(
                f"Line {line}: {_counted(len(numbers))} where line {first_line} has "
                f"{_counted(columns)}; give every line the same form.",
                line,
            )
    return _histogram(rows)


def _rows(text: str) -> list[tuple[int, tuple[int, ...]]]:
    """The numbers of each line that has any, with its line number."""
    rows: list[tuple[int, tuple[int, ...]]] = []
    for line, content in enumerate(text.splitlines(), start=1):
        shown = content.strip().lstrip("\ufeff")
        if not shown or shown.startswith("#"):
            continue
        if not rows and _HEADING.fullmatch(shown):
            continue
        words = [word for word in _SEPARATORS.split(shown) if word]
        rows.append((line, tuple(_number(word, line) for word in words)))
    return [row for row in rows if row[1]]


def _number(word: str, line: int) -> int:
    shown = ascii(word[:SHOWN] + ("…" if len(word) > SHOWN else ""))
    if not _WHOLE.fullmatch(word):
        raise InvalidLengths(
            f"Line {line}: {shown} is not a whole number; write lengths such as 512.", line
        )
    if len(word) > 1 and word[0] == "0":
        raise InvalidLengths(
            f"Line {line}: {shown} begins with a zero; write 1024, without a separator for "
            "thousands.",
            line,
        )
    if len(word) > len(str(MAX_SAMPLES)):
        raise InvalidLengths(f"Line {line}: {shown} is too large.", line)
    return int(word)


def _counted(numbers: int) -> str:
    return "1 number" if numbers == 1 else f"{numbers} numbers"


def _histogram(rows: list[tuple[int, tuple[int, ...]]]) -> Lengths:
    lengths, counts = [], []
    for line, (length, *rest) in rows:
        count = rest[0] if rest else 1
        if not 1 <= length <= MAX_LENGTH_TOKENS:
            raise InvalidLengths(
                f"Line {line}: a length is 1 to {MAX_LENGTH_TOKENS:,} tokens (got {length:,}).",
                line,
            )
        lengths.append(length)
        counts.append(count)
    if sum(counts) > MAX_SAMPLES:
        raise InvalidLengths(f"There are more than {MAX_SAMPLES:,} samples.")
    try:
        return Lengths.of(lengths, counts)
    except InvalidSpec as error:
        raise InvalidLengths(f"The lengths cannot be used: {error}.") from None
