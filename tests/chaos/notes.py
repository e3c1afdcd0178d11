"""What is written down while it runs: every accepted answer, every refusal, every answer that must not have been."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any


@dataclass(frozen=True)
class Sent:
    """One command as it was sent: enough to send it again."""

    service: str
    method: str
    url: str
    headers: Mapping[str, str]
    content: bytes
    key: str

    @property
    def path(self) -> str:
        return "/" + self.url.split("/", 3)[3]


@dataclass(frozen=True)
class Accepted:
    """A command and its answer. `body` is the answer's content as it came."""

    sent: Sent
    status: int
    body: bytes
    position: str | None
    at: float


@dataclass(frozen=True)
class Refusal:
    """A call that was in order and got no answer (`no answer`) or a 503 (its code), and when."""

    at: float
    service: str
    what: str


@dataclass(frozen=True)
class Breach:
    """A promise that was broken. `kind`: lost, doubled, or wrong; `at`: when what it is about was accepted."""

    kind: str
    what: str
    at: float = 0.0


@dataclass
class Notes:
    """Written by many threads at once."""

    accepted: list[Accepted] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    breaches: list[Breach] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    """How often calls that were in order were answered how: by status, or the code of a problem."""
    invalid: Counter[str] = field(default_factory=Counter)
    """How often calls that were not were answered how: `kind -> code`."""
    double_clicks: int = 0
    calls: int = 0
    invalid_calls: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def accept(self, sent: Sent, status: int, body: bytes, position: str | None) -> None:
        with self.lock:
            self.accepted.append(Accepted(sent, status, body, position, monotonic()))

    def refuse(self, service: str, what: str) -> None:
        with self.lock:
            self.refusals.append(Refusal(monotonic(), service, what))

    def breach(self, kind: str, what: str, at: float | None = None) -> None:
        with self.lock:
            self.breaches.append(Breach(kind, what, monotonic() if at is None else at))

    def answer(self, what: str) -> None:
        with self.lock:
            self.calls += 1
            self.answers[what] += 1

    def invalid_answer(self, kind: str, what: str) -> None:
        with self.lock:
            self.calls += 1
            self.invalid_calls += 1
            self.invalid[f"{kind} -> {what}"] += 1

    def click_twice(self) -> None:
        with self.lock:
            self.double_clicks += 1

    def summary(self) -> dict[str, Any]:
        with self.lock:
            return {
                "calls": self.calls,
                "invalid calls": self.invalid_calls,
                "double clicks": self.double_clicks,
                "accepted commands": len(self.accepted),
                "answers": dict(self.answers.most_common()),
                "invalid answers": dict(sorted(self.invalid.items())),
            }
