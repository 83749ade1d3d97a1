"""What is measured: models, and the cases made of them and of the options."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

BUILT_IN = Path(__file__).with_name("models.json")
ADAPTED = ("lora", "qlora")
TARGET_MODULES: dict[str, str | list[str]] = {
    "all-linear": "all-linear",
    "attention": ["q_proj", "k_proj", "v_proj", "o_proj"],
}


class UnusableInput(ValueError):  # noqa: N818 - what it says is for a person to read
    """An option or a file that cannot be used; the message names it."""


@dataclass(frozen=True)
class Model:
    """An architecture without weights.

    Attributes
    ----------
    name : str
        Hugging Face id, or a file's name where that is not known.
    known : bool
        Whether the name is such an id.
    config : dict
        The content of ``config.json``.
    """

    name: str
    known: bool
    config: dict[str, Any]

    @property
    def key(self) -> str:
        """Short name in a run's id; of an unknown model with a digest of its configuration."""
        short = slug(self.name.rsplit("/", maxsplit=1)[-1])
        if self.known:
            return short
        content = json.dumps(self.config, sort_keys=True).encode()
        return f"{short}-{hashlib.sha256(content).hexdigest()[:6]}"

    @property
    def is_moe(self) -> bool:
        """Whether the configuration names more than one expert."""
        names = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")
        return any((self.config.get(name) or 0) > 1 for name in names)


@dataclass(frozen=True)
class Case:
    """One training step to be measured.

    Attributes
    ----------
    model : Model
        Architecture.
    method : str
        full, lora or qlora.
    length : int
        Tokens of one sequence. [token]
    micro_batch : int
        Sequences of one step. [-]
    checkpointing : str
        none or full.
    attention : str
        sdpa or eager.
    precision : str
        bf16 (no autocast) or autocast (to bf16; full fine-tuning then keeps fp32 weights).
    optimizer : str
        AdamW: fused, foreach, 8bit or paged-8bit.
    rank : int, optional
        Adapter rank. [-]
    targets : str, optional
        all-linear, attention, or names of modules with commas.
    adapter_dtype : str, optional
        bf16 or fp32.
    """

    model: Model
    method: str
    length: int
    micro_batch: int
    checkpointing: str
    attention: str
    precision: str
    optimizer: str
    rank: int | None = None
    targets: str | None = None
    adapter_dtype: str | None = None

    @property
    def tokens(self) -> int:
        """Tokens of one step. [token]"""
        return self.length * self.micro_batch

    @property
    def target_modules(self) -> str | list[str]:
        """Adapted modules as peft names them."""
        assert self.targets is not None, "full fine-tuning has no adapters"
        return TARGET_MODULES.get(self.targets, self.targets.split(","))

    @property
    def key(self) -> str:
        """What is measured, in the words of a run's id."""
        parts = [self.model.key, self.method]
        if self.method in ADAPTED:
            parts += [f"r{self.rank}", slug(str(self.targets)), f"a{self.adapter_dtype}"]
        parts += [f"s{self.length}", f"b{self.micro_batch}"]
        parts += ["ckpt" if self.checkpointing == "full" else "nockpt", self.attention]
        return "-".join([*parts, self.precision, self.optimizer])

    def run_id(self, accelerator: str) -> str:
        """Id of the run of this case on an accelerator."""
        return f"own-{slug(accelerator)}-{self.key}"

    def as_json(self) -> dict[str, Any]:
        """For another process; `from_json` reads it."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Case:
        """A case that `as_json` wrote."""
        return cls(**{**content, "model": Model(**content["model"])})


def slug(text: str) -> str:
    """Lower case letters, digits, dots and hyphens.

    >>> slug("NVIDIA H100 80GB HBM3")
    'nvidia-h100-80gb-hbm3'
    """
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-")


def built_in_models() -> dict[str, Model]:
    """The models that come with the script; "tiny" is one that no one trained."""
    configs = json.loads(BUILT_IN.read_text(encoding="utf-8"))
    return {name: Model(name, "/" in name, config) for name, config in configs.items()}


def find_models(asked: Sequence[str]) -> list[Model]:
    """Models by name, by ``config.json`` file, or by a folder of such files."""
    built_in = built_in_models()
    found = []
    for item in asked:
        if item in built_in:
            found.append(built_in[item])
        elif Path(item).is_dir():
            files = sorted(Path(item).glob("*.json"))
            if not files:
                raise UnusableInput(f"--models: no .json file in the folder {item}")
            found += [_read_model(file) for file in files]
        elif Path(item).is_file():
            found.append(_read_model(Path(item)))
        else:
            names = ", ".join(built_in)
            raise UnusableInput(
                f"--models: {item!r} is no file, no folder and none of the built-in models: {names}"
            )
    return list({model.key: model for model in found}.values())


def _read_model(path: Path) -> Model:
    """A model from ``ORG__NAME.json``, or from a ``config.json`` in a folder with its name."""
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UnusableInput(f"--models: {path} cannot be read as JSON: {error}") from None
    if not isinstance(config, dict) or not isinstance(config.get("model_type"), str):
        raise UnusableInput(f'--models: {path} has no "model_type", so it is no config.json')
    stem = path.resolve().parent.name if path.name == "config.json" else path.stem
    owner, mark, name = stem.partition("__")
    return Model(f"{owner}/{name}" if mark else stem, bool(mark), config)


def enumerate_cases(
    models: Sequence[Model],
    *,
    methods: Sequence[str],
    lengths: Sequence[int],
    micro_batches: Sequence[int],
    checkpointing: Sequence[str],
    attention: Sequence[str],
    precisions: Sequence[str],
    optimizers: Sequence[str],
    adapter_dtypes: Sequence[str],
    rank: int,
    targets: str,
) -> Iterator[Case]:
    """Every combination once, the small ones of each model first."""
    for model, method, length, micro_batch, recompute, kernel, precision, optimizer in product(
        models, methods, lengths, micro_batches, checkpointing, attention, precisions, optimizers
    ):
        case = Case(model, method, length, micro_batch, recompute, kernel, precision, optimizer)
        if method not in ADAPTED:
            yield case
            continue
        for dtype in adapter_dtypes:
            yield replace(case, rank=rank, targets=targets, adapter_dtype=dtype)
