"""The bill of infrastructure of one method and plan: what must be there, and what is."""

from __future__ import annotations

from collections.abc import Mapping

from app.estimator.constants.infrastructure import DEFAULTS
from app.estimator.errors import InvalidSpec
from app.estimator.infrastructure_lines import (
    ARTEFACT_BYTES,
    BillLine,
    host_lines,
    links_lines,
    machines_lines,
    offloaded_bytes,
    storage_lines,
)
from app.estimator.skills import skills
from app.estimator.units import GB

__all__ = ["BillLine", "bill"]


def bill(
    *,
    gpus: int,
    nodes: int,
    accelerator: str,
    strategy: str,
    tensor: int = 1,
    pipeline: int = 1,
    context: int = 1,
    expert: int = 1,
    offload: str = "none",
    memory_needed_bytes: float,
    memory_held_bytes: float,
    host_memory_held_bytes: float | None,
    in_node_link: str,
    in_node_held_bytes_per_s: float,
    in_node_step_bytes: float,
    between_nodes_held_bytes_per_s: float | None,
    between_nodes_step_bytes: float,
    step_s: float,
    steps: int,
    adapters: bool,
    quantized: bool,
    base_parameters: float,
    base_file_bytes: float,
    trained_parameters: float,
    trained_weight_bytes: float,
    trained_gradient_bytes: float,
    trained_state_bytes: float,
    artefact_bytes_per_parameter: float = ARTEFACT_BYTES,
    dataset_tokens: float,
    vocab_size: int,
    checkpoints_written: int,
    checkpoints_kept: int,
    compute: str = "bf16",
    interruptible: bool = False,
    constants: Mapping[str, float] = DEFAULTS,
) -> tuple[BillLine, ...]:
    """The lines of the bill, in a fixed order.

    Parameters
    ----------
    gpus, nodes : [count] >= 1
    accelerator : name of the GPU, for the reader.
    strategy, tensor, pipeline, context, expert, offload : the layout, as in the plan.
    memory_needed_bytes, memory_held_bytes : of one GPU, at the peak and as offered. [bytes]
    host_memory_held_bytes : of one node; None where the offer does not say. [bytes]
    in_node_link : nvlink, nvlink-pair, infinity-fabric or pcie.
    in_node_held_bytes_per_s, between_nodes_held_bytes_per_s : of one GPU and direction; the second
        is None where unknown or where there is one node. [bytes/s]
    in_node_step_bytes, between_nodes_step_bytes : sent by one GPU in one optimizer step. [bytes]
    step_s : one optimizer step. [s] > 0
    steps : optimizer steps of one run. [count]
    adapters : whether only adapters (and tables trained beside them) are saved.
    quantized : whether the base is held in 4 bits.
    base_parameters : of the base model. [count]
    base_file_bytes : the base weights as they are downloaded. [bytes]
    trained_parameters : [count]
    trained_weight_bytes, trained_gradient_bytes, trained_state_bytes : of one trained parameter as
        held; states include master weights. [bytes]
    artefact_bytes_per_parameter : of one released parameter: 2 in bf16, 4 in fp32. [bytes]
    dataset_tokens : distinct tokens of training and evaluation data; not times epochs. [tokens]
    checkpoints_written, checkpoints_kept : in one run, and at any time. [count]
    interruptible : whether the machines can be withdrawn.
    constants : values of `INFRASTRUCTURE_CONSTANTS`.

    Raises
    ------
    InvalidSpec : a count below 1, a step without duration or a negative quantity.

    Notes
    -----
    A link is needed at the bytes of a step over its duration: the rate at which communication that
    hides entirely behind computation keeps up. Host memory is what is there all the time, plus the
    larger of the base weights while they load (once a node, memory-mapped) and a checkpoint of this
    node's share on its way to storage. One checkpoint more than is kept exists while it is written.
    """
    if min(gpus, nodes) < 1 or step_s <= 0 or min(steps, checkpoints_written) < 0:
        raise InvalidSpec("a plan has at least one node, one GPU and a step that takes time")
    if gpus % nodes:
        raise InvalidSpec("every node has as many GPUs as the others")
    negative = min(
        *(memory_needed_bytes, in_node_step_bytes, between_nodes_step_bytes, base_parameters),
        *(base_file_bytes, trained_parameters, trained_weight_bytes, trained_gradient_bytes),
        *(trained_state_bytes, dataset_tokens, checkpoints_kept),
    )
    if negative < 0:
        raise InvalidSpec("quantities of a bill are not negative")

    checkpoint = trained_parameters * (trained_weight_bytes + trained_state_bytes)
    stored = storage_lines(
        constants,
        adapters=adapters,
        base_parameters=base_parameters,
        base_file_bytes=base_file_bytes,
        checkpoint_bytes=checkpoint,
        checkpoints_kept=min(checkpoints_kept, checkpoints_written),
        artefact_bytes=trained_parameters * artefact_bytes_per_parameter,
        artefact_bytes_per_parameter=artefact_bytes_per_parameter,
        dataset_tokens=dataset_tokens,
        vocab_size=vocab_size,
        nodes=nodes,
    )
    offloaded = offloaded_bytes(
        offload,
        trained_parameters * trained_state_bytes,
        trained_parameters * trained_gradient_bytes,
        base_file_bytes if adapters else trained_parameters * trained_weight_bytes,
    )
    return (
        *machines_lines(gpus, nodes, accelerator, memory_needed_bytes, memory_held_bytes),
        *links_lines(
            gpus=gpus,
            nodes=nodes,
            in_node_link=in_node_link,
            in_node=(in_node_step_bytes / step_s, in_node_held_bytes_per_s),
            between=(between_nodes_step_bytes / step_s, between_nodes_held_bytes_per_s),
        ),
        *host_lines(
            constants,
            gpus_per_node=gpus // nodes,
            nodes=nodes,
            offloaded_bytes=offloaded,
            base_file_bytes=base_file_bytes,
            checkpoint_bytes=checkpoint,
            held_bytes=host_memory_held_bytes,
        ),
        *stored,
        BillLine(
            "network.base_weights",
            "Download of the base weights",
            base_file_bytes,
            "bytes",
            "once, to shared storage; every node reads them from there at each start",
            "model",
        ),
        BillLine(
            "network.dataset",
            "Upload of the data set",
            dataset_tokens * constants["text_bytes_per_token"],
            "bytes",
            "raw text, once",
            "assumption",
        ),
        BillLine(
            "network.checkpoints",
            "Checkpoints written in one run",
            checkpoints_written * checkpoint,
            "bytes",
            f"{checkpoints_written} of {checkpoint / GB:,.2f} GB",
            "derived",
        ),
        BillLine(
            "network.between_nodes",
            "Training traffic between nodes in one run",
            between_nodes_step_bytes * steps * gpus if nodes > 1 else 0.0,
            "bytes",
            f"{between_nodes_step_bytes / GB:,.2f} GB a step and GPU, {steps:,} steps, {gpus} GPUs"
            if nodes > 1
            else "one node: none",
            "derived",
        ),
        *(
            BillLine(f"skills.{skill.key}", skill.label, 1.0, "skill", skill.sentence, "assumption")
            for skill in skills(
                gpus=gpus,
                nodes=nodes,
                strategy=strategy,
                tensor=tensor,
                pipeline=pipeline,
                context=context,
                expert=expert,
                offload=offload,
                quantized=quantized,
                compute=compute,
                interruptible=interruptible,
            )
        ),
    )
