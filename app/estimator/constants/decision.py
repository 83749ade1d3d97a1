"""Constants of the verdict's rule."""

from __future__ import annotations

from app.estimator.constants.constant import Constant

DECISION_CONSTANTS = (
    Constant(
        "decisive_probability",
        "Chance from which one choice is recommended over another",
        2 / 3,
        "fraction",
        0.5,
        0.99,
        "assumption",
        "Two draws of three: below it, the opposite choice is right too often to name a winner.",
    ),
    Constant(
        "least_probability_pays",
        "Smallest chance of paying with which a method is recommended",
        0.5,
        "fraction",
        0.0,
        0.99,
        "assumption",
        "A method that loses money more often than not is tried before it is bought, though it "
        "may be worth something on average.",
    ),
    Constant(
        "pilot_data_fraction",
        "Size of a small pilot, as a share of the training set",
        0.1,
        "fraction",
        0.001,
        1.0,
        "assumption",
        "One run of full fine-tuning and one of the adapter on a tenth of the data; GPU time falls "
        "in proportion. People's time is not in it.",
    ),
)
