"""Constants of how uncertain figures go together."""

from __future__ import annotations

from app.estimator.constants.constant import Constant
from app.estimator.correlation import PAIRS, correlation_key

_NAMES = {
    "price": "GPU prices",
    "time": "training time (what methods have in common)",
    "value": "worth of an answer",
    "adoption": "answers a month",
    "accuracy": "accuracy (gain of full fine-tuning)",
}

_KNOWN = {
    ("adoption", "accuracy"): (
        0.3,
        "A model that answers better is used more; no study ties accuracy to use, so it is weak. "
        "0 where use is decided by others, higher where users choose freely.",
    ),
}

_INDEPENDENT = (
    0.0,
    "Nothing is known that ties them: taken as independent until you know better.",
)

CORRELATION_CONSTANTS = tuple(
    Constant(
        correlation_key(*pair),
        f"Correlation of {_NAMES[pair[0]]} and {_NAMES[pair[1]]}",
        _KNOWN.get(pair, _INDEPENDENT)[0],
        "correlation",
        -0.99,
        0.99,
        "assumption",
        _KNOWN.get(pair, _INDEPENDENT)[1],
    )
    for pair in PAIRS
)
