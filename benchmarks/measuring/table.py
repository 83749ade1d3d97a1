"""Rows of the table of measured runs: 59 columns, one metric a row."""

from __future__ import annotations

import csv
import json
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from .accelerators import accelerator_key
from .cases import Case, Model, UnusableInput

COLUMNS = (
    "id", "run", "family", "source", "locator", "year", "model", "model_printed", "model_known",
    "model_shape", "is_moe", "method", "task", "lora_rank", "lora_targets", "trains_embeddings",
    "gpu", "gpu_printed", "gpu_known", "gpu_form", "gpu_proxy", "n_gpus", "strategy", "tp", "pp",
    "cp", "ep", "vp", "dp", "offload", "offload_detail", "seq_len", "real_tokens_per_seq",
    "packed", "micro_batch", "grad_accum", "global_batch", "act_ckpt", "optimizer",
    "weights_dtype", "master_weights", "compute", "attention", "fused_loss", "compile", "variant",
    "framework", "framework_detail", "metric", "value", "derived", "unit_ambiguous",
    "printed_metric", "printed_value", "printed_unit", "assumed", "quality", "quality_note",
    "notes",
)  # fmt: skip
GIB = 2**30
# Families that the keys of model_shape describe.
GATED = ("llama", "mistral", "qwen2")
STACK = (
    "plain training loop; unfused loss; gradients clipped at 1.0; no dropout; "
    "checkpointing not reentrant"
)


@dataclass(frozen=True)
class Device:
    """Where was measured.

    Attributes
    ----------
    kind : str
        cuda or cpu.
    name : str
        As the driver prints it.
    memory_bytes : int
        All memory of the device. [B]
    versions : dict of str
        Library to version.
    notes : list of str
        What else may matter: power limit, allocator settings.
    """

    kind: str
    name: str
    memory_bytes: int
    versions: dict[str, str]
    notes: list[str] = field(default_factory=list)

    @property
    def software(self) -> str:
        """Libraries with their versions."""
        return ", ".join(f"{name} {version}" for name, version in self.versions.items())


@dataclass(frozen=True)
class Outcome:
    """What one case came to.

    Attributes
    ----------
    parameters : int
        Distinct parameters of the model, without adapters. [-]
    trainable : int
        Of these and of the adapters, those that are trained. [-]
    step_seconds : list of float
        Wall-clock of each timed step. [s]
    tokens_per_second : float, optional
        Tokens of a step over the median of those. [token/s]
    memory_bytes : dict of int
        Metric to bytes: allocated, reserved, smi, static; what was measured of these. [B]
    out_of_memory : str
        The allocator's message, where the case did not fit; else empty.
    notes : list of str
        How memory was measured, where not by torch.cuda.
    """

    parameters: int = 0
    trainable: int = 0
    step_seconds: list[float] = field(default_factory=list)
    tokens_per_second: float | None = None
    memory_bytes: dict[str, int] = field(default_factory=dict)
    out_of_memory: str = ""
    notes: list[str] = field(default_factory=list)


# Of memory: suffix of the id, metric, and what it is called where it comes from.
_MEMORY = {
    "allocated": ("alloc", "peak_allocated_gib", "torch.cuda.max_memory_allocated"),
    "reserved": ("reserved", "peak_reserved_gib", "torch.cuda.max_memory_reserved"),
    "smi": ("smi", "smi_gib", "gpu_memory_nvidia_smi"),
    "static": ("static", "other", "gpu_memory_allocated_after_training_call"),
}


