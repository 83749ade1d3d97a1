"""Fits of the evidence, kept: many scenarios rest on the same studies and constants."""

from __future__ import annotations

import threading
from collections import OrderedDict

from app.estimator.constants import ConstantValues
from app.estimator.constants.accuracy import ACCURACY_CONSTANTS
from app.estimator.evidence import HeadToHead
from app.estimator.evidence_model import EvidenceModel, Fits, fit_evidence, fits_of

Rows = tuple[HeadToHead, ...]
Values = tuple[float, ...]

MOST_KEPT = 32
"""Models in one process; those of own comparisons and changed constants come and go."""
MOST_PUBLISHED = 4
"""Fits of the published studies alone, on which the others build: some megabytes each."""

_KEYS = tuple(constant.key for constant in ACCURACY_CONSTANTS)
_tables: list[Rows] = []
_models: OrderedDict[tuple[int, Rows, Values], EvidenceModel] = OrderedDict()
_published: OrderedDict[tuple[int, Values], Fits] = OrderedDict()
_lock = threading.Lock()


def fitted(published: Rows, own: Rows, constants: ConstantValues) -> EvidenceModel:
    """The model of these studies, from an earlier request where nothing of it has changed.

    Notes
    -----
    One fit at a time: whoever waits for the same one finds it made. What the published studies say
    is worked out once, and own ones are added to it.
    """
    values = tuple(constants[name] for name in _KEYS)
    with _lock:
        table = _table(published)
        key = (table, own, values)
        found = _models.get(key)
        if found is None:
            known = _published_fits(table, values, constants)
            found = fit_evidence((*_tables[table], *own), constants, known)
            _models[key] = found
            if len(_models) > MOST_KEPT:
                _models.popitem(last=False)
        _models.move_to_end(key)
        return found


def published_fits(published: Rows, constants: ConstantValues) -> Fits:
    """What the published studies alone say, kept like the models."""
    with _lock:
        values = tuple(constants[name] for name in _KEYS)
        return _published_fits(_table(published), values, constants)


def _table(published: Rows) -> int:
    """Number of the table that these rows are; a catalogue that is read again is the same one.

    Notes
    -----
    Rows are compared by identity first, since comparing hundreds of them takes longer than finding
    the model. The tables of a process are few: one for each version of the facts that it reads.
    """
    for number, table in enumerate(_tables):
        if table is published:
            return number
    for number, table in enumerate(_tables):
        if table == published:
            return number
    _tables.append(published)
    return len(_tables) - 1


def _published_fits(table: int, values: Values, constants: ConstantValues) -> Fits:
    key = (table, values)
    found = _published.get(key)
    if found is None:
        found = _published[key] = fits_of(_tables[table], constants)
        if len(_published) > MOST_PUBLISHED:
            _published.popitem(last=False)
    _published.move_to_end(key)
    return found
