"""What the installation has answered: each command's first answer, by its key. It must stand, whatever happens: what
was accepted is not refused later, and what was refused for good is not accepted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from contracts.errors import CATALOGUE
from services.seedwork.store.desk import ANSWER_KEPT_MICROS

KEPT_NS = ANSWER_KEPT_MICROS * 1000 - 3600 * 10**9
"""An hour less than a service keeps an answer: clocks are not that exact."""
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
    at_ns: int
    """When it was first asked for, as the service's own clock knows it: no later than when it was accepted."""

    @property
    def key(self) -> str:
        return self.request.headers["idempotency-key"]


Place = tuple[str, str, str]
"""Whose command, where to, and under which key."""


@dataclass(frozen=True)
class Refused:
    """A refusal that an answer is kept for."""

    service: str
    code: str
    at_ns: int


class Accepted:
    """The first answer to each command, and what contradicts it later."""

    def __init__(self) -> None:
        self.commands: dict[Place, Command] = {}
        self.contradictions: list[str] = []
        self._refused: dict[Place, Refused] = {}

    def note(
        self, service: str, request: httpx.Request, response: httpx.Response, asked_ns: int, answered_ns: int
    ) -> None:
        """An answer to a command, wherever it went. Meanwhile much time may have passed."""
        if response.status_code >= 500 and response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            self.contradictions.append(f"{request.method} {request.url.path}: {response.status_code} {response.text}")
        key = request.headers.get("idempotency-key")
        if key is None:
            return
        place = (request.headers["authorization"], request.url.path, key)
        self._free(place, answered_ns)
        if response.status_code >= 300:
            self._note_refusal(service, place, response, asked_ns)
            return
        if place in self._refused:
            refused = self._refused[place].code
            self.contradictions.append(f"{request.url.path} under {key}: {refused}, then {response.status_code}")
        position = response.headers.get("X-Log-Position")
        told = Command(
            service,
            request,
            response.status_code,
            _content(response),
            None if position is None else int(position),
            asked_ns,
        )
        first = self.commands.setdefault(place, told)
        if (first.status, first.body, first.position) != (told.status, told.body, told.position):
            self.contradictions.append(
                f"{request.method} {request.url.path} under {key}: {first.status} {first.body} at {first.position},"
                f" then {told.status} {told.body} at {told.position}"
            )

    def note_reuse(self, request: httpx.Request, response: httpx.Response) -> None:
        """The answer to another command under a key that is taken."""
        if response.status_code < 300:
            key = request.headers["idempotency-key"]
            self.contradictions.append(f"{request.url.path} under the taken key {key}: {response.status_code}")

    def forget_after(self, service: str, position: int) -> int:
        """What was accepted after the backup that a store came back from is gone; how many commands."""
        gone = [
            place
            for place, command in self.commands.items()
            if command.service == service and (command.position or position + 1) > position
        ]
        for place in gone:
            del self.commands[place]
        self._refused = {place: refused for place, refused in self._refused.items() if refused.service != service}
        return len(gone)

    def _free(self, place: Place, at_ns: int) -> None:
        """When an answer is kept no longer its key is free: what comes is another command."""
        for kept in (self.commands, self._refused):
            first = kept.get(place)
            if first is not None and at_ns - first.at_ns > KEPT_NS:
                del kept[place]

    def _note_refusal(self, service: str, place: Place, response: httpx.Response, at_ns: int) -> None:
        """Once accepted, a command is not refused any more; 503 says nothing about it."""
        if response.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            return
        first = self.commands.get(place)
        if first is not None:
            self.contradictions.append(f"{place[1]} under {place[2]}: {first.status}, then {response.status_code}")
        code = orjson.loads(response.content)["code"]
        if CATALOGUE[code].final:
            self._refused.setdefault(place, Refused(service, code, at_ns))


def _content(response: httpx.Response) -> Any:
    body = orjson.loads(response.content) if response.content else {}
    return {name: value for name, value in body.items() if name not in SECRETS} if isinstance(body, dict) else body