def rows(
    case: Case, device: Device, outcome: Outcome, today: date, gpu: str = ""
) -> list[dict[str, str]]:
    """The rows of one case: one for each figure, or a single one where it did not fit.

    Parameters
    ----------
    case, device, outcome : Case, Device, Outcome
        What, where, and what it came to.
    today : date
        Day of the measurement.
    gpu : str
        Key of the accelerator, where the name does not give it away.
    """
    common = _configuration(case, device, outcome, today, gpu)
    if outcome.out_of_memory:
        reached = outcome.memory_bytes.get("allocated")  # a CPU does not say
        before = "" if reached is None else f"{reached} B allocated at most before"
        total = device.memory_bytes
        return [
            _row(
                common,
                suffix="oom",
                metric="other",
                value=f"{total / GIB:.6g}",
                printed=("out_of_memory", str(total), "B"),
                quality=("C", "did not fit; the value is the memory of the device"),
                notes=[outcome.out_of_memory, before, *device.notes],
            )
        ]
    graded = ("A", "") if device.kind == "cuda" else ("C", "a trial on a CPU, for reading only")
    timing = _timing(case, outcome)
    made = []
    for kind, amount in outcome.memory_bytes.items():
        suffix, metric, printed = _MEMORY[kind]
        made.append(
            _row(
                common,
                suffix=suffix,
                metric=metric,
                value=f"{amount / GIB:.6g}",
                printed=(printed if device.kind == "cuda" else f"cpu_{kind}", str(amount), "B"),
                quality=("C", "not a peak: what stays between two steps")
                if metric == "other"
                else graded,
                notes=[*outcome.notes, *device.notes],
            )
        )
    if outcome.tokens_per_second is not None:
        speed = f"{outcome.tokens_per_second:.6g}"
        made.append(
            _row(
                common,
                suffix="tps",
                metric="tokens_per_s_per_gpu",
                value=speed,
                printed=("tokens_per_s", speed, "tokens/s/GPU"),
                quality=graded,
                notes=[timing, *device.notes],
            )
        )
    return made


def _row(
    common: dict[str, str],
    *,
    suffix: str,
    metric: str,
    value: str,
    printed: tuple[str, str, str],
    quality: tuple[str, str],
    notes: list[str],
) -> dict[str, str]:
    return {
        **common,
        "id": f"{common['run']}-{suffix}",
        "metric": metric,
        "value": value,
        "derived": "no",
        "unit_ambiguous": "no",
        **dict(zip(("printed_metric", "printed_value", "printed_unit"), printed, strict=True)),
        **dict(zip(("quality", "quality_note"), quality, strict=True)),
        "notes": "; ".join(note for note in notes if note),
    }


def _timing(case: Case, outcome: Outcome) -> str:
    if not outcome.step_seconds:
        return ""
    low, high = min(outcome.step_seconds), max(outcome.step_seconds)
    return (
        f"median of {len(outcome.step_seconds)} steps of {case.tokens} tokens; "
        f"a step took {low:.4g} to {high:.4g} s"
    )


def _configuration(
    case: Case, device: Device, outcome: Outcome, today: date, gpu: str
) -> dict[str, str]:
    """Every column that the rows of a run share; the others are empty."""
    adapted = case.rank is not None
    shape = "" if case.model.known else model_shape(case.model, outcome.parameters)
    key, form = accelerator(device, gpu)
    filled = {
        "run": case.run_id(key),
        "family": "own",
        "source": "measured by us",
        "locator": f"{device.name}; {device.software}; {today.isoformat()}",
        "year": str(today.year),
        "model": case.model.name,
        "model_printed": case.model.name,
        "model_known": _yes(case.model.known),
        "model_shape": shape,
        "is_moe": _yes(case.model.is_moe),
        "method": case.method,
        "task": "finetune",
        "lora_rank": str(case.rank) if adapted else "",
        "lora_targets": case.targets if adapted else "",
        "trains_embeddings": _yes(not adapted),
        "gpu": key,
        "gpu_printed": device.name,
        "gpu_known": _yes(bool(form)),
        "gpu_form": form,
        "gpu_proxy": key if form else "",
        "n_gpus": "1",
        "strategy": "single",
        "dp": "1",
        "offload": "none",
        "seq_len": str(case.length),
        "packed": "yes",
        "micro_batch": str(case.micro_batch),
        "grad_accum": "1",
        "global_batch": str(case.micro_batch),
        "act_ckpt": case.checkpointing,
        "optimizer": _optimizer(case),
        "weights_dtype": _weights(case),
        "master_weights": _yes(_weights(case) == "fp32"),
        "compute": "bf16",
        "attention": case.attention,
        "fused_loss": "no",
        "compile": "no",
        "variant": _variant(case),
        "framework": "transformers",
        "framework_detail": f"{STACK}; {device.software}",
    }
    return {column: str(filled.get(column, "")) for column in COLUMNS}


