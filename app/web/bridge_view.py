"""What each change between two answers moved, as it is read; made by `waterfalls.view`."""

from __future__ import annotations

from dataclasses import dataclass

from app.web.figure_waterfall import WaterfallDrawing
from app.web.figures import Figure


@dataclass(frozen=True, slots=True)
class BridgeChoice:
    """A method whose waterfall can be looked at."""

    label: str
    address: str
    current: bool


@dataclass(frozen=True, slots=True)
class ChangedInput:
    """One input of a change, on both sides."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class BridgeRow:
    """One change.

    Parameters
    ----------
    inputs : what changed, where it is inputs that did; the label alone says it where it is none.
    alone : what it does without those before it; empty where that is not told.
    after : net present value after it.
    """

    label: str
    inputs: tuple[ChangedInput, ...]
    change: str
    alone: str
    after: str


@dataclass(frozen=True, slots=True)
class BridgeView:
    """The waterfall of one method.

    Parameters
    ----------
    sentence : what the changes did, in words.
    choices : the methods to choose from; none where there is one.
    figure : None where nothing moved.
    has_alone : whether the rows tell what a change does alone.
    """

    heading: str
    sentence: str
    choices: tuple[BridgeChoice, ...]
    figure: Figure[WaterfallDrawing] | None
    first: str
    from_value: str
    rows: tuple[BridgeRow, ...]
    second: str
    to_value: str
    total: str
    has_alone: bool
    notes: tuple[str, ...]
