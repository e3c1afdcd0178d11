"""An installation on this machine: its settings, its processes, and when it is ready."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from contracts.topology import PORTS
from rxflow.client import Addresses, wait_until
from rxflow.free_ports import free_ports, is_free
from rxflow.supervisor import Child

READY_SECONDS = 60.0
PROBE_SECONDS = 2.0
PREFIX = "RXFLOW_"


@dataclass(frozen=True)
class Installation:
    """`settings` are all that count, by field name; whatever RXFLOW_* the caller has does not reach its processes."""

    settings: Mapping[str, Any]
    logs: Path | None = None

    @classmethod
    def in_directory(cls, directory: Path) -> Installation:
        """An embedded one, in development mode, on free ports."""
        settings = {
            "database_url": f"sqlite:///{directory.resolve()}",
            "broker_url": "inproc://localhost//",
            "key_directory": str(directory.resolve() / "keys"),
            "development": True,
            "host": "127.0.0.1",
            "ports": dict(zip(PORTS, free_ports(len(PORTS)), strict=True)),
            "peers": {},
        }
        return cls(settings, directory / "logs")

    @property
    def ports(self) -> dict[str, int]:
        return {**PORTS, **self.settings["ports"]}

    @property
    def addresses(self) -> Addresses:
        return Addresses.local(self.ports, host=self.settings["host"])

    @property
    def environment(self) -> dict[str, str | None]:
        """What its processes are started with; None: taken away."""
        mine = {f"{PREFIX}{name.upper()}": _as_text(value) for name, value in self.settings.items()}
        return {**{name: None for name in os.environ if name.startswith(PREFIX)}, **mine}

    def embedded_children(self) -> tuple[Child, ...]:
        """One process for the apis, one for the workers."""
        return tuple(self._child(kind, "rxflow.embedded", kind) for kind in ("api", "worker"))

    def separate_children(self) -> tuple[Child, ...]:
        """An api and a worker for each service, as `rxflow serve` runs them."""
        return tuple(
            self._child(f"{service}-{kind}", "rxflow.cli", "serve", service, f"--{kind}")
            for service in PORTS
            for kind in ("api", "worker")
        )

    def ports_in_use(self) -> list[int]:
        """Ports that somebody else listens on."""
        return [port for port in self.ports.values() if not is_free(self.settings["host"], port)]

    def wait_until_ready(
        self, *, seconds: float = READY_SECONDS, told: Callable[[str, str], None] = lambda _service, _state: None
    ) -> None:
        """Every service says that it can do its work. Raises TimedOut; `told` hears how each one stands at the end."""
        with httpx.Client(timeout=PROBE_SECONDS, trust_env=False) as http:
            for service in self.addresses.urls:
                probe = _Probe(http, f"{self.addresses.of(service)}/health/ready")
                try:
                    wait_until(probe.ready, f"{service} to be ready", seconds=seconds)
                finally:
                    told(service, probe.found)

    def _child(self, name: str, module: str, *arguments: str) -> Child:
        log = self.logs / f"{name}.log" if self.logs else None
        return Child(name, (sys.executable, "-m", module, *arguments), self.environment, log)


@dataclass
class _Probe:
    http: httpx.Client
    url: str
    found: str = "not asked yet"

    def ready(self) -> bool:
        try:
            response = self.http.get(self.url)
            checks = response.json().get("checks", [])
        except (httpx.TransportError, ValueError) as error:
            self.found = f"no answer ({type(error).__name__})"
            return False
        self.found = ", ".join(f"{check['name']}: {check['detail']}" for check in checks if not check["ok"]) or "ready"
        return response.status_code == 200


def _as_text(value: Any) -> str:
    match value:
        case bool():
            return "1" if value else "0"
        case Mapping():
            return json.dumps(dict(value))
        case _:
            return str(value)
