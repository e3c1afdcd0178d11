"""What the installation has said yes to: each command's first answer, by its key. It must stand, whatever happens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx
import orjson

SECRETS = frozenset({"correlation_id"})
"""Of an attempt, not of the command."""


@dataclass(frozen=True)
class Command:
    """One intent, as it went over the wire."""

    service: str
    request: httpx.Request
    status: int
    body: Any
    position: int | None

    @property
    def key(self) -> str:
        return self.request.headers["idempotency-key"]


class Accepted:
    """The first answer to each command that was accepted, and what contradicts it later."""

    def __init__(self) -> None:
        self.commands: dict[tuple[str, str, str], Command] = {}
        self.contradictions: list[str] = []

    def note(self, service: str, request: httpx.Request, response: httpx.Response) -> None:
        """An answer to a command, wherever it went."""
        if response.status_code >= 500 and response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            self.contradictions.append(f"{request.method} {request.url.path}: {response.status_code} {response.text}")
        key = request.headers.get("idempotency-key")
        if key is None or response.status_code >= 300:
            return
        place = (request.headers["authorization"], request.url.path, key)
        position = response.headers.get("X-Log-Position")
        told = Command(
            service, request, response.status_code, _content(response), None if position is None else int(position)
        )
        first = self.commands.setdefault(place, told)
        if (first.status, first.body, first.position) != (told.status, told.body, told.position):
            self.contradictions.append(
                f"{request.method} {request.url.path} under {key}: {first.status} {first.body} at {first.position},"
                f" then {told.status} {told.body} at {told.position}"
            )


def _content(response: httpx.Response) -> Any:
    body = orjson.loads(response.content) if response.content else {}
    return {name: value for name, value in body.items() if name not in SECRETS} if isinstance(body, dict) else body
