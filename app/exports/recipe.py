"""What a launch recipe is made from, what it is, and where each assumption is said in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

from app.estimator.software import COMPUTES, LOSSES, OPTIMIZERS, PRECISIONS, STACKS
from app.estimator.tokens import PACKINGS

METHODS = ("full", "lora", "qlora")
STRATEGIES = ("single", "ddp", "zero1", "zero2", "fsdp")
CHECKPOINTINGS = ("none", "selective", "full")
OFFLOADS = ("none", "optimizer", "parameters")
QUANTIZATIONS = ("none", "nf4", "nf4-double")
TABLES = ("embed_tokens", "lm_head")


class InvalidRecipe(ValueError):  # noqa: N818
    """A plan that nothing can be launched from; the message names the field."""


@dataclass(frozen=True, slots=True)
class RecipeInput:
    """The settings that an estimate assumed.

    Parameters
    ----------
    model : name or path of the base model; any text.
    method : full, lora or qlora.
    rank, alpha : of the adapters; None for full fine-tuning.
    targets : names of linears, or ``all-linear`` or ``attention`` alone; any text.
    sequence_length, micro_batch, accumulation : [tokens], [sequences], [micro-batches]
    steps, epochs : optimizer steps and passes over the data of one run.
    gpus_per_node, nodes : [count]
    strategy : single, ddp, zero1, zero2 or fsdp.
    tensor, pipeline, context, expert : sizes of the parallel groups. [count]
    checkpointing : none, selective or full.
    offload : none, optimizer or parameters.
    precision, optimizer, loss, adapter_dtype, attention, compute, stack : keys of the estimator's
        software.
    packing : packed, wrapped, grouped, padded or padded-to-max.
    trained_embeddings : ``embed_tokens`` and ``lm_head``, those trained beside adapters.
    quantization : of the frozen base: none, nf4 or nf4-double (constants quantized too).

    Raises
    ------
    InvalidRecipe : an unknown key, a count below 1, or settings that contradict each other.
    """

    model: str
    method: str
    rank: int | None
    alpha: float | None
    targets: tuple[str, ...]
    sequence_length: int
    micro_batch: int
    accumulation: int
    steps: int
    epochs: float
    gpus_per_node: int
    nodes: int
    strategy: str
    tensor: int
    pipeline: int
    context: int
    expert: int
    checkpointing: str
    offload: str
    precision: str
    optimizer: str
    loss: str
    adapter_dtype: str
    attention: str
    compute: str
    packing: str
    stack: str
    trained_embeddings: tuple[str, ...]
    quantization: str

    def __post_init__(self) -> None:
        for name, known in (
            ("method", METHODS),
            ("strategy", STRATEGIES),
            ("checkpointing", CHECKPOINTINGS),
            ("offload", OFFLOADS),
            ("quantization", QUANTIZATIONS),
            ("packing", tuple(PACKINGS)),
            ("stack", tuple(STACKS)),
            ("precision", tuple(PRECISIONS)),
            ("optimizer", tuple(OPTIMIZERS)),
            ("loss", tuple(LOSSES)),
            ("compute", COMPUTES),
            ("adapter_dtype", ("fp32", "bf16")),
            ("attention", ("sdpa", "eager")),
        ):
            if getattr(self, name) not in known:
                raise InvalidRecipe(f"{name}: use one of {', '.join(known)}")
        for name in (
            *("sequence_length", "micro_batch", "accumulation", "steps", "gpus_per_node"),
            *("nodes", "tensor", "pipeline", "context", "expert"),
        ):
            if getattr(self, name) < 1:
                raise InvalidRecipe(f"{name}: must be 1 or more")
        if not self.epochs > 0:
            raise InvalidRecipe("epochs: must be more than 0")
        if self.gpus % (self.tensor * self.pipeline * self.context):
            raise InvalidRecipe("tensor, pipeline, context: must divide the number of GPUs")
        if (self.method == "full") == (self.rank is not None and self.alpha is not None):
            raise InvalidRecipe("rank, alpha: belong to lora and qlora, and only to them")
        if self.adapters and not self.targets:
            raise InvalidRecipe("targets: adapters need at least one")
        if (self.method == "qlora") == (self.quantization == "none"):
            raise InvalidRecipe("quantization: belongs to qlora, and only to it")
        if set(self.trained_embeddings) - set(TABLES):
            raise InvalidRecipe("trained_embeddings: use embed_tokens and lm_head")

    @property
    def adapters(self) -> bool:
        """Whether adapters are trained."""
        return self.method != "full"

    @property
    def gpus(self) -> int:
        """GPUs of the run. [count]"""
        return self.gpus_per_node * self.nodes

    @property
    def data_parallel(self) -> int:
        """Copies that see different data. [count]"""
        return self.gpus // (self.tensor * self.pipeline * self.context)

    @property
    def global_batch(self) -> int:
        """Sequences of one optimizer step. [count]"""
        return self.micro_batch * self.accumulation * self.data_parallel


@dataclass(frozen=True, slots=True)
class RecipeFile:
    """One file of a recipe; `language` is python, yaml, json, bash or text."""

    name: str
    language: str
    text: str


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a recipe says one setting of the estimate.

    Parameters
    ----------
    field, value : of `RecipeInput`, the value as Python writes it.
    kind : set (the option is in a file), implied (the stack does nothing else, or it does not
        matter here) or missing (the stack cannot do it, or not like this).
    option, file : the words in the file, for kind set.
    note : why, for the other kinds; what to know, for set.
    """

    field: str
    value: str
    kind: str
    option: str
    file: str
    note: str


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe: its files, `settings.txt` first, and where each setting is said."""

    files: tuple[RecipeFile, ...]
    settings: tuple[Setting, ...]


class Ledger:
    """Collects where each setting is said, and refuses to forget one."""

    def __init__(self, recipe: RecipeInput) -> None:
        self.recipe = recipe
        self._settings: dict[str, Setting] = {}

    def set(self, field: str, option: str, file: str, note: str = "") -> None:
        """The option is in the file."""
        self._add(field, "set", option, file, note)

    def implied(self, field: str, note: str) -> None:
        """Nothing has to be set."""
        self._add(field, "implied", "", "", note)

    def missing(self, field: str, note: str) -> None:
        """The stack cannot do it."""
        self._add(field, "missing", "", "", note)

    def size(self, field: str, option: str, file: str, *, why: str) -> None:
        """A parallel group: set with an option, implied when 1, missing without an option."""
        if option:
            self.set(field, option, file)
        elif getattr(self.recipe, field) == 1:
            self.implied(field, "1: not used")
        else:
            self.missing(field, why)

    def _add(self, field: str, kind: str, option: str, file: str, note: str) -> None:
        value = ascii(getattr(self.recipe, field))
        self._settings[field] = Setting(field, value, kind, option, file, note)

    def finished(self, files: Iterable[RecipeFile], heading: str) -> Recipe:
        """The recipe, with the list of all settings as its first file."""
        names = [field.name for field in fields(self.recipe)]
        forgotten = [name for name in names if name not in self._settings]
        if forgotten:
            raise LookupError(f"the recipe does not say {', '.join(forgotten)}")
        settings = tuple(self._settings[name] for name in names)
        listing = RecipeFile("settings.txt", "text", _listing(settings, heading))
        return Recipe((listing, *files), settings)


def _listing(settings: tuple[Setting, ...], heading: str) -> str:
    wide = max(len(s.field) for s in settings)
    lines = [heading, ""]
    for kind, title in (
        ("set", "What the estimate assumed, and where this recipe says it"),
        ("implied", "Nothing to set"),
        ("missing", "Assumed by the estimate, but not expressible in this stack"),
    ):
        chosen = [s for s in settings if s.kind == kind]
        if not chosen:
            continue
        lines.append(f"{title}:")
        for s in chosen:
            where = f"{s.file}: {s.option}" if kind == "set" else s.note
            after = f"  ({s.note})" if kind == "set" and s.note else ""
            lines.append(f"  {s.field:<{wide}}  {s.value:<24}  {where}{after}")
        lines.append("")
    lines.append("The learning rate is yours: neither memory nor time depends on it.")
    return "\n".join(lines) + "\n"


def target_set(recipe: RecipeInput) -> set[str]:
    """Names of the adapted linears of a gated decoder, the groups written out.

    Examples
    --------
    >>> sorted(target_set(EXAMPLE))
    ['down_proj', 'gate_proj', 'k_proj', 'o_proj', 'q_proj', 'up_proj', 'v_proj']
    """
    attention = {"q_proj", "k_proj", "v_proj", "o_proj"}
    if recipe.targets == ("attention",):
        return attention
    if recipe.targets == ("all-linear",):
        return attention | {"gate_proj", "up_proj", "down_proj"}
    return set(recipe.targets)


EXAMPLE = RecipeInput(
    model="meta-llama/Meta-Llama-3.1-8B",
    method="lora",
    rank=16,
    alpha=32,
    targets=("all-linear",),
    sequence_length=2048,
    micro_batch=4,
    accumulation=2,
    steps=1000,
    epochs=3,
    gpus_per_node=8,
    nodes=1,
    strategy="ddp",
    tensor=1,
    pipeline=1,
    context=1,
    expert=1,
    checkpointing="none",
    offload="none",
    precision="bf16-mixed",
    optimizer="adamw",
    loss="plain",
    adapter_dtype="fp32",
    attention="sdpa",
    compute="bf16",
    packing="packed",
    stack="transformers",
    trained_embeddings=(),
    quantization="none",
)
"""For examples and tests."""
