"""Reading the keys of one ``config.json``: kinds are checked, absent keys take library defaults."""

from __future__ import annotations

from collections.abc import Mapping

from app.estimator.errors import UnknownArchitecture

LARGEST_COUNT = 10_000_000
LARGEST_DEPTH = 10_000
LONGEST = 1_000_000_000

LAYER_KEYS = frozenset(
    {
        "alibi",
        "attn_output_gate",
        "clip_qkv",
        "cross_attention_layers",
        "full_attention_interval",
        "hybrid_override_pattern",
        "kv_lora_rank",
        "layers_block_type",
        "linear_attn_config",
        "mamba_d_state",
        "moe_intermediate_size",
        "moe_num_experts",
        "n_routed_experts",
        "n_shared_experts",
        "num_experts",
        "num_kv_shared_layers",
        "num_local_experts",
        "parallel_attn",
        "q_lora_rank",
        "qk_layernorm",
        "shared_expert_intermediate_size",
        "shared_intermediate_size",
        "use_cla",
        "use_parallel_residual",
        "use_qk_norm",
    }
)
"""Keys that change the layers of some family: refused where a family does not know them."""


class Fields:
    """The keys of one configuration, under the names of the family's class in transformers.

    Parameters
    ----------
    model_type : the family.
    config : the parsed ``config.json``.
    defaults : what an absent key stands for.
    aliases : other names of keys.
    """

    def __init__(
        self,
        model_type: str,
        config: Mapping[str, object],
        defaults: Mapping[str, object],
        aliases: Mapping[str, str],
    ) -> None:
        self.model_type = model_type
        self._aliases = aliases
        self._given = {
            aliases.get(key, key): value
            for key, value in config.items()
            if value is not None or aliases.get(key) not in config
        }
        self._values = {aliases.get(k, k): value for k, value in defaults.items()} | self._given
        self._read: set[str] = set()

    def value(self, key: str) -> object:
        """The value as it is, None where there is neither one nor a default."""
        named = self._aliases.get(key, key)
        self._read.add(named)
        return self._values.get(named)

    def count(self, key: str) -> int:
        """Read a whole number of 1 or more that must be there."""
        found = self.optional(key)
        if found is None:
            raise UnknownArchitecture(key, "is absent; a whole number is needed")
        return found

    def optional(self, key: str, least: int = 1, most: int = LARGEST_COUNT) -> int | None:
        """Read a whole number, None where it is absent or null."""
        value = self.value(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise UnknownArchitecture(
                key, f"is {shown(value)}; a whole number of {least} to {most} is needed"
            )
        return value

    def layers(self, key: str) -> int:
        """Read the number of blocks."""
        found = self.count(key)
        if found > LARGEST_DEPTH:
            raise UnknownArchitecture(key, f"is {found}; at most {LARGEST_DEPTH} is understood")
        return found

    def flag(self, key: str) -> bool:
        """Read true or false; absent or null is false, as in transformers."""
        value = self.value(key)
        if value is None:
            return False
        if not isinstance(value, bool):
            raise UnknownArchitecture(key, f"is {shown(value)}; true or false is needed")
        return value

    def number(self, key: str) -> float | None:
        """Read a number, None where it is absent or null."""
        value = self.value(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise UnknownArchitecture(key, f"is {shown(value)}; a number is needed")
        return float(value)

    def text(self, key: str) -> str | None:
        """Read a text, None where it is absent or null."""
        value = self.value(key)
        if value is None or isinstance(value, str):
            return value
        raise UnknownArchitecture(key, f"is {shown(value)}; a text is needed")

    def texts(self, key: str, length: int) -> tuple[str, ...] | None:
        """Read a list of texts, one a block; None where it is absent or null."""
        value = self.value(key)
        if value is None:
            return None
        found = tuple(item for item in _items(key, value) if isinstance(item, str))
        if len(found) < length:
            raise UnknownArchitecture(key, f"names {len(found)} of {length} layers")
        return found[:length]

    def numbers(self, key: str) -> tuple[int, ...] | None:
        """Read a list of whole numbers; None where it is absent or null."""
        value = self.value(key)
        if value is None:
            return None
        found = tuple(item for item in _items(key, value) if isinstance(item, int))
        if len(found) < len(_items(key, value)):
            raise UnknownArchitecture(key, f"is {shown(value)}; a list of numbers is needed")
        return found

    def part(self, key: str) -> Fields:
        """Read a nested group of keys, empty where it is absent."""
        value = self.value(key)
        if value is None:
            return Fields(self.model_type, {}, {}, {})
        if not isinstance(value, Mapping):
            raise UnknownArchitecture(key, f"is {shown(value)}; a group of keys is needed")
        return Fields(self.model_type, value, {}, {})

    def refuse_unless(self, key: str, *understood: object) -> None:
        """Refuse a value other than those that this family is known with."""
        value = self.value(key)
        if value not in understood:
            wanted = " or ".join(shown(one) for one in understood if one is not None)
            raise UnknownArchitecture(key, f"is {shown(value)}; {wanted} is understood")

    def refuse_unread(self) -> None:
        """Refuse keys that change layers and that the family has not looked at."""
        for key in sorted(LAYER_KEYS - self._read):
            value = self._given.get(key)
            if value is True or (value and value != 1):
                reason = "mixture-of-experts layers are" if "expert" in key else "its layers are"
                raise UnknownArchitecture(key, f"{reason} not understood with {self.model_type}")


def _items(key: str, value: object) -> tuple[object, ...]:
    """The items of a list."""
    if not isinstance(value, list | tuple):
        raise UnknownArchitecture(key, f"is {shown(value)}; a list is needed")
    return tuple(value)


def shown(value: object) -> str:
    """A value as it is quoted in a message, cut to a readable length."""
    try:
        text = repr(value)
    except ValueError:  # an integer too long to print
        return "too long to show"
    return text if len(text) <= 60 else text[:57] + "..."
