"""What is missing from results of earlier versions, and what to do about it."""

from __future__ import annotations


class NoMoney(ValueError):  # noqa: N818
    """The report was saved by a version that kept no money by month."""

    def __init__(self) -> None:
        super().__init__(
            "This result was saved by an earlier version of Tunecase, which did not keep its money "
            "month by month. Open the link, choose “Make my own copy” and save it anew: the new "
            "link has it."
        )
