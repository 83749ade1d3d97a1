"""What the API returns of prices: offers, price books and market facts as flat rows."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from app.api.schemas import PriceChangeOut, SourceOut
from app.catalog.price_books import BookRow, PriceBook
from app.estimator.hardware import Offer
from app.estimator.market import ExchangeRate, ManagedPrice, Server
from app.services.book_drafts import BookDraft, discounts_text
from app.services.book_infos import BookInfo, BookVersion


class OfferOut(BaseModel):
    """One thing to rent, by whole instances."""

    offer: str
    provider: str
    provider_name: str
    instance: str
    accelerator: str
    gpus_per_instance: int
    region: str
    purchase_option: str = Field(
        description="on-demand, spot, reserved-1y, reserved-3y or capacity-block"
    )
    tier: str = Field(description="list, spot, capacity-block or marketplace")
    trainable: bool = Field(description="false for inference deployments")
    planned: bool = Field(description="Whether plans are made on it.")
    usd_per_instance_hour: float
    usd_per_gpu_hour: float
    list_usd_per_instance_hour: float | None = Field(
        description="Before the discount or own rate of the price book; null where there is none."
    )
    discount_percent: float = Field(description="Below 0 for a surcharge.")
    price_book: str = Field(description="That set the price; empty for the built-in table.")
    valid_from: date
    age_days: int
    evidence: str
    source: SourceOut

    @classmethod
    def of(cls, offer: Offer, today: date) -> OfferOut:
        """From the catalogue's offer."""
        return cls(
            offer=offer.key,
            provider=offer.provider,
            provider_name=offer.provider_name,
            instance=offer.instance,
            accelerator=offer.accelerator.key,
            gpus_per_instance=offer.gpus_per_instance,
            region=offer.region,
            purchase_option=offer.purchase_option,
            tier=offer.tier,
            trainable=offer.trainable,
            planned=offer.can_be_planned,
            usd_per_instance_hour=offer.usd_per_instance_hour,
            usd_per_gpu_hour=offer.usd_per_gpu_hour,
            list_usd_per_instance_hour=offer.list_usd_per_instance_hour,
            discount_percent=round(100 * offer.discount_fraction, 6),
            price_book=offer.price_book,
            valid_from=offer.valid_from,
            age_days=(today - offer.valid_from).days,
            evidence=offer.evidence,
            source=SourceOut.of(offer.source),
        )


class BookIn(BaseModel):
    """A price book as it is entered."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "name": "Our rates",
                    "base": "built-in",
                    "discounts": "aws, 12\naws, reserved-1y, 20",
                    "rates": "provider,instance,accelerator,gpus_per_instance,region,"
                    "purchase_option,usd_per_instance_hour,valid_from\n"
                    "lambda,gpu_8x_h100_sxm5,H100-SXM-80GB,8,*,on-demand,19.92,2026-10-01\n",
                }
            ]
        },
    )

    name: str = Field(max_length=200, description="1 to 80 characters.")
    base: Literal["built-in", "none"] = Field(
        "built-in",
        description="built-in: rates replace and add to the built-in prices; none: rates alone.",
    )
    discounts: str = Field(
        "",
        max_length=20_000,
        description="Per cent off the built-in prices, a line each: `aws, 12`, or for one purchase "
        "option `aws, reserved-1y, 20`. Below 0 for a surcharge.",
    )
    rates: str = Field(
        "",
        description="CSV with a header: provider, instance, accelerator, gpus_per_instance, "
        "region (* for all), purchase_option, usd_per_instance_hour, valid_from; further columns "
        "as in a row of a price book. Net prices: no discount is taken off them.",
    )

    def draft(self) -> BookDraft:
        """As the service takes it."""
        return BookDraft(self.name, self.base, self.discounts, self.rates)


class BookOut(BaseModel):
    """A price book without its rows."""

    token: str = Field(description="Name it in a scenario as `price_book`: `TOKEN` or `TOKEN@3`.")
    name: str
    version: int
    base: str
    owned: bool = Field(description="Whether the workspace that asked may change it.")
    installation: bool = Field(description="Whether it belongs to the installation, for all.")
    discounts: int = Field(description="How many.")
    rows: int = Field(description="How many.")
    created_at: datetime
    changed_at: datetime = Field(description="When this version was made.")

    @classmethod
    def of(cls, info: BookInfo) -> BookOut:
        """From the service's answer."""
        return cls.model_validate(info, from_attributes=True)


class SavedBookOut(BookOut):
    """A price book that was created just now."""

    workspace_key: str | None = Field(
        description="Shown once, when a workspace was made for this request; null when one was "
        "sent. Send it as bearer token to change the book."
    )


class DiscountOut(BaseModel):
    """A percentage off the built-in prices of a provider."""

    provider: str
    purchase_option: str = Field(description="The only one it is given on; empty for all.")
    percent: Decimal


