"""What the people who run a plan must be able to do: a short closed list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Skill:
    """One ability that a layout calls for, and what it is for, as a sentence."""

    key: str
    label: str
    sentence: str


SKILLS: Mapping[str, Skill] = MappingProxyType(
    {
        skill.key: skill
        for skill in (
            Skill(
                "single-gpu",
                "Training script on one GPU",
                "Prepare data, run a training script, read its loss and keep its checkpoints.",
            ),
            Skill(
                "data-parallel",
                "Data parallel training on several GPUs",
                "Launch one process a GPU and keep the global batch when their number changes.",
            ),
            Skill(
                "sharded",
                "Sharded training (FSDP, ZeRO)",
                "Choose what is sharded, save and load sharded checkpoints, find what runs out of "
                "memory.",
            ),
            Skill(
                "multi-node",
                "Training over several machines (NCCL, RDMA)",
                "Set up the network between machines, shared storage and a launcher, and tell a "
                "slow link from a hung process.",
            ),
            Skill(
                "model-parallel",
                "Tensor, pipeline or context parallelism (Megatron, torchtitan)",
                "Lay a model out over GPUs, balance its stages and convert its checkpoints.",
            ),
            Skill(
                "expert-parallel",
                "Expert parallelism",
                "Spread experts over GPUs and watch the balance of their load.",
            ),
            Skill(
                "cpu-offload",
                "Offload to host memory",
                "Size host memory, pin it, and tune the transfers that then set the pace.",
            ),
            Skill(
                "quantization",
                "4-bit base models (QLoRA)",
                "Train on a quantized base, and check that merging into 16 bits keeps the "
                "accuracy.",
            ),
            Skill(
                "low-precision",
                "Training in 8 or 4 bits",
                "Choose the scaling recipe and notice when the loss drifts from that of bf16.",
            ),
            Skill(
                "restart",
                "Checkpoint and restart on interruptible machines",
                "Write checkpoints often enough, detect a withdrawn machine and resume unattended.",
            ),
        )
    }
)
"""Assumption, our judgement: what each layout asks of a team beyond the one before it."""

SHARDED = ("zero1", "zero2", "fsdp")


def skills(
    *,
    gpus: int,
    nodes: int,
    strategy: str,
    tensor: int = 1,
    pipeline: int = 1,
    context: int = 1,
    expert: int = 1,
    offload: str = "none",
    quantized: bool = False,
    compute: str = "bf16",
    interruptible: bool = False,
) -> tuple[Skill, ...]:
    """The abilities that a layout calls for, in the order of `SKILLS`.

    Parameters
    ----------
    strategy : single, ddp, zero1, zero2 or fsdp.
    tensor, pipeline, context, expert : sizes of the parallel groups. [count]
    offload : none, optimizer or parameters.
    quantized : whether the base is held in 4 bits.
    compute : bf16, fp8 or fp4.
    interruptible : whether the machines can be withdrawn (spot).

    Examples
    --------
    >>> [s.key for s in skills(gpus=16, nodes=2, strategy="fsdp")]
    ['single-gpu', 'data-parallel', 'sharded', 'multi-node']
    """
    wanted = {
        "single-gpu": True,
        "data-parallel": gpus // (tensor * pipeline * context) > 1,
        "sharded": strategy in SHARDED and gpus > 1,
        "multi-node": nodes > 1,
        "model-parallel": max(tensor, pipeline, context) > 1,
        "expert-parallel": expert > 1,
        "cpu-offload": offload != "none",
        "quantization": quantized,
        "low-precision": compute != "bf16",
        "restart": interruptible,
    }
    return tuple(skill for key, skill in SKILLS.items() if wanted[key])
