"""Constants of the learning curve and of measured scores."""

from __future__ import annotations

from app.estimator.constants.constant import Constant

_SLOPES = (
    "arXiv:2402.17193, table 4: English to German, English to Chinese, summaries. Weak evidence: a "
    "loss, not a score, of in-house bilingual models; its authors find no universal law."
)

_BENDS = (
    "Curves of scores over 250 million to 20 billion tokens (0.0035 to 0.23), fitted to tables S1 "
    "and S3 of Biderman et al. 2024, arXiv:2405.09673; two more that gain hardly anything were "
    "left out. Weak evidence: one study, one model, continued pretraining. Fine-tuning agrees in "
    "form: accuracy grows with the logarithm of the data (Yuan et al. 2023, arXiv:2308.01825, 230 "
    "to 7,500 examples of mathematics), and general abilities level off after about a thousand "
    "(Dong et al. 2024, arXiv:2310.05492)."
)

PILOT_CONSTANTS = (
    Constant(
        "curve_beta_full",
        "Exponent of the learning curve, full fine-tuning",
        0.122,
        "exponent of training examples",
        0.001,
        2.0,
        "derived",
        f"Geometric mean of 0.15, 0.14 and 0.087: Zhang et al. 2024, {_SLOPES}",
    ),
    Constant(
        "curve_beta_adapter",
        "Exponent of the learning curve, adapters",
        0.039,
        "exponent of training examples",
        0.001,
        2.0,
        "derived",
        f"Geometric mean of 0.081, 0.025 and 0.03: Zhang et al. 2024, {_SLOPES}",
    ),
    Constant(
        "curve_bend_full",
        "Data at which the learning curve bends, as a share of the planned data, full fine-tuning",
        0.058,
        "fraction",
        1e-6,
        100.0,
        "derived",
        "Geometric mean of two curves of full fine-tuning (0.085) drawn half way to that of all "
        f"six (0.040), since they are few. {_BENDS}",
    ),
    Constant(
        "curve_bend_adapter",
        "Data at which the learning curve bends, as a share of the planned data, adapters",
        0.033,
        "fraction",
        1e-6,
        100.0,
        "derived",
        "Geometric mean of four curves of LoRA (0.027) drawn half way to that of all six (0.040): "
        "adapters bend earlier, so that a small pilot flatters them and more data favours full "
        f"fine-tuning, as the published exponents say too. {_BENDS}",
    ),
    Constant(
        "curve_bend_log_sd",
        "Spread of the logarithm of that share",
        1.4,
        "natural logarithm",
        0.0,
        5.0,
        "derived",
        "Standard deviation over the same six curves: four times as much data or a quarter is "
        "likely enough. Scores at two sizes narrow it.",
    ),
    Constant(
        "run_sd_points",
        "Spread of the score from one training run to the next",
        1.0,
        "points",
        0.0,
        20.0,
        "derived",
        "Repeated fine-tuning runs of Phi-2 on GSM8K differ by 0.5 (LoRA), 0.6 (QLoRA) and 1.2 "
        "points (full): model card of huggingface.co/LoftQ/phi-2-4bit-64rank. Random seeds matter "
        "on other tasks too (Dodge et al. 2020, arXiv:2002.06305).",
    ),
    Constant(
        "pilot_transfer_sd_points",
        "Spread of a score around its learning curve, for a pilot at a tenth of the planned data",
        1.0,
        "points",
        0.0,
        20.0,
        "assumption",
        "Its variance grows with the logarithm of the distance to the planned size, so that a "
        "tiny slice moves the answer less. The six fitted curves miss their scores by 0.4 to 1.1 "
        "points, noise of the test set included.",
    ),
)
