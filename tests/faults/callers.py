"""A client that does not give up while processes die: many threads, one Idempotency-Key per intent over all repeats."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

from rxflow.client import Addresses

GIVE_UP_SECONDS = 180.0
TIMEOUT_SECONDS = 10.0
PAUSE_SECONDS_MAX = 0.5


@dataclass
class Tally:
    """How often the callers had to repeat, by what went wrong."""

    repeats: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, what: str) -> None:
        with self._lock:
            self.repeats[what] = self.repeats.get(what, 0) + 1


class RefusedError(AssertionError):
    """A final answer that nobody expected."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Caller:
    """One bearer in one thread: a kept connection per service."""

    def __init__(self, addresses: Addresses, token: str, tally: Tally) -> None:
        self._addresses = addresses
        self._token = token
        self._tally = tally
        self._connections: dict[str, http.client.HTTPConnection] = {}

    def read(self, service: str, path: str, **params: Any) -> dict[str, Any]:
        query = f"?{urlencode(params)}" if params else ""
        return self._until_answered("GET", service, path + query, {}, None)

    def command(self, service: str, path: str, body: Mapping[str, Any] | str | None = None) -> dict[str, Any]:
        """`body`: JSON, or a compact JWS."""
        signed = isinstance(body, str)
        headers = {
            "Idempotency-Key": uuid4().hex,
            "Content-Type": "application/jose" if signed else "application/json",
        }
        return self._until_answered("POST", service, path, headers, body if signed else json.dumps(body or {}))  # type: ignore[arg-type]

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()

    def _until_answered(
        self, method: str, service: str, path: str, headers: dict[str, str], body: str | None
    ) -> dict[str, Any]:
        end = time.monotonic() + GIVE_UP_SECONDS
        pause = threading.Event()
        tries = 0
        while True:
            status, answer = self._once(method, service, path, headers, body)
            if 200 <= status < 300:
                return answer
            if status not in {0, 503} or time.monotonic() > end:
                raise RefusedError(status, f"{method} {service}{path}: {status} {answer}")
            self._tally.count("no answer" if status == 0 else str(answer.get("code") or answer))
            tries += 1
            pause.wait(min(0.02 * 2**tries, PAUSE_SECONDS_MAX))

    def _once(
        self, method: str, service: str, path: str, headers: dict[str, str], body: str | None
    ) -> tuple[int, dict[str, Any]]:
        """Status 0: no answer, whatever became of it."""
        connection = self._connections.get(service)
        if connection is None:
            parts = urlsplit(self._addresses.of(service))
            connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
            self._connections[service] = connection
        try:
            connection.request(method, path, body, {"Authorization": f"Bearer {self._token}", **headers})
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException):
            self._connections.pop(service).close()
            return 0, {}
        return response.status, json.loads(content) if content else {}
