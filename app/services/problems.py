"""What is wrong with a request, said at its field. Pages and the API show the same words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from app.inputs import CURRENCY_PATTERN, PRICE_BOOK_PATTERN, PilotRow, ScenarioInput


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem.

    Parameters
    ----------
    pointer : JSON pointer (RFC 6901) to the member, for example ``/epochs``.
    message : what was wrong and what would do, as a sentence.
    """

    pointer: str
    message: str


MOST_PROBLEMS = 50
"""More than these help nobody; the rest is found once they are put right."""


class ServiceError(Exception):
    """Base of what the services raise on purpose."""


class InputProblems(ServiceError):  # noqa: N818
    """A scenario that cannot be estimated; nothing was computed and nothing was written."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{p.pointer}: {p.message}" for p in self.problems))


class PriceBookProblems(InputProblems):
    """A price book that cannot be used; nothing was written."""


class ActualsProblems(InputProblems):
    """Actual spend that cannot be used; nothing was written."""


class Busy(ServiceError):  # noqa: N818
    """Too many estimates are under way; try again in a moment."""


class UnknownScenario(ServiceError):  # noqa: N818
    """No scenario has this token."""


class RevokedScenario(ServiceError):  # noqa: N818
    """The owner has withdrawn this link."""


class NotTheOwner(ServiceError):  # noqa: N818
    """The workspace key given does not own this scenario."""


class UnknownActuals(ServiceError):  # noqa: N818
    """No actual spend that the asker may see was uploaded for this scenario."""


class UnknownPriceBook(ServiceError):  # noqa: N818
    """No price book that the asker may see has this key, or not this version."""


class ReadOnlyPriceBook(UnknownPriceBook):
    """A price book of the installation; it is changed by importing, not by a workspace."""


def escaped(part: str) -> str:
    """One part of a JSON pointer. RFC 6901, section 3."""
    return part.replace("~", "~0").replace("/", "~1")


def _label(name: str) -> str:
    field = ScenarioInput.model_fields.get(name)
    return field.title if field is not None and field.title else name or "The request"


def _subject(location: list[str]) -> str:
    """The member that an error is about, in words: for a pilot, its row and column."""
    if location[0:1] in (["from"], ["to"]) and len(location) > 1:
        # One of the two scenarios of a bridge.
        return f"{location[0].capitalize()}: {_subject(location[1:])}"
    subject = _label(location[0] if location else "")
    if location[:1] == ["pilot"] and len(location) > 1:
        subject += f", row {int(location[1]) + 1}"
        if len(location) > 2:
            column = PilotRow.model_fields.get(location[2])
            subject += f", {column.title if column is not None else location[2]}:"
        return subject
    return subject if len(location) < 2 else f"{subject}, {location[-1]}"


_FORMS = {
    PRICE_BOOK_PATTERN: "must be the key of a price book, with @ and a version to pin it, or empty "
    "for the built-in prices",
    CURRENCY_PATTERN: "must be the three capital letters of ISO 4217, such as EUR",
}
"""What a text with a form of its own must be, by its pattern."""


def _expectation(error_type: str, context: dict[str, Any]) -> str | None:
    """What is wrong and what would do, for the kinds of error that a scenario can meet."""

    def number(value: object) -> str:
        return f"{value:,}".removesuffix(".0") if isinstance(value, int | float) else str(value)

    match error_type:
        case "missing":
            return "is missing; give a value"
        case "extra_forbidden":
            return "is not a known field; see /api/v1/openapi.json for the names"
        case "greater_than":
            return f"must be more than {number(context['gt'])}"
        case "greater_than_equal":
            return f"must be {number(context['ge'])} or more"
        case "less_than_equal":
            return f"must be {number(context['le'])} or less"
        case "finite_number":
            return "must be a finite number; NaN and infinity mean nothing here"
        case "int_parsing" | "int_type" | "int_from_float" | "int_parsing_size":
            return "must be a whole number, such as 3"
        case "float_parsing" | "float_type":
            return "must be a number, such as 2.5"
        case "bool_parsing" | "bool_type":
            return "must be true or false"
        case "string_type":
            return "must be text"
        case "string_unicode":
            return "holds characters that are not valid text"
        case "string_too_long":
            return f"must be at most {number(context['max_length'])} characters long"
        case "string_pattern_mismatch":
            return _FORMS.get(context["pattern"])
        case "string_too_short":
            return "must not be empty"
        case "too_short":
            return "must have at least one entry; choose one"
        case "too_long":
            return f"must have at most {number(context['max_length'])} entries"
        case "tuple_type" | "list_type":
            return 'must be a list, such as ["lora"]'
        case "dict_type":
            return "must be a JSON object"
        case "model_type" | "model_attributes_type":
            return "must be a JSON object, sent as application/json"
        case "literal_error":
            return f"must be one of {context['expected']}"
        case "value_error":
            return str(context["error"])
        case _:
            return None


def problems_from_validation(error: ValidationError) -> tuple[Problem, ...]:
    """The problems of a failed validation, each with its pointer and a sentence in plain words."""
    return problems_from_errors(error.errors(include_url=False))


def problems_from_errors(errors: Iterable[Mapping[str, Any]]) -> tuple[Problem, ...]:
    """The same from pydantic's list of errors, locations relative to the scenario."""
    problems: dict[tuple[str, str], Problem] = {}
    errors = list(errors)
    for item in errors:
        location = [str(part) for part in item["loc"]]
        if item["type"] == "too_short" and any(
            [str(part) for part in other["loc"][: len(location)]] == location
            for other in errors
            if len(other["loc"]) > len(location)
        ):
            continue  # the list is short only because its entries are wrong
        if len(problems) == MOST_PROBLEMS:
            break
        pointer = "".join("/" + escaped(part) for part in location)
        said = _expectation(item["type"], item.get("ctx", {})) or item["msg"]
        shown = item.get("input")
        got = ""
        if isinstance(shown, str | int | float) and not isinstance(shown, bool) and shown != "":
            text = str(shown)
            # Some of our own messages begin with the value.
            if ascii(text[:40])[:-1] not in said:
                got = f" (got {text[:40]}{'…' if len(text) > 40 else ''})"
        problems[pointer, said] = Problem(pointer, f"{_subject(location)} {said}{got}.")
    return tuple(problems.values())
