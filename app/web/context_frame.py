"""What every page's frame is given, and the page of an error."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Layout:
    """What the frame of every page needs.

    Parameters
    ----------
    title : of the browser's tab, without the name of the product.
    section : the entry of the navigation that is current, empty for none.
    indexed : whether search engines may list the page.
    in_dollars : whether every amount on the page is in US dollars.
    """

    title: str
    section: str = ""
    indexed: bool = True
    in_dollars: bool = True


@dataclass(frozen=True, slots=True)
class Message:
    """pages/message.html: an error, in plain words, with a way on."""

    layout: Layout
    heading: str
    text: str
    details: tuple[str, ...] = ()
