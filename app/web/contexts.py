"""What a template can be given: one dataclass a page, used in full."""

from __future__ import annotations

from app.web.context_comparisons import Compare, Today
from app.web.context_evidence import Evidence, EvidencePart, MethodPage, OwnEvidence, Validate
from app.web.context_frame import Message
from app.web.context_prices import BookPage, BooksPage, Prices, PricesPart
from app.web.context_results import (
    ActualsPage,
    Board,
    Builder,
    BuilderPart,
    Home,
    Plans,
    Result,
    Shared,
)

Context = (
    Home
    | Builder
    | BuilderPart
    | Result
    | Plans
    | Prices
    | PricesPart
    | BooksPage
    | BookPage
    | Shared
    | Today
    | Board
    | ActualsPage
    | Compare
    | MethodPage
    | Validate
    | Evidence
    | EvidencePart
    | OwnEvidence
    | Message
)
