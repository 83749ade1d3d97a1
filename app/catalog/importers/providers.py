"""What catalogues call the sellers, and whether a company can sign their prices today."""

from __future__ import annotations

import re
from pathlib import Path

from app.catalog.tables import CatalogError

KEYS = {
    "crusoecloud": "crusoe",
    "cudocompute": "cudo",
    "datacrunch": "verda",
    "do": "digitalocean",
    "lambda_cloud": "lambda",
    "lambdalabs": "lambda",
    "ovh": "ovhcloud",
    "vastai": "vast",
}
"""Names of catalogues that are not our keys."""

FIRM = frozenset(
    {
        "aws",
        "azure",
        "coreweave",
        "crusoe",
        "digitalocean",
        "fireworks",
        "gcp",
        "genesis-cloud",
        "hyperstack",
        "ibm",
        "jarvislabs",
        "lambda",
        "modal",
        "nebius",
        "oci",
        "ovhcloud",
        "paperspace",
        "runpod",
        "scaleway",
        "seeweb",
        "thunder-compute",
        "together",
        "verda",
        "vultr",
    }
)
"""Sellers with a price list of their own. Nobody vouches for any other: its prices count as those
of a marketplace."""

NOT_FIRM = frozenset(
    {
        "akash",
        "cloudrift",
        "cudo",
        "daytona",
        "fluidstack",
        "hotaisle",
        "hyperbolic",
        "lium",
        "mithril",
        "novita",
        "primeintellect",
        "runpod-community",
        "scp",
        "shadeform",
        "spheron",
        "tensordock",
        "vast",
        "yotta",
    }
)
"""Marketplaces, brokers and others that are in the catalogues."""

ALSO_LISTS = {"runpod": ("runpod-community",)}
"""Sellers whose prices are in the catalogue of another."""

NAMED_BY_FOLDER = "vms"
SLUG = re.compile(r"[a-z0-9][a-z0-9._-]*")
AROUND_THE_NAME = re.compile(r"^(skypilot|gpuhunt|catalog)[_-]|[_-](vms|catalog|prices|v\d+)$")


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


def provider_of_path(path: Path) -> str:
    """Key of the provider whose catalogue a file is, by its name or its folder.

    Raises
    ------
    CatalogError : neither names one.

    Examples
    --------
    >>> for name in ("v8/aws/vms.csv", "skypilot_do_vms.csv", "vastai.csv"):
    ...     print(provider_of_path(Path(name)))
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
    if stem in KEYS or stem in FIRM or stem in NOT_FIRM:
        return provider_key(stem)
    raise CatalogError(
        [
            f"{path.name}: does not say whose prices it holds; name the provider, or call the "
            "file PROVIDER.csv or PROVIDER/vms.csv"
        ]
    )


def is_firm(provider: str) -> bool:
    """Whether a provider of a catalogue has a price list that a company can sign.

    Examples
    --------
    >>> is_firm("aws"), is_firm("runpod-community"), is_firm("newcloud")
    (True, False, False)
    """
    return provider in FIRM
