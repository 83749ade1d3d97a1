"""Settings of one installation. Nothing else reads the environment."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any

from pydantic import AliasChoices, Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

_APP = Path(__file__).resolve().parent


def _resources() -> Path:
    """Where templates, static files, prices and migrations are.

    Notes
    -----
    A wheel carries them inside the package; in a checkout they are the top-level folders.
    """
    packaged = _APP / "resources"
    return packaged if packaged.is_dir() else _APP.parent


class Settings(BaseSettings):
    """What an operator can set, by environment variables named ``TUNECASE_`` and the field.

    ``DATABASE_URL`` is read without the prefix too, because hosting platforms set it.
    """

    model_config = SettingsConfigDict(
        env_prefix="TUNECASE_",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        populate_by_name=True,
    )

    database_url: str = Field(
        "sqlite:///var/tunecase.sqlite3",
        validation_alias=AliasChoices("TUNECASE_DATABASE_URL", "DATABASE_URL"),
        description="SQLAlchemy URL. The default is a file below the current directory.",
    )
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65_535)
    workers: int = Field(1, ge=1, le=256, description="Server processes; they share no state.")
    secure_cookies: bool | None = Field(
        None,
        description="Mark cookies Secure. None: when the request came over https. Set it to true "
        "behind a proxy that ends TLS and does not forward the scheme.",
    )
    trusted_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Host names to answer to, comma separated, such as "
        "tunecase.example.com,*.internal; empty: any.",
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        ("127.0.0.1",),
        description="Addresses or networks of proxies whose X-Forwarded-Proto and X-Forwarded-For "
        "are believed, comma separated; *: any. In a container the proxy is not on 127.0.0.1.",
    )
    max_connections: int | None = Field(
        None,
        ge=1,
        description="Connections per process, beyond which requests get 503. They count while "
        "idle, health checks too, so the default is none; computation has its own limit.",
    )
    max_body_bytes: int = Field(256 * 1024, ge=1)
    resources_dir: Path = Field(default_factory=_resources)

    @field_validator("database_url")
    @classmethod
    def _with_driver(cls, value: str) -> str:
        """Name the driver that is installed: platforms hand out ``postgres://`` URLs."""
        scheme, separator, rest = value.partition("://")
        if scheme in {"postgres", "postgresql"}:
            return f"postgresql+psycopg{separator}{rest}"
        return value

    @field_validator("trusted_hosts", "trusted_proxies", mode="before")
    @classmethod
    def _comma_separated(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(host.strip() for host in value.split(",") if host.strip())
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse what the server would silently never match, such as a host name."""
        if "*" in value:
            return ("*",)
        for address in value:
            try:
                ip_network(address)
            except ValueError as error:
                raise ValueError(f"{error}; give IP addresses, networks or *") from None
        return value

    @property
    def templates_dir(self) -> Path:
        """Jinja2 templates."""
        return self.resources_dir / "templates"

    @property
    def static_dir(self) -> Path:
        """Style sheets and scripts, as served."""
        return self.resources_dir / "static"

    @property
    def pricing_dir(self) -> Path:
        """Tables of facts: specifications, offers, labour, sources."""
        return self.resources_dir / "pricing"

    @property
    def migrations_dir(self) -> Path:
        """Alembic's environment and versions."""
        return self.resources_dir / "migrations"
