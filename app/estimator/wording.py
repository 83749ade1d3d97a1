"""Numbers in sentences. Only the verdict's words are made here; pages round for themselves."""

from __future__ import annotations

from math import ceil, floor, log10

from app.estimator.currency import Currency


def amount(usd: float, currency: Currency, figures: int = 3) -> str:
    """An amount for a sentence in a currency, to so many figures; below 1,000 in whole units.

    Parameters
    ----------
    usd : [USD]

    Examples
    --------
    >>> dollar, euro = Currency("USD", 2, 1.0), Currency("EUR", 2, 0.5)
    >>> amount(310.4, dollar), amount(-48_260.0, dollar), amount(2_134_000.0, euro)
    ('US$310', '-US$48,300', '€1.07 million')
    """
    value = currency.of(usd)
    size = float(f"{abs(value):.{figures}g}")
    sign = ("-" if value < 0 and round(size) else "") + currency.sign
    for scale, name in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if size >= scale:
            scaled = size / scale
            digits = max(0, figures - (1 if scaled < 10 else 2 if scaled < 100 else 3))
            text = f"{scaled:,.{digits}f}"
            return f"{sign}{text.rstrip('0').rstrip('.') if digits else text} {name}"
    return f"{sign}{size if size >= 1000 else round(abs(value)):,.0f}"


def amounts_and_difference(
    left_usd: float, right_usd: float, currency: Currency
) -> tuple[str, str, str]:
    """Two amounts, and how much they are apart, rounded so that a reader can subtract them.

    Notes
    -----
    To five figures, or as many as make the difference agree with one that is rounded to three by
    itself; at most seven, and never parts of a unit.

    Examples
    --------
    >>> amounts_and_difference(21_063.0, 14_048.0, Currency("USD", 2, 1.0))
    ('US$21,063', 'US$14,048', 'US$7,015')
    >>> amounts_and_difference(1_312_345.0, 290_000.0, Currency("USD", 2, 1.0))
    ('US$1.3123 million', 'US$290,000', 'US$1.0223 million')
    >>> amounts_and_difference(341_197.0, 334_394.0, Currency("USD", 2, 1.0))
    ('US$341,197', 'US$334,394', 'US$6,803')
    """
    larger = max(abs(currency.of(left_usd)), abs(currency.of(right_usd)), 1.0)
    whole = floor(log10(larger))
    between = max(abs(currency.of(left_usd - right_usd)), 1.0)
    unit = max(1.0, 10.0 ** max(min(whole - 4, floor(log10(between)) - 3), whole - 6))
    figures = whole - round(log10(unit)) + 1
    left, right = (
        round(currency.of(usd) / unit) * unit / currency.per_usd for usd in (left_usd, right_usd)
    )
    said = (amount(usd, currency, figures) for usd in (left, right, abs(left - right)))
    first, second, apart = said
    return first, second, apart


def sentence_start(text: str) -> str:
    """The text with its first letter as a capital, the rest untouched.

    Examples
    --------
    >>> sentence_start("full fine-tuning costs more")
    'Full fine-tuning costs more'
    """
    return text[:1].upper() + text[1:]


def points(value: float) -> str:
    """Accuracy points to one decimal.

    Examples
    --------
    >>> points(-0.04), points(2.345)
    ('0.0', '2.3')
    """
    rounded = round(value, 1)
    return f"{rounded + 0.0:.1f}"


def signed_points(value: float) -> str:
    """Accuracy points to one decimal, with their sign.

    Examples
    --------
    >>> signed_points(3.1), signed_points(-2.4)
    ('+3.1', '-2.4')
    """
    rounded = round(value, 1) + 0.0
    return f"{rounded:+.1f}" if rounded else "0.0"


def percent(fraction: float) -> str:
    """A probability as a percentage; certainty is never claimed from draws.

    Examples
    --------
    >>> percent(0.137), percent(0.0), percent(0.9999)
    ('14%', 'under 1%', 'over 99%')
    """
    if fraction < 0.01:
        return "under 1%"
    if fraction > 0.99:
        return "over 99%"
    return f"{fraction:.0%}"


def outward(value: float, up: bool, figures: int = 3, decimals: int | None = None) -> float:
    """A value rounded up or down, never back across what it was found to lie beyond.

    Parameters
    ----------
    figures : that are kept; `decimals` replaces them.

    Examples
    --------
    >>> outward(312_345.0, up=True), outward(0.04567, up=False), outward(-1.23, True, decimals=1)
    (313000.0, 0.0456, -1.2)
    """
    if value == 0:
        return 0.0
    places = figures - 1 - floor(log10(abs(value))) if decimals is None else decimals
    # Within rounding error of a round value, that value.
    scaled = round(value * 10.0**places, 6)
    return float(round((ceil if up else floor)(scaled) / 10.0**places, max(places, 0)))


def count(value: float) -> str:
    """A number of things: whole from 100, with one decimal at most from 10, with two below it.

    Examples
    --------
    >>> count(310_000.0), count(16.2), count(10.0), count(0.083)
    ('310,000', '16.2', '10', '0.08')
    """
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.{1 if abs(value) >= 10 else 2}f}".rstrip("0").rstrip(".")


def plural(number: int, one: str, many: str | None = None) -> str:
    """A number of things with their noun.

    Examples
    --------
    >>> plural(1, "GPU"), plural(8, "GPU"), plural(0, "study", "studies")
    ('1 GPU', '8 GPUs', '0 studies')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def with_unit(text: str, unit: str) -> str:
    """A number that is written already, with its unit: one of a thing stands in the singular.

    Examples
    --------
    >>> with_unit("1", "weeks"), with_unit("1.5", "weeks"), with_unit("1", "answers a month")
    ('1 week', '1.5 weeks', '1 answer a month')
    >>> with_unit("4", ""), with_unit("1", "ratio"), with_unit("1", "s"), with_unit("1", "new jobs")
    ('4', '1 ratio', '1 s', '1 new job')
    """
    words = unit.split()
    if text == "1":
        things = next(
            (i for i, word in enumerate(words) if len(word) > 1 and word[-1] == "s"), None
        )
        if things is not None:
            words[things] = words[things][:-1]
    return " ".join((text, *words))
