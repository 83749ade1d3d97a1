"""What catalogues call the sellers, whose keys and standing are in the table of providers."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Protocol

from app.catalog.tables import CatalogError

KEYS = {
    "crusoecloud": "crusoe",
    "cudocompute": "cudo",
    "datacrunch": "verda",
    "do": "digitalocean",
    "lambda_cloud": "lambda",
    "lambdalabs": "lambda",
    "ovh": "ovhcloud",
    "primeintellect": "prime-intellect",
    "vastai": "vast",
}
"""Names of catalogues that are not our keys."""

ALSO_LISTS = {"runpod": ("runpod-community",)}
"""Sellers whose prices are in the catalogue of another."""

NAMED_BY_FOLDER = "vms"
SLUG = re.compile(r"[a-z0-9][a-z0-9._-]*")
AROUND_THE_NAME = re.compile(r"^(skypilot|gpuhunt|catalog)[_-]|[_-](vms|catalog|prices|v\d+)$")


class HasFirm(Protocol):
    """What is asked of a seller."""

    @property
    def firm(self) -> bool:
        """Whether it has a price list that a company can sign."""


def provider_key(name: str) -> str:
    """Key of ours for the name of a seller in a catalogue.

    Raises
    ------
    CatalogError : cannot be a key.

    Examples
    --------
    >>> provider_key("lambdalabs"), provider_key("DO"), provider_key("newcloud")
    ('lambda', 'digitalocean', 'newcloud')
    """
    lower = name.strip().lower()
    if not SLUG.fullmatch(lower):
        raise CatalogError(
            [f"provider: {name[:40]!r} may hold only letters, digits, dots, dashes and underscores"]
        )
    return KEYS.get(lower, lower)


def provider_of_path(path: Path, known: Collection[str]) -> str:
    """Key of the provider whose catalogue a file is, by its name or its folder.

    Parameters
    ----------
    known : keys that a file's name may be; a folder's may be any.

    Raises
    ------
    CatalogError : neither names one.

    Examples
    --------
    >>> for name in ("v8/aws/vms.csv", "skypilot_do_vms.csv", "vastai.csv"):
    ...     print(provider_of_path(Path(name), ["aws"]))
    aws
    digitalocean
    vast
    """
    stem = path.stem.lower()
    folder = path.parent.name.lower()
    if stem == NAMED_BY_FOLDER and SLUG.fullmatch(folder):
        return provider_key(folder)
    shortened = None
    while shortened != stem:
        shortened, stem = stem, AROUND_THE_NAME.sub("", stem)
    if stem in KEYS or stem in known:
        return provider_key(stem)
    raise CatalogError(
        [
            f"{path.name}: does not say whose prices it holds; name the provider, or call the "
            "file PROVIDER.csv or PROVIDER/vms.csv"
        ]
    )


def firm_of(sellers: Mapping[str, HasFirm]) -> dict[str, bool]:
    """Whether each seller has a price list that a company can sign.

    Nobody vouches for any other seller: its prices count as those of a marketplace.
    """
    return {key: seller.firm for key, seller in sellers.items()}
