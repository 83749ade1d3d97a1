"""A pasted `config.json`: its text as an object, within the limits that both have."""

from __future__ import annotations

import json

MAX_CONFIG_CHARACTERS = 8_000
MAX_CONFIG_DEPTH = 20
TOO_LONG_CONFIG = f"must be at most {MAX_CONFIG_CHARACTERS:,} characters long"


def config_from_text(value: object) -> object:
    """Turn a pasted `config.json` into an object; an object has the same limits as its text."""
    if isinstance(value, str):
        if not value.strip():
            return None
        if len(value) > MAX_CONFIG_CHARACTERS:
            raise ValueError(TOO_LONG_CONFIG)
        try:
            value = json.loads(value)
        except json.JSONDecodeError as error:
            raise ValueError(
                f"is not valid JSON (line {error.lineno}, column {error.colno}: {error.msg}); "
                "paste the whole config.json of the model"
            ) from None
        except RecursionError:
            raise ValueError("is nested too deeply; paste the config.json of the model") from None
        except ValueError:
            raise ValueError("holds a number that is too long; paste the config.json") from None
    if not isinstance(value, dict):
        return value
    if _depth(value) > MAX_CONFIG_DEPTH:
        raise ValueError("is nested too deeply; give the config.json of the model")
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        text.encode()
    except ValueError:
        raise ValueError("holds text or a number that JSON cannot carry, such as NaN") from None
    if len(text) > MAX_CONFIG_CHARACTERS:
        raise ValueError(TOO_LONG_CONFIG)
    return value


def _depth(value: object) -> int:
    """Levels of nesting, counted without recursion."""
    depth, level = 0, [value]
    while level:
        depth += 1
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
    return depth
