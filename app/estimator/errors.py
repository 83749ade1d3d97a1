"""What the estimator raises. Every message says what was wrong and what would do."""

from __future__ import annotations


class EstimatorError(Exception):
    """Base of all errors that the estimator raises on purpose."""


class InvalidSpec(EstimatorError):  # noqa: N818 - named for the reader of a traceback
    """A specification that describes nothing real (negative count, width that does not divide)."""


class UnknownArchitecture(EstimatorError):  # noqa: N818
    """A `config.json` that is not understood; `field` names the key that was not.

    Parameters
    ----------
    field : the key of the configuration that could not be understood.
    message : what was found there, and what would do.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message