def accelerator(device: Device, gpu: str = "") -> tuple[str, str]:
    """Key of the accelerator and how its form is known; the printed name and "" where it is not."""
    if gpu:
        return gpu, "stated"
    return accelerator_key(device.name) or (device.name, "")


def _yes(true: bool) -> str:
    return "yes" if true else "no"


def _weights(case: Case) -> str:
    if case.method == "qlora":
        return "nf4"
    return "fp32" if case.method == "full" and case.precision == "autocast" else "bf16"


def _optimizer(case: Case) -> str:
    if case.optimizer.endswith("8bit"):
        return "paged-adamw-8bit" if case.optimizer.startswith("paged") else "adamw-8bit"
    return f"adamw-{case.adapter_dtype or _weights(case)}"


def _variant(case: Case) -> str:
    parts = []
    if case.optimizer in ("fused", "foreach"):
        parts.append(f"AdamW {case.optimizer}")
    if case.precision == "autocast":
        parts.append("autocast")
    if case.adapter_dtype:
        parts.append(f"{case.adapter_dtype} adapters")
    if case.method == "qlora":
        parts.append("double quantisation; norms, embeddings and head in bf16")
    return "; ".join(parts)


def model_shape(model: Model, parameters: int) -> str:
    """JSON of a shape, empty where the columns' keys cannot describe the configuration."""
    config = model.config
    names = {
        "n_layers": "num_hidden_layers",
        "hidden_size": "hidden_size",
        "n_heads": "num_attention_heads",
        "vocab_size": "vocab_size",
        "intermediate_size": "intermediate_size",
    }
    if config["model_type"] not in GATED or any(name not in config for name in names.values()):
        return ""
    shape = {ours: config[theirs] for ours, theirs in names.items()}
    width = config.get("head_dim") or shape["hidden_size"] // shape["n_heads"]
    if width * shape["n_heads"] != shape["hidden_size"]:
        return ""
    shape["n_kv_heads"] = config.get("num_key_value_heads", shape["n_heads"])
    shape["tied_embeddings"] = bool(config.get("tie_word_embeddings", False))
    shape |= {"mlp_matrices": 3, "bias": False}
    shape["qkv_bias"] = bool(config.get("attention_bias", config["model_type"] == "qwen2"))
    if parameters:
        shape["n_params"] = parameters
    return json.dumps(shape)


def read_runs(path: Path) -> tuple[str, set[str]]:
    """What a file holds, and the runs in it; nothing where it does not exist yet.

    Raises
    ------
    UnusableInput
        If it is not a table of measured runs, or has a row with another number of fields.
    """
    if not path.exists():
        if not path.parent.is_dir():
            raise UnusableInput(f"--out: the folder {path.parent} does not exist")
        return "", set()
    try:
        with path.open(encoding="utf-8", newline="") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise UnusableInput(f"--out: {path} cannot be read: {error}") from None
    if not text:
        return "", set()
    lines = list(csv.reader(text.splitlines(keepends=True)))
    if tuple(lines[0]) != COLUMNS:
        raise UnusableInput(f"--out: {path} has other columns than a table of measured runs")
    for number, line in enumerate(lines[1:], 2):
        if len(line) != len(COLUMNS):
            raise UnusableInput(
                f"--out: row {number} of {path} has {len(line)} fields instead of {len(COLUMNS)}"
            )
    if not text.endswith("\n"):
        text += "\n"
    return text, {line[COLUMNS.index("run")] for line in lines[1:]}


def append(path: Path, made: Iterable[dict[str, str]]) -> None:
    """Add rows to a file: all of them or, if that fails, none."""
    text, _ = read_runs(path)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            if not text:
                writer.writeheader()
            writer.writerows(made)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
