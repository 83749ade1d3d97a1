"""Formulas that know what they come to.

A cell of the workbook holds a formula, and beside it the value that it comes to, for readers that
do not calculate. Both grow from one expression here, so they cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, fsum, nan
from typing import TypeAlias

SUM, PRODUCT, POWER, ATOM = 1, 2, 3, 4
"""How tightly the outermost operation of a text binds."""


@dataclass(frozen=True, slots=True)
class Live:
    """A formula without its sign of equality, and its value.

    Parameters
    ----------
    text : in the language of Excel and LibreOffice; other sheets by name, in quotes.
    value : what it comes to. A text only in a formula that chooses words.
    binding : see `SUM` and the rest.

    Examples
    --------
    >>> price, weeks = Live("B2", 4000.0), Live("B3", 6.0)
    >>> (1 - (price + 500) * weeks / 2).text
    '1-(B2+500)*B3/2'
    >>> (price + 500).value, (-price ** 2).text
    (4500.0, '-(B2^2)')
    """

    text: str
    value: float | str
    binding: int = ATOM

    @property
    def number(self) -> float:
        """Its value where that is a number; not a number where it is a word."""
        return nan if isinstance(self.value, str) else self.value

    def within(self, binding: int) -> str:
        """The text as an operand of something that binds so tightly."""
        return self.text if self.binding >= binding else f"({self.text})"

    def __add__(self, other: Term) -> Live:
        right = live(other)
        value = self.number + right.number
        return Live(f"{self.within(SUM)}+{right.within(SUM)}", value, SUM)

    def __radd__(self, other: Term) -> Live:
        return live(other) + self

    def __sub__(self, other: Term) -> Live:
        right = live(other)
        value = self.number - right.number
        return Live(f"{self.within(SUM)}-{right.within(PRODUCT)}", value, SUM)

    def __rsub__(self, other: Term) -> Live:
        return live(other) - self

    def __mul__(self, other: Term) -> Live:
        right = live(other)
        value = self.number * right.number
        return Live(f"{self.within(PRODUCT)}*{right.within(PRODUCT)}", value, PRODUCT)

    def __rmul__(self, other: Term) -> Live:
        return live(other) * self

    def __truediv__(self, other: Term) -> Live:
        right = live(other)
        value = self.number / right.number if right.number else nan
        return Live(f"{self.within(PRODUCT)}/{right.within(POWER)}", value, PRODUCT)

    def __rtruediv__(self, other: Term) -> Live:
        return live(other) / self

    def __pow__(self, other: Term) -> Live:
        right = live(other)
        value = self.number**right.number
        return Live(f"{self.within(ATOM)}^{right.within(ATOM)}", value, POWER)

    def __neg__(self) -> Live:
        # A leading minus binds tighter than a power in a spreadsheet.
        inner = self.text if self.binding in {PRODUCT, ATOM} else f"({self.text})"
        return Live(f"-{inner}", -self.number, SUM)


Term: TypeAlias = "Live | float"


@dataclass(frozen=True, slots=True)
class Span:
    """A row or column of cells with numbers.

    Parameters
    ----------
    text : its range.
    cells : one by one.
    """

    text: str
    cells: tuple[Live, ...]

    def __len__(self) -> int:
        return len(self.cells)

    def __getitem__(self, place: int) -> Live:
        return self.cells[place]

    def __iter__(self) -> Iterator[Live]:
        return iter(self.cells)

    @property
    def numbers(self) -> list[float]:
        """What the cells hold."""
        return [cell.number for cell in self.cells]


def number_text(value: float) -> str:
    """A number as it stands in a formula, to its last digit.

    Examples
    --------
    >>> number_text(0.1), number_text(12.0), number_text(1e-9)
    ('0.1', '12', '1E-09')
    """
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value).upper()


def live(term: Term) -> Live:
    """A number as a formula; a formula as it is."""
    if isinstance(term, Live):
        return term
    return Live(number_text(term), float(term), ATOM if term >= 0 else SUM)


def words(text: str) -> Live:
    """A text inside a formula."""
    return Live('"' + text.replace('"', '""') + '"', text)


def call(name: str, value: float | str, *arguments: Term | Span) -> Live:
    """A function of the spreadsheet whose value is known here."""
    texts = [a.text if isinstance(a, Live | Span) else number_text(a) for a in arguments]
    return Live(f"{name}({','.join(texts)})", value)


def total(*parts: Span | Live) -> Live:
    """Sum of ranges and cells."""
    numbers: list[float] = []
    for part in parts:
        numbers += part.numbers if isinstance(part, Span) else [part.number]
    return call("SUM", fsum(numbers), *parts)


def added(terms: Sequence[Live]) -> Live:
    """Sum of a few formulas; 0 of none."""
    if not terms:
        return live(0)
    result = terms[0]
    for term in terms[1:]:
        result = result + term
    return result


def average(span: Span) -> Live:
    """Mean of a range."""
    return call("AVERAGE", fsum(span.numbers) / len(span), span)


def weighted(left: Span, right: Span) -> Live:
    """Sum of products, cell by cell."""
    value = fsum(a * b for a, b in zip(left.numbers, right.numbers, strict=True))
    return call("SUMPRODUCT", value, left, right)


def least(*terms: Term) -> Live:
    """The smallest."""
    return call("MIN", min(live(t).number for t in terms), *terms)


def most(*terms: Term | Span) -> Live:
    """The largest."""
    numbers: list[float] = []
    for term in terms:
        numbers += term.numbers if isinstance(term, Span) else [live(term).number]
    return call("MAX", max(numbers), *terms)


def whole_up(term: Term) -> Live:
    """The next whole number at or above one that is not below 0."""
    return call("ROUNDUP", float(ceil(live(term).number)), term, 0)


def size(term: Term) -> Live:
    """Without its sign."""
    return call("ABS", abs(live(term).number), term)


def at(span: Span, place: Term) -> Live:
    """One cell of a range, counted from 1."""
    return call("INDEX", span[round(live(place).number) - 1].number, span, place)


def choose(asked: str, holds: bool, then: Term, otherwise: Term) -> Live:
    """One of two by a condition.

    Parameters
    ----------
    asked : the condition in the language of the spreadsheet; holds : whether it does.
    """
    yes, no = live(then), live(otherwise)
    return Live(f"IF({asked},{yes.text},{no.text})", (yes if holds else no).value)


def present_value(rate: Term, flows: Span) -> Live:
    """Flows at the ends of periods 0, 1, ..., as users of Excel write it: =C0+NPV(i, C1:Cn).

    Parameters
    ----------
    flows : of period 0 first; its range must be one row.
    """
    per = live(rate)
    later = f"{flows[1].text}:{flows[-1].text.rsplit('!', 1)[-1]}"
    value = fsum(x / (1 + per.number) ** m for m, x in enumerate(flows.numbers))
    return Live(f"{flows[0].text}+NPV({per.text},{later})", value, SUM)
