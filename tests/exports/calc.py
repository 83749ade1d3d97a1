"""LibreOffice as the judge: it recalculates workbooks, and openpyxl reads what it found."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.workbook import Workbook

PROGRAMS = ("soffice", "localc", "libreoffice")
ALWAYS = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry"
 xmlns:xs="http://www.w3.org/2001/XMLSchema">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load">
<prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item>
<item oor:path="/org.openoffice.Office.Common/Misc">
<prop oor:name="FirstRun" oor:op="fuse"><value>false</value></prop></item>
</oor:items>
"""
"""A user profile in which every workbook is recalculated when it is opened."""


def program() -> str:
    """LibreOffice; skips where there is none, and fails there under CI."""
    for name in PROGRAMS:
        if (path := shutil.which(name)) is not None:
            return path
    reason = "LibreOffice Calc is not installed; workbooks are not recalculated"
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(reason)
    pytest.skip(reason)


def recalculated(books: Mapping[str, bytes], folder: Path) -> dict[str, Workbook]:
    """Workbooks as LibreOffice recalculates them, with values instead of formulas.

    Parameters
    ----------
    books : the files by name. All go through one start of the program, which is slow.
    """
    office = program()
    profile, asked, done = folder / "profile", folder / "asked", folder / "done"
    (profile / "user").mkdir(parents=True)
    (profile / "user" / "registrymodifications.xcu").write_text(ALWAYS)
    asked.mkdir()
    for name, content in books.items():
        (asked / f"{name}.xlsx").write_bytes(content)
    result = subprocess.run(
        [
            office,
            f"-env:UserInstallation=file://{profile}",
            "--headless",
            "--norestore",
            *("--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir", done),
            *(asked / f"{name}.xlsx" for name in books),
        ],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "HOME": str(folder), "LC_ALL": "C.UTF-8"},
        check=False,
    )
    missing = [name for name in books if not (done / f"{name}.xlsx").is_file()]
    assert not missing, f"LibreOffice did not convert {missing}: {result.stderr[-2000:]}"
    return {name: openpyxl.load_workbook(done / f"{name}.xlsx", data_only=True) for name in books}


def changed(content: bytes, names: Mapping[str, Any], folder: Path) -> bytes:
    """A workbook in which a user has typed other values into named cells.

    Parameters
    ----------
    names : what is typed, by the name of the cell; "x1.1" makes what stands there a tenth more.
    """
    path = folder / "typed.xlsx"
    path.write_bytes(content)
    book = openpyxl.load_workbook(path)
    for name, typed in names.items():
        ((sheet, place),) = book.defined_names[name].destinations
        cell = book[sheet][place.replace("$", "")]
        factor = isinstance(typed, str) and typed.startswith("x")
        cell.value = float(cell.value) * float(typed[1:]) if factor else typed
    book.save(path)
    return path.read_bytes()


def cells(book: Workbook) -> Iterable[tuple[str, str, object]]:
    """Every cell that holds something: sheet, place and value."""
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.value is not None:
                    yield sheet.title, cell.coordinate, cell.value
