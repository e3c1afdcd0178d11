"""Settings: environment variables `RXFLOW_*`, checked once at start. No service asks which pair it runs on.

| variable | meaning | default |
|---|---|---|
| RXFLOW_DATABASE_URL | server and prefix: `postgresql://…/<prefix>`, or `sqlite:///DIR` | sqlite:///var |
| RXFLOW_BROKER_URL | AMQP URL, or the broker inside the worker process | inproc://localhost// |
| RXFLOW_BROKER_ADMIN_URL | management interface of the broker, for tests | none |
| RXFLOW_PEERS | JSON map of service to base URL, for the catch-up feeds | by port, on this machine |
| RXFLOW_DEVELOPMENT | development issuer, keys and clock offset; loopback addresses only | 0 |
| RXFLOW_DATABASE_ROLES | PostgreSQL roles of the services: required, or optional as in development mode | by mode |
| RXFLOW_KEY_DIRECTORY | where the key files are | var/keys |
| RXFLOW_TRUST_DIRECTORY | root certificates and revocation lists of signers | `trust` among the keys |
| RXFLOW_REGIONAL_STORES, RXFLOW_REGIONAL_STORE | dispatch of all regions: JSON map, name to URL; which is ours | one |
| RXFLOW_PLAIN_HTTP | named couriers, insurers and regions may be called without TLS: in closed networks | 0 |
| RXFLOW_HOST, RXFLOW_PORTS | what the apis bind to; ports as a JSON map | 127.0.0.1, 8101.. |
| RXFLOW_TOKEN_ISSUER, RXFLOW_TOKEN_AUDIENCE | what a token must say | rxflow |
| RXFLOW_IN_FLIGHT_MAX, RXFLOW_POOL_SIZE, RXFLOW_BODY_BYTES_MAX | limits of one api process | 256, 8, 1 MiB |
| RXFLOW_BACKLOG_MAX | unpublished events of a service above which it takes no new work | 20000 |
| RXFLOW_RATE_FACTOR | multiplies the rates at which each actor may ask ([rates.md](rates.md)) | 1 |
| RXFLOW_JURISDICTION | whose policies hold here: a file in each service's `domain/policies` | cn |
| RXFLOW_LOG_LEVEL | debug, info, warning, error | info |
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import os
import re
import secrets
from functools import cached_property
from pathlib import Path
from typing import Literal, Self
from urllib.parse import SplitResult, parse_qs, urlsplit

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import Field, PrivateAttr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from contracts.topology import PORTS
from services.seedwork.failures import ConfigurationError
from services.seedwork.keyfiles import read_or_make, read_private
from services.seedwork.policies import DEFAULT_JURISDICTION
from services.seedwork.webhooks.addresses import wrong_with

MASTER_KEY_BYTES = 32
KEYRING = "keyring"
_PREFIX = re.compile(r"[a-z][a-z0-9_]{0,39}")
_STORE_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
_POSTGRESQL = ("postgresql", "postgresql+psycopg")


class Settings(BaseSettings):
    """One process's settings. Frozen: a change is a restart."""

    model_config = SettingsConfigDict(env_prefix="RXFLOW_", frozen=True, extra="ignore")

    database_url: str = "sqlite:///var"
    broker_url: str = "inproc://localhost//"
    broker_admin_url: str | None = None
    peers: dict[str, str] = Field(default_factory=dict)
    development: bool = False
    database_roles: Literal["required", "optional"] | None = None
    key_directory: Path = Path("var/keys")
    trust_directory: Path | None = None
    regional_stores: dict[str, str] = Field(default_factory=dict)
    regional_store: str = ""
    plain_http: bool = False
    host: str = "127.0.0.1"
    ports: dict[str, int] = Field(default_factory=dict)
    token_issuer: str = Field(default="rxflow", min_length=1)
    token_audience: str = Field(default="rxflow", min_length=1)
    in_flight_max: int = Field(default=256, ge=1, le=10_000)
    pool_size: int = Field(default=8, ge=1, le=64)
    body_bytes_max: int = Field(default=1024 * 1024, ge=1024, le=16 * 1024 * 1024)
    backlog_max: int = Field(default=20_000, ge=1)
    rate_factor: float = Field(default=1.0, gt=0, le=10_000)
    jurisdiction: str = Field(default=DEFAULT_JURISDICTION, min_length=1)
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    _derived: dict[str, bytes] = PrivateAttr(default_factory=dict)

    @field_validator("database_url")
    @classmethod
    def _names_a_database(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme == "sqlite":
            if not url.startswith("sqlite:///") or not url.removeprefix("sqlite:///") or parts.query:
                raise ValueError("sqlite:///DIR names the directory of the files")
        elif parts.scheme in _POSTGRESQL:
            if not _PREFIX.fullmatch(parts.path.removeprefix("/")):
                raise ValueError("postgresql://server/<prefix> names the databases <prefix>_<service>")
        else:
            raise ValueError("a database is postgresql:// or sqlite:///")
        return url

    @field_validator("peers", "ports")
    @classmethod
    def _of_known_services(cls, per_service: dict[str, object]) -> dict[str, object]:
        unknown = per_service.keys() - PORTS.keys()
        if unknown:
            raise ValueError(f"no such service: {', '.join(sorted(unknown))}")
        return per_service

    @model_validator(mode="after")
    def _is_one_of_the_regional_stores(self) -> Self:
        names, own = self.regional_stores.keys(), self.regional_store
        if (own or names) and own not in names:
            raise ValueError(
                f"RXFLOW_REGIONAL_STORE={own} is none of RXFLOW_REGIONAL_STORES: {', '.join(sorted(names))}"
            )
        for name, url in self.regional_stores.items():
            plain = self.development or self.plain_http
            if not _STORE_NAME.fullmatch(name) or wrong_with(url, development=False, private=True, plain=plain):
                raise ValueError(
                    "a regional store is a short name in a-z, 0-9 and - with an https URL (http only with "
                    f"RXFLOW_PLAIN_HTTP=1), not {name}"
                )
        return self

    @model_validator(mode="after")
    def _development_stays_on_this_machine(self) -> Self:
        """Development mode hands out tokens and keys to whoever can connect, so nobody else may be able to."""
        if self.development:
            for name, host in self._hosts():
                if not _is_loopback(host):
                    raise ValueError(f"RXFLOW_DEVELOPMENT=1 is refused: {name} is {host}, not a loopback address")
        return self

    def port(self, service: str) -> int:
        return self.ports.get(service, PORTS[service])

    def peer(self, service: str) -> str:
        """Base URL of another service's api, without a slash at the end."""
        return self.peers.get(service, f"http://127.0.0.1:{self.port(service)}").rstrip("/")

    def service_database_url(self, service: str) -> str:
        """The database of one service (`<prefix>_<service>`, or a file of its own), or of the keyring."""
        if self.database_url.startswith("sqlite:"):
            return f"{self.database_url.rstrip('/')}/{service}.db"
        server_and_prefix, mark, options = self.database_url.partition("?")
        return f"{server_and_prefix}_{service}{mark}{options}"

    @property
    def keyring_database_url(self) -> str:
        return self.service_database_url(KEYRING)

    @property
    def requires_database_roles(self) -> bool:
        """Whether a service starts only with the PostgreSQL role that holds its rights."""
        return self.database_roles == "required" if self.database_roles else not self.development

    @property
    def keys(self) -> Path:
        """Development keys have a place of their own, so that they can never end up in use elsewhere."""
        return self.key_directory / "development" if self.development else self.key_directory

    @property
    def trusted(self) -> Path:
        """Whose certificates count (`services.seedwork.signing.trust`)."""
        return self.trust_directory or self.keys / "trust"

    @cached_property
    def master_key(self) -> bytes:
        """32 bytes, base64 in `master.key`: wraps the keyring's keys; every secret is derived from it."""
        path = self.keys / "master.key"
        content = read_or_make(path, _new_master_key) if self.development else read_private(path)
        try:
            key = base64.b64decode(content.strip(), validate=True)
        except binascii.Error:
            key = b""
        if len(key) != MASTER_KEY_BYTES:
            raise ConfigurationError(f"{path} is not the base64 of {MASTER_KEY_BYTES} bytes")
        return key

    def secret_key(self, name: str) -> bytes:
        """The HMAC key for one purpose (`hold`, `cursor`), by HKDF; the same in every process of the installation."""
        if name not in self._derived:
            derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"rxflow:" + name.encode())
            self._derived[name] = derivation.derive(self.master_key)
        return self._derived[name]

    def _hosts(self) -> list[tuple[str, str]]:
        """Every address this process binds to or connects to."""
        urls = {"RXFLOW_BROKER_URL": self.broker_url}
        if self.broker_admin_url:
            urls["RXFLOW_BROKER_ADMIN_URL"] = self.broker_admin_url
        urls |= {f"the address of regional store {name}": url for name, url in self.regional_stores.items()}
        urls |= {f"the address of peer {service}": self.peer(service) for service in PORTS}
        connected = [(name, urlsplit(url).hostname or "nowhere") for name, url in urls.items()]
        return [("RXFLOW_HOST", self.host), *_database_hosts(urlsplit(self.database_url)), *connected]


def _database_hosts(parts: SplitResult) -> list[tuple[str, str]]:
    if parts.scheme == "sqlite":
        return []
    options = parse_qs(parts.query)
    hosts = [host for name in ("host", "hostaddr") for host in options.get(name, [])]
    if parts.hostname or not hosts:
        # Without a host libpq takes PGHOST or PGHOSTADDR, and else the socket in the file system.
        hosts += [parts.hostname or os.environ.get("PGHOSTADDR") or os.environ.get("PGHOST") or "/"]
    return [("RXFLOW_DATABASE_URL", host) for host in hosts]


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.startswith("/"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _new_master_key() -> bytes:
    return base64.b64encode(secrets.token_bytes(MASTER_KEY_BYTES)) + b"\n"
