"""The lines of the bill of infrastructure, group by group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.estimator.errors import InvalidSpec
from app.estimator.units import GB, GIB

SMALL_VOCABULARY = 65_500
"""Below it a token is stored in 2 bytes, else in 4: Megatron-LM, ``indexed_dataset.py``,
``DType.optimal_dtype``."""

ARTEFACT_BYTES = 2.0
"""One parameter of a released model, in bf16. [bytes]"""


@dataclass(frozen=True, slots=True)
class BillLine:
    """One line of the bill.

    Parameters
    ----------
    key : group and name, such as ``storage.checkpoints``; groups are compute, memory, links, host,
        storage, network and skills.
    quantity, unit : plain number, and bytes, bytes/s, count or a word for it.
    note : what it is made of.
    source : plan, offer, model or input (looked up there), derived (computed here from those), or
        assumption (a constant of ours takes part).
    """

    key: str
    label: str
    quantity: float
    unit: str
    note: str
    source: str

    @property
    def group(self) -> str:
        """First part of the key."""
        return self.key.split(".", 1)[0]


def token_bytes(vocab_size: int) -> int:
    """Bytes of one stored token.

    Examples
    --------
    >>> token_bytes(32_000), token_bytes(128_256)
    (2, 4)
    """
    return 2 if vocab_size < SMALL_VOCABULARY else 4


def machines_lines(
    gpus: int, nodes: int, accelerator: str, needed_bytes: float, held_bytes: float
) -> tuple[BillLine, ...]:
    """GPUs, nodes and the memory of a GPU."""
    each = gpus // nodes
    return (
        BillLine("compute.gpus", "GPUs", float(gpus), "GPUs", accelerator, "plan"),
        BillLine(
            "compute.nodes",
            "Nodes",
            float(nodes),
            "nodes",
            f"{each} GPU{'' if each == 1 else 's'} each",
            "plan",
        ),
        BillLine(
            "memory.gpu_needed",
            "GPU memory needed, each GPU",
            needed_bytes,
            "bytes",
            "at the peak of a step",
            "plan",
        ),
        BillLine(
            "memory.gpu_held",
            "GPU memory there, each GPU",
            held_bytes,
            "bytes",
            f"{(held_bytes - needed_bytes) / GIB:,.1f} GiB more than is needed"
            if held_bytes >= needed_bytes
            else f"{(needed_bytes - held_bytes) / GIB:,.1f} GiB too little",
            "offer",
        ),
    )


def links_lines(
    *,
    gpus: int,
    nodes: int,
    in_node_link: str,
    in_node: tuple[float, float],
    between: tuple[float, float | None],
) -> list[BillLine]:
    """Links inside a node where it has several GPUs, and between nodes where there are several."""
    lines = []
    if gpus > nodes:
        needed, held = in_node
        lines += [
            BillLine(
                "links.in_node_needed",
                "Link inside a node needed, each GPU and direction",
                needed,
                "bytes/s",
                "bytes of a step over its duration",
                "derived",
            ),
            BillLine(
                "links.in_node_held",
                "Link inside a node there, each GPU and direction",
                held,
                "bytes/s",
                in_node_link,
                "offer",
            ),
        ]
    if nodes > 1:
        needed, there = between
        unknown = "; the offer does not publish its network" if there is None else ""
        lines.append(
            BillLine(
                "links.between_needed",
                "Network between nodes needed, each GPU and direction",
                needed,
                "bytes/s",
                f"bytes of a step over its duration{unknown}",
                "derived",
            )
        )
        if there is not None:
            lines.append(
                BillLine(
                    "links.between_held",
                    "Network between nodes there, each GPU and direction",
                    there,
                    "bytes/s",
                    f"{there * gpus / nodes / GB:,.1f} GB/s a node",
                    "offer",
                )
            )
    return lines


def offloaded_bytes(
    offload: str, state_bytes: float, gradient_bytes: float, weight_bytes: float
) -> float:
    """What offload moves to the hosts, over all nodes. [bytes]

    Notes
    -----
    Optimizer states with the gradients that the CPU updates them with; with parameters, also the
    weights. Rajbhandari et al., "ZeRO-Infinity", SC21, section 3; Ren et al., "ZeRO-Offload",
    USENIX ATC 2021, section 4.
    """
    if offload not in {"none", "optimizer", "parameters"}:
        raise InvalidSpec(f"unknown offload {offload}; use none, optimizer or parameters")
    if offload == "none":
        return 0.0
    return state_bytes + gradient_bytes + (weight_bytes if offload == "parameters" else 0.0)


def host_lines(
    constants: Mapping[str, float],
    *,
    gpus_per_node: int,
    nodes: int,
    offloaded_bytes: float,
    base_file_bytes: float,
    checkpoint_bytes: float,
    held_bytes: float | None,
) -> list[BillLine]:
    """Host memory of one node, part by part, and what the offer has."""
    system = constants["host_system_gib"] * GIB
    processes = gpus_per_node * constants["host_process_gib"] * GIB
    workers = gpus_per_node * constants["dataset_workers"]
    loading = workers * constants["dataset_worker_gib"] * GIB
    staging = checkpoint_bytes / nodes
    passing = max(base_file_bytes, staging)
    unknown = "; the offer does not publish its host memory" if held_bytes is None else ""
    lines = [
        BillLine(
            "host.system",
            "Host memory of system and training processes",
            system + processes,
            "bytes",
            f"{constants['host_system_gib']:g} GiB, and {constants['host_process_gib']:g} GiB for "
            + ("the GPU" if gpus_per_node == 1 else f"each of {gpus_per_node} GPUs"),
            "assumption",
        ),
        BillLine(
            "host.data_loading",
            "Host memory of data loading",
            loading,
            "bytes",
            f"{workers:g} processes of {constants['dataset_worker_gib']:g} GiB",
            "assumption",
        ),
        BillLine(
            "host.offload",
            "Host memory of what is offloaded",
            offloaded_bytes / nodes,
            "bytes",
            "optimizer states, gradients and weights that GPUs do not hold"
            if offloaded_bytes
            else "nothing is offloaded",
            "derived",
        ),
        BillLine(
            "host.passing",
            "Host memory of weights on their way in, or a checkpoint on its way out",
            passing,
            "bytes",
            f"the larger of the base weights, once a node ({base_file_bytes / GB:,.1f} GB), and a "
            f"node's share of a checkpoint ({staging / GB:,.1f} GB)",
            "derived",
        ),
        BillLine(
            "host.needed",
            "Host memory needed, each node",
            system + processes + loading + offloaded_bytes / nodes + passing,
            "bytes",
            f"sum of the lines above{unknown}",
            "assumption",
        ),
    ]
    if held_bytes is not None:
        lines.append(
            BillLine("host.held", "Host memory there, each node", held_bytes, "bytes", "", "offer")
        )
    return lines


def storage_lines(
    constants: Mapping[str, float],
    *,
    adapters: bool,
    base_parameters: float,
    base_file_bytes: float,
    checkpoint_bytes: float,
    checkpoints_kept: int,
    artefact_bytes: float,
    artefact_bytes_per_parameter: float,
    dataset_tokens: float,
    vocab_size: int,
    nodes: int,
) -> list[BillLine]:
    """Shared storage part by part, and local disk."""
    width = token_bytes(vocab_size)
    tokens = dataset_tokens * width
    text = dataset_tokens * constants["text_bytes_per_token"]
    present = checkpoints_kept + 1 if checkpoints_kept else 0
    checkpoints = present * checkpoint_bytes
    parts = base_file_bytes + tokens + text + checkpoints + artefact_bytes
    what = "adapters and their states" if adapters else "weights and optimizer states"
    merged = (
        f"; a copy merged into the base would be {base_parameters * ARTEFACT_BYTES / GB:,.1f} GB"
        if adapters
        else ""
    )
    local = constants["software_image_gib"] * GIB + base_file_bytes + tokens
    spare = constants["disk_headroom"]
    return [
        BillLine(
            "storage.base_weights",
            "Base weights",
            base_file_bytes,
            "bytes",
            "as downloaded",
            "model",
        ),
        BillLine(
            "storage.dataset_tokens",
            "Data set, tokenized",
            tokens,
            "bytes",
            f"{width} bytes a token for a vocabulary of {vocab_size:,}",
            "derived",
        ),
        BillLine(
            "storage.dataset_text",
            "Data set, raw text",
            text,
            "bytes",
            f"{constants['text_bytes_per_token']:g} bytes a token",
            "assumption",
        ),
        BillLine(
            "storage.checkpoints",
            "Checkpoints",
            checkpoints,
            "bytes",
            f"{what}: {checkpoint_bytes / GB:,.2f} GB, {checkpoints_kept} kept and one being "
            "written"
            if present
            else "none are written",
            "derived",
        ),
        BillLine(
            "storage.artefacts",
            "Released adapter" if adapters else "Released model",
            artefact_bytes,
            "bytes",
            f"{artefact_bytes_per_parameter:g} bytes a trained parameter{merged}",
            "derived",
        ),
        BillLine(
            "storage.shared",
            "Shared storage needed",
            parts * (1 + spare),
            "bytes",
            f"sum of the lines above and {spare:.0%} free",
            "assumption",
        ),
        BillLine(
            "storage.local",
            "Local disk needed, each node",
            local * (1 + spare),
            "bytes",
            f"{constants['software_image_gib']:g} GiB of software, base weights and tokenized data "
            f"as local copies{f' on each of {nodes} nodes' if nodes > 1 else ''}, and {spare:.0%} "
            "free",
            "assumption",
        ),
    ]
