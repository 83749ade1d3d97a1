"""Constants of the accuracy prior."""

from __future__ import annotations

from app.estimator.constants.constant import Constant

ACCURACY_CONSTANTS = (
    Constant(
        "least_gain_for_recovery_points",
        "Smallest gain from which a recovery is read",
        3.0,
        "points",
        0.0,
        50.0,
        "assumption",
        "Below it the share of the gain recovered is a ratio of two noises; such rows "
        "speak through their gap in points.",
    ),
    Constant(
        "least_errors_for_gain_points",
        "Fewest errors of a base model from which a gain is read",
        10.0,
        "points",
        0.0,
        90.0,
        "assumption",
        "With fewer errors left, one question more or less is a large share of them.",
    ),
    Constant(
        "rank_effect_continued",
        "Recovery added by four times the rank, continued pretraining",
        0.175,
        "fraction",
        0.0,
        1.0,
        "derived",
        "Mean of code (0.23) and mathematics (0.12), ranks 16, 64 and 256, read from "
        "Biderman et al. 2024, arXiv:2405.09673, tables S1 and S3.",
    ),
    Constant(
        "rank_effect_skill",
        "Recovery added by four times the rank, code and mathematics instruction",
        0.12,
        "fraction",
        0.0,
        1.0,
        "derived",
        "Mean of code (0.19) and mathematics (0.05), as above, tables S5 and S7.",
    ),
    Constant(
        "rank_effect_far",
        "Recovery added by four times the rank, far domain",
        0.12,
        "fraction",
        0.0,
        1.0,
        "assumption",
        "No study varies the rank there; taken as for skills.",
    ),
    Constant(
        "qlora_sd_points",
        "Spread of QLoRA around LoRA at equal rank",
        1.1,
        "points",
        0.0,
        20.0,
        "fact",
        "48 pairs of 5 studies: mean 0.0, P10 -1.6, P90 +3.2 points, study means -1.5 to "
        "+1.5 (Dettmers et al. 2023, Zheng et al. 2024 and others among the studies).",
    ),
)
