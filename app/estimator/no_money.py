"""What is missing from results of earlier versions, and what to do about it."""

from __future__ import annotations

EARLIER = (
    "This result was saved by an earlier version of Tunecase, which did not keep its money month "
    "by month. Open the link, choose “Make my own copy” and save it anew: the new link has it."
)
NOTHING_FITS = "No method of this result fits anywhere, so it has no money to put into a file."


class NoMoney(ValueError):  # noqa: N818
    """The report has no money by month: as a rule, the version that saved it kept none."""

    def __init__(self, reason: str = EARLIER) -> None:
        super().__init__(reason)
