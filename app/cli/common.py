"""What the commands share: settings, files, refusals, columns of text."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click
from pydantic import ValidationError

from app.catalog.catalog import Catalog, load_catalog
from app.catalog.tables import CatalogError
from app.services.problems import Problem
from app.settings import Settings

UNUSABLE = 2
LARGEST_FILE_BYTES = 4 * 1024 * 1024


def refuse(*reasons: str) -> NoReturn:
    for reason in reasons:
        click.echo(f"tunecase: {reason}", err=True)
    sys.exit(UNUSABLE)


def read_settings() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        refuse(*(f"setting {item['loc'][0]}: {item['msg']}" for item in error.errors()))


def read_catalog() -> Catalog:
    try:
        return load_catalog(read_settings().pricing_dir)
    except CatalogError as error:
        refuse(*str(error).splitlines())


def named(path: str) -> str:
    return "standard input" if path == "-" else path


def read_bytes(path: str, most: int) -> bytes:
    """What a file holds, or standard input for ``-``, up to one byte more than allowed."""
    try:
        if path == "-":
            return sys.stdin.buffer.read(most + 1)
        with Path(path).open("rb") as file:
            return file.read(most + 1)
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        refuse(f"{named(path)} cannot be read: {getattr(error, 'strerror', None) or error}")


def read_json(path: str) -> object:
    """One JSON document from a file, or from standard input for ``-``."""
    name = named(path)
    content = read_bytes(path, LARGEST_FILE_BYTES)
    if len(content) > LARGEST_FILE_BYTES:
        refuse(
            f"{name} is larger than {LARGEST_FILE_BYTES // 1024**2} MiB; it should be a small "
            "JSON document"
        )
    try:
        return json.loads(content)
    except ValueError as error:  # also text that is not UTF-8, and numbers that are too long
        refuse(f"{name} is not valid JSON: {error}")
    except RecursionError:
        refuse(f"{name} is nested too deeply")


def refuse_problems(problems: tuple[Problem, ...]) -> NoReturn:
    refuse(*(f"{problem.pointer or '/'}: {problem.message}" for problem in problems))


def columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Rows of texts, each column as wide as its widest."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "   ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
