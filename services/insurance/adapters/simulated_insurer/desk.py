"""Where messages come in: envelopes opened and sealed, and everything that may go wrong on purpose."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

import orjson

from services.insurance.adapters.national import messages
from services.insurance.adapters.national.envelope import EnvelopeKeys, Untrusted, opened, sealed
from services.insurance.adapters.simulated_insurer.insurer import Insurer
from services.insurance.adapters.simulated_insurer.mishaps import Mishaps
from services.seedwork.signing import sm2

OK, NOT_SIGNED, BROKEN = 200, 401, 500
STATEMENTS = frozenset({messages.UPLOAD, messages.TOTALS, messages.ITEMS})
MESSAGES_COUNTED_MAX = 100_000


@dataclass(frozen=True)
class Reply:
    """What goes back; `late`: after everybody has stopped waiting."""

    status: int
    body: bytes = b""
    late: bool = False


class Desk:
    """One insurer's counter. `mishaps` may be exchanged while it runs; `ahead`: how far its calendar is ahead of the
    clock that envelopes are checked by."""

    def __init__(self, insurer: Insurer, keys: EnvelopeKeys, mishaps: Mishaps, seed: int = 0) -> None:
        self._insurer = insurer
        self._keys = keys
        self._seed = seed
        self._heard: Counter[str] = Counter()
        self.mishaps = mishaps
        self.ahead = timedelta()
        self.gone_wrong: Counter[str] = Counter()

    def receive(self, body: bytes, now: datetime) -> Reply:
        """The reply to one envelope; one that is not signed by the application changes nothing."""
        try:
            message = opened(orjson.loads(body), self._keys, now)
        except (Untrusted, orjson.JSONDecodeError):
            return Reply(NOT_SIGNED)
        random = self._random(message)
        wrong = None if message.get("infno") in STATEMENTS else self.mishaps.drawn(random)
        self.gone_wrong[wrong or "none"] += 1
        first = random.random() < 0.5  # breaks before it has booked
        match wrong:
            case "refuse":
                return self._reply(_refusal(message), now)
            case "fail" | "unknown" if first:
                return self._broken(wrong, message, now)
            case "duplicate":
                self._insurer.handle(message, now + self.ahead)
        answer = self._insurer.handle(message, now + self.ahead, miscount=wrong == "miscount")
        match wrong:
            case "fail" | "unknown":
                return self._broken(wrong, message, now)
            case "bad_signature":
                return Reply(OK, orjson.dumps(sealed(answer, self._wrong_keys(), now)))
        return self._reply(answer, now, late=wrong == "delay")

    def _random(self, message: dict[str, Any]) -> Random:
        """By the message and how often it came, whoever sends it and whenever."""
        name = f"{message.get('infno')}/{message.get('msgid')}"
        if len(self._heard) > MESSAGES_COUNTED_MAX:
            self._heard.clear()
        self._heard[name] += 1
        return Random(f"{self._seed}/{name}/{self._heard[name]}")

    def _broken(self, wrong: str, message: dict[str, Any], now: datetime) -> Reply:
        if wrong == "fail":
            return Reply(BROKEN)
        return self._reply({**_refusal(message), "infcode": messages.BUSY}, now)

    def _reply(self, answer: dict[str, Any], now: datetime, *, late: bool = False) -> Reply:
        return Reply(OK, orjson.dumps(sealed(answer, self._keys, now, code="0", message="")), late)

    def _wrong_keys(self) -> EnvelopeKeys:
        """Somebody else's: the next scalar."""
        scalar = (int.from_bytes(self._keys.own, "big") % (sm2.ORDER - 3) + 1).to_bytes(sm2.SCALAR_BYTES, "big")
        return EnvelopeKeys(self._keys.app_id, self._keys.secret, scalar, self._keys.theirs)


def _refusal(message: dict[str, Any]) -> dict[str, Any]:
    said = message.get("input")
    about = said.get("druginfo", said) if isinstance(said, dict) else {}
    return {"infcode": messages.REFUSED, "output": {"setlinfo": {"medins_setl_id": about.get("medins_setl_id")}}}