class BookRowOut(BaseModel):
    """One price of a price book, as its CSV holds it."""

    provider: str
    instance: str
    accelerator: str
    gpus_per_instance: int
    gpu_memory_gib: Decimal | None
    vcpus: int | None
    host_memory_gib: Decimal | None
    inter_node_gbit_per_s: Decimal | None
    region: str
    purchase_option: str
    usd_per_instance_hour: Decimal
    tier: str
    valid_from: date
    source: str
    note: str

    @classmethod
    def of(cls, row: BookRow) -> BookRowOut:
        """From the row of the book."""
        return cls.model_validate(row, from_attributes=True)


class BookVersionOut(BaseModel):
    """One version in the history of a price book, with what it changed of the one before."""

    number: int
    created_at: datetime
    name: str
    base: str
    discounts: int
    rows: int
    added: int
    changed: int = Field(description="Rows with another price or other facts.")
    confirmed: int = Field(description="Rows with another date alone.")
    removed: int

    @classmethod
    def of(cls, version: BookVersion) -> BookVersionOut:
        """From the service's answer."""
        return cls.model_validate(version, from_attributes=True)


class BookContentOut(BookOut):
    """A price book with its content."""

    discount_list: list[DiscountOut]
    discount_text: str = Field(description="The same as it is entered.")
    row_list: list[BookRowOut] = Field(description="From `offset` on, at most `limit`.")
    versions: list[BookVersionOut] = Field(description="Newest first.")

    @classmethod
    def whole(
        cls, info: BookInfo, book: PriceBook, rows: slice, versions: tuple[BookVersion, ...]
    ) -> BookContentOut:
        """From the service's answers."""
        return cls(
            **BookOut.of(info).model_dump(),
            discount_list=[
                DiscountOut(
                    provider=d.provider, purchase_option=d.purchase_option, percent=d.percent
                )
                for d in book.discounts
            ],
            discount_text=discounts_text(book.discounts),
            row_list=[BookRowOut.of(row) for row in book.rows[rows]],
            versions=[BookVersionOut.of(version) for version in versions],
        )


class BookChangesOut(BaseModel):
    """The rates that differ between two versions of a price book."""

    before_version: int
    after_version: int
    changes: list[PriceChangeOut]


class ManagedPriceOut(BaseModel):
    """Fine-tuning as a service, billed by the training token."""

    managed: str
    provider: str
    provider_name: str
    label: str
    method: str
    model: str = Field(description="The one model that the price is for; empty for a size class.")
    low_billions: float | None
    high_billions: float | None
    usd_per_million_tokens: float = Field(description="Of training tokens, epochs counted.")
    minimum_usd: float = Field(description="Least charge of one job.")
    hosting_usd_per_hour: float | None
    open_to_new: bool = Field(description="Whether a new customer can buy it.")
    note: str
    evidence: str
    valid_from: date
    age_days: int
    source: SourceOut

    @classmethod
    def of(cls, price: ManagedPrice, today: date) -> ManagedPriceOut:
        """From the catalogue's price."""
        return cls(
            managed=price.key,
            provider=price.provider,
            provider_name=price.provider_name,
            label=price.label,
            method=price.method,
            model=price.model,
            low_billions=price.low_billions,
            high_billions=price.high_billions,
            usd_per_million_tokens=price.usd_per_million_tokens,
            minimum_usd=price.minimum_usd,
            hosting_usd_per_hour=price.hosting_usd_per_hour,
            open_to_new=price.open_to_new,
            note=price.note,
            evidence=price.evidence,
            valid_from=price.valid_from,
            age_days=(today - price.valid_from).days,
            source=SourceOut.of(price.source),
        )


class ServerOut(BaseModel):
    """A server that can be bought."""

    server: str
    name: str
    accelerator: str
    gpus: int
    low_usd: float
    high_usd: float
    power_w: float = Field(description="Of the whole server at full load.")
    note: str
    evidence: str
    valid_from: date
    age_days: int
    source: SourceOut

    @classmethod
    def of(cls, server: Server, today: date) -> ServerOut:
        """From the catalogue's server."""
        return cls(
            server=server.key,
            name=server.name,
            accelerator=server.accelerator,
            gpus=server.gpus,
            low_usd=server.low_usd,
            high_usd=server.high_usd,
            power_w=server.power_w,
            note=server.note,
            evidence=server.evidence,
            valid_from=server.valid_from,
            age_days=(today - server.valid_from).days,
            source=SourceOut.of(server.source),
        )


class ExchangeRateOut(BaseModel):
    """What one US dollar buys."""

    currency: str = Field(description="ISO 4217")
    name: str
    digits: int = Field(description="Decimals of its minor unit.")
    per_usd: float
    valid_from: date
    age_days: int
    source: SourceOut

    @classmethod
    def of(cls, rate: ExchangeRate, today: date) -> ExchangeRateOut:
        """From the catalogue's rate."""
        return cls(
            currency=rate.code,
            name=rate.name,
            digits=rate.digits,
            per_usd=rate.per_usd,
            valid_from=rate.valid_from,
            age_days=(today - rate.valid_from).days,
            source=SourceOut.of(rate.source),
        )
