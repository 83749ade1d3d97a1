"""Sentences as a person reads them: counted nouns, lists, true minus signs."""

from __future__ import annotations

import re
from collections.abc import Sequence

from app.estimator.wording import plural as plural
from app.estimator.wording import with_unit as with_unit

MINUS = "−"
NO_BREAK = "\u00a0"
_HYPHEN_AS_MINUS = re.compile(r"(?<![\w.])-(?=(?:US\$|[€£]|[A-Z]{3}\u00a0)?\d)")


def region(text: str) -> str:
    """A region of an offer; "all" is a price that holds in every region.

    Examples
    --------
    >>> region("us-east-1"), region("all")
    ('us-east-1', 'every region')
    """
    return "every region" if text == "all" else text


def typeset(text: str) -> str:
    """A sentence made elsewhere, with true minus signs before its numbers.

    Examples
    --------
    >>> typeset("-US$3 and -2.4 to +3.1, gpt-4, 10-20")
    '−US$3 and −2.4 to +3.1, gpt-4, 10-20'
    """
    return _HYPHEN_AS_MINUS.sub(MINUS, text)


def first_sentence(text: str) -> tuple[str, str]:
    """The first sentence and the rest.

    Examples
    --------
    >>> first_sentence("LoRA. Full would have to add 1.9 points.")
    ('LoRA.', 'Full would have to add 1.9 points.')
    >>> first_sentence("Neither pays.")
    ('Neither pays.', '')
    """
    first, _, rest = text.partition(". ")
    return (f"{first}.", rest) if rest else (text, "")


def join_words(items: Sequence[str], last: str = "and") -> str:
    """Items in a sentence.

    Examples
    --------
    >>> join_words(["full", "LoRA", "QLoRA"]), join_words(["LoRA"])
    ('full, LoRA and QLoRA', 'LoRA')
    """
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"
