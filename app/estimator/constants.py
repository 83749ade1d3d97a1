"""The estimator's named constants: each has a unit, a meaning, a source or the word assumption.

A scenario may change every one of them (`assumptions.KEY`). None is fitted yet: they are published
figures or our judgement; the README says how far the result is from published runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Constant:
    """One constant of the estimator.

    Parameters
    ----------
    low, high : what a scenario may set it to.
    kind : fact (published, see `source`), derived (from published figures, `source` says how) or
        assumption (our judgement, `source` says why).
    """

    key: str
    label: str
    value: float
    unit: str
    low: float
    high: float
    kind: str
    source: str


_MATMUL = "share of dense bf16 peak"

CONSTANTS: Mapping[str, Constant] = MappingProxyType(
    {
        constant.key: constant
        for constant in (
            # Time: matrix products
            Constant(
                "matmul_efficiency_ampere",
                "Matrix products on Ampere",
                0.81,
                _MATMUL,
                0.05,
                1.0,
                "derived",
                "Large-matrix ceiling of an A100 SXM is 0.87 (stas00/ml-engineering, mamf-finder); "
                "A100 training with recomputation reaches 0.64 to 0.79 of peak as a whole "
                "(mosaicml/llm-foundry benchmarking tables, 2023-2024).",
            ),
            Constant(
                "matmul_efficiency_hopper",
                "Matrix products on Hopper",
                0.65,
                _MATMUL,
                0.05,
                1.0,
                "derived",
                "Ceiling of an H100 SXM is 0.80 (stas00/ml-engineering, mamf-finder); H100 "
                "training with recomputation reaches 0.48 to 0.59 as a whole (mosaicml/llm-foundry "
                "benchmarking tables).",
            ),
            Constant(
                "matmul_efficiency_blackwell",
                "Matrix products on data-centre Blackwell",
                0.63,
                _MATMUL,
                0.05,
                1.0,
                "assumption",
                "Ceiling of a B200 is 0.78 (stas00/ml-engineering, mamf-finder), times the ratio "
                "0.65 / 0.80 that H100 training shows against its ceiling.",
            ),
            Constant(
                "matmul_efficiency_geforce",
                "Matrix products on GeForce",
                0.9,
                _MATMUL,
                0.05,
                1.0,
                "derived",
                "Training on RTX 4090 and 5090 reaches 0.66 to 0.86 of the fp32-accumulate peak as "
                "a whole (IST-DASLab/llmq benchmark tables, 2025); products alone are above that.",
            ),
            Constant(
                "matmul_efficiency_professional",
                "Matrix products on L4, L40S and RTX workstation cards",
                0.55,
                _MATMUL,
                0.05,
                1.0,
                "derived",
                "L40S reaches 0.35 to 0.49, RTX PRO 6000 0.50 to 0.73 of peak as a whole "
                "(IST-DASLab/llmq benchmark tables, 2025); these cards run at their power limit.",
            ),
            Constant(
                "matmul_efficiency_cdna",
                "Matrix products on AMD Instinct",
                0.45,
                _MATMUL,
                0.05,
                1.0,
                "assumption",
                "Ceiling of an MI300X is 0.51 (stas00/ml-engineering, mamf-finder), less what a "
                "whole step loses.",
            ),
            Constant(
                "attention_efficiency",
                "Attention against other matrix products",
                0.6,
                "ratio",
                0.1,
                1.0,
                "assumption",
                "FlashAttention-2 reaches about 0.5 to 0.7 of an A100's peak forward and less "
                "backward (arXiv:2307.08691, figures 4 to 6).",
            ),
            # Time: memory, links, overheads
            Constant(
                "memory_bandwidth_efficiency",
                "Memory bandwidth reached",
                0.8,
                "share of datasheet bandwidth",
                0.1,
                1.0,
                "assumption",
                "Streaming kernels reach 0.75 to 0.9 of the datasheet figure.",
            ),
            Constant(
                "activation_passes",
                "Times an activation byte crosses memory, forward and backward",
                5.0,
                "passes",
                1.0,
                20.0,
                "assumption",
                "Written once and read once forward, read once backward, its gradient written and "
                "read; recomputation adds the forward passes again.",
            ),
            Constant(
                "link_efficiency",
                "NVLink, fabric and network bandwidth reached by collectives",
                0.75,
                "share of datasheet bandwidth",
                0.05,
                1.0,
                "assumption",
                "nccl-tests reach 0.7 to 0.85 of the link on large messages.",
            ),
            Constant(
                "pcie_efficiency",
                "PCIe bandwidth reached by collectives",
                0.25,
                "share of datasheet bandwidth",
                0.05,
                1.0,
                "assumption",
                "Without NVLink the traffic of all cards crosses the host, on consumer cards "
                "through its memory.",
            ),
            Constant(
                "communication_overlap",
                "Communication that can hide behind computation",
                0.7,
                "fraction",
                0.0,
                1.0,
                "assumption",
                "FSDP and ZeRO prefetch the next block; the first and last block stay exposed.",
            ),
            Constant(
                "block_launch_s",
                "Least time of one block, forward and backward",
                6e-4,
                "s",
                0.0,
                0.1,
                "assumption",
                "About 120 kernel launches of 5 microseconds; matters only for tiny batches.",
            ),
            Constant(
                "dequantization_passes",
                "Cost of 4-bit dequantization against its plain bytes",
                5.0,
                "ratio",
                1.0,
                20.0,
                "assumption",
                "bitsandbytes 4-bit training runs at 0.78 to 0.87 of the speed of 16-bit LoRA "
                "(foundation-model-stack/fms-acceleration and peft tables); five times the bytes "
                "explains that.",
            ),
            Constant(
                "software_overhead",
                "Time of a step outside kernels",
                0.1,
                "fraction of kernel time",
                0.0,
                10.0,
                "assumption",
                "Python, data loader and synchronization of the Hugging Face Trainer.",
            ),
            Constant(
                "start_up_hours",
                "Start-up of one run",
                0.25,
                "h",
                0.0,
                100.0,
                "assumption",
                "Instance boot, image, download of the weights, compilation; it is billed.",
            ),
            Constant(
                "time_log_sd",
                "Spread of training time around the estimate",
                0.3,
                "standard deviation of the logarithm",
                0.01,
                2.0,
                "assumption",
                "Not calibrated yet: a little wider than the differences to 52 published runs, "
                "whose logarithms have a standard deviation of 0.24.",
            ),
            Constant(
                "time_correlation",
                "How much of that spread the methods share",
                0.7,
                "correlation",
                0.0,
                1.0,
                "assumption",
                "Same cluster, software and data: most of an error is common to all methods.",
            ),
            # Memory
            Constant(
                "context_gib",
                "CUDA context and libraries",
                0.8,
                "GiB per GPU",
                0.0,
                20.0,
                "assumption",
                "Context, cuBLAS workspaces and kernels of one process.",
            ),
            Constant(
                "collective_buffers_gib",
                "Buffers of the collectives library",
                0.6,
                "GiB per GPU",
                0.0,
                20.0,
                "assumption",
                "NCCL channels; only on more than one GPU.",
            ),
            Constant(
                "memory_margin",
                "Memory of a GPU that is not planned on",
                0.0625,
                "fraction of its memory",
                0.0,
                0.9,
                "assumption",
                "Error correction takes 1/16 of GDDR memory (an L4 of 24 GiB shows 22.5), and an "
                "estimate that fits to the last byte does not fit.",
            ),
            Constant(
                "fragmentation",
                "Fragmentation of the allocator",
                0.08,
                "fraction of the other lines",
                0.0,
                1.0,
                "assumption",
                "Reserved memory exceeds allocated memory by 3 to 45% in published runs "
                "(foundation-model-stack/fms-acceleration tables); packed sequences are at the "
                "lower end.",
            ),
            # Accuracy
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
    }
)

ConstantValues = Mapping[str, float]
"""Values by key, after the changes of a scenario."""


def constant_values(changes: Mapping[str, float]) -> ConstantValues:
    """All constants with the changes of a scenario applied; keys must exist."""
    values = {key: constant.value for key, constant in CONSTANTS.items()}
    values.update(changes)
    return MappingProxyType(values)


def efficiency_key(accelerator: str, architecture: str) -> str:
    """Key of the matrix-product efficiency that an accelerator has.

    Parameters
    ----------
    accelerator : key of the accelerator, such as ``RTX-4090-24GB``.
    architecture : its architecture, such as ``Ada``.

    Examples
    --------
    >>> efficiency_key("H100-SXM-80GB", "Hopper")
    'matmul_efficiency_hopper'
    >>> efficiency_key("L40S-48GB", "Ada")
    'matmul_efficiency_professional'
    """
    if accelerator.startswith(("RTX-3090", "RTX-4090", "RTX-5090")):
        return "matmul_efficiency_geforce"
    if architecture.startswith("Ada") or accelerator.startswith("RTX-PRO"):
        return "matmul_efficiency_professional"
    for family in ("ampere", "hopper", "blackwell", "cdna"):
        if architecture.lower().startswith(family):
            return f"matmul_efficiency_{family}"
    raise KeyError(f"no matrix-product efficiency for {accelerator} ({architecture})")
