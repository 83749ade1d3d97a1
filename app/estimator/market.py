"""What a run can be bought with beside rented GPUs: dated market facts, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from app.estimator.hardware import Source


@dataclass(frozen=True, slots=True)
class ManagedPrice:
    """Fine-tuning as a service, billed by the training token.

    Parameters
    ----------
    key : provider.model-or-class.method
    method : full or lora; the seller does not say which for `undisclosed`.
    models : what it trains: built-in model names, families or one closed model, as the seller says.
    low_billions, high_billions : parameters that the price is for; None where it is for one model.
        [10^9 parameters]
    model : the one model that the price is for, a built-in name where it is built in; else empty.
    usd_per_million_tokens : of training tokens, epochs counted. [USD]
    minimum_usd : least charge of one job. [USD]
    hosting_usd_per_hour : of the tuned model while it is deployed; None where not published.
        [USD/h]
    open_to_new : whether a new customer can buy it.
    """

    key: str
    provider: str
    provider_name: str
    label: str
    method: str
    model: str
    low_billions: float | None
    high_billions: float | None
    usd_per_million_tokens: float
    minimum_usd: float
    hosting_usd_per_hour: float | None
    open_to_new: bool
    evidence: str
    source: Source
    valid_from: date
    retrieved: date
    note: str


@dataclass(frozen=True, slots=True)
class Server:
    """A server that can be bought.

    Parameters
    ----------
    gpus : of the accelerator `accelerator` (its key). [count]
    low_usd, high_usd : the range that was quoted. [USD]
    power_w : of the whole server at full load. [W]
    inter_node_bytes_per_s : fabric of the server, per GPU and direction. [bytes/s]
    """

    key: str
    name: str
    accelerator: str
    gpus: int
    low_usd: float
    high_usd: float
    power_w: float
    inter_node_bytes_per_s: float | None
    evidence: str
    source: Source
    valid_from: date
    retrieved: date
    note: str

    @property
    def usd(self) -> float:
        """The middle of the range. [USD]"""
        return (self.low_usd + self.high_usd) / 2


@dataclass(frozen=True, slots=True)
class ExchangeRate:
    """What one US dollar buys.

    Parameters
    ----------
    code : ISO 4217.
    digits : decimals of its minor unit, ISO 4217.
    per_usd : units of the currency for one US dollar.
    """

    code: str
    name: str
    digits: int
    per_usd: float
    source: Source
    valid_from: date
    retrieved: date


@dataclass(frozen=True, slots=True)
class StoragePrice:
    """Object storage and traffic out of one provider.

    Parameters
    ----------
    usd_per_gb_month, egress_usd_per_gb : None where not published. [USD/GB]
    """

    provider: str
    product: str
    usd_per_gb_month: float | None
    egress_usd_per_gb: float | None
    evidence: str
    source: Source
    valid_from: date
    retrieved: date
    note: str
