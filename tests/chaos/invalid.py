"""Calls that must not work, made out of calls that do. Pure: what is sent, and what may be answered."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from random import Random
from uuid import UUID

from contracts.errors import CATALOGUE
from tests.chaos.notes import Sent

JOSE = "application/jose"
JSON = "application/json"
UNAVAILABLE = 503
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_ONCE = re.compile(r"/pass$|/holds/[^/]+/(review|supplies)$|/supplies/[^/]+/(check|hand-out)$")
"""Commands that a second intent cannot repeat."""
WRONG_CODE = "00000000"


@dataclass(frozen=True)
class Strangers:
    """Tokens that give no right to anything here: one that is over, and a patient's whom nobody knows."""

    expired: str
    foreign: str


Spoil = Callable[[Sent, Strangers, Random], Sent | None]
"""The call made invalid; None where this one cannot be in that way."""


@dataclass(frozen=True)
class Kind:
    """A way to be invalid. `after`: only once the original was accepted."""

    spoil: Spoil
    after: bool = False


def _malformed(sent: Sent, _strangers: Strangers, random: Random) -> Sent | None:
    if sent.method == "GET":
        return None
    return _anew(sent, random, content=b'{"half": ')


def _wrong_types(sent: Sent, _strangers: Strangers, random: Random) -> Sent | None:
    if _media_type(sent) == JOSE:
        return _anew(sent, random, content=b"neither.signed.nor-sealed")
    body = json.loads(sent.content) if sent.content else None
    if not body or "/authorisations" in sent.url:
        return None
    return _anew(sent, random, content=json.dumps({name: {"no": ["such"]} for name in body}).encode())


def _expired_token(sent: Sent, strangers: Strangers, random: Random) -> Sent | None:
    return _anew(sent, random, headers={**sent.headers, "authorization": f"Bearer {strangers.expired}"})


def _foreign_token(sent: Sent, strangers: Strangers, random: Random) -> Sent | None:
    """Lists show everybody their own, and everybody may give an authorisation of their own."""
    if sent.path == "/authorisations" or (sent.method == "GET" and ("?" in sent.url or not _ID.search(sent.path))):
        return None
    return _anew(sent, random, headers={**sent.headers, "authorization": f"Bearer {strangers.foreign}"})


def _unknown_id(sent: Sent, _strangers: Strangers, random: Random) -> Sent | None:
    """A cancellation may come before its prescription and is kept: that one is in order."""
    path = sent.path.split("?")[0]
    if not _ID.search(path) or path.endswith("/cancellations"):
        return None
    unknown = str(UUID(bytes=random.randbytes(16), version=4))
    head, _, tail = sent.url.partition("?")
    return _anew(sent, random, url=_ID.sub(unknown, head, count=1) + (f"?{tail}" if tail else ""))


def _wrong_pickup_code(sent: Sent, _strangers: Strangers, random: Random) -> Sent | None:
    if not sent.path.endswith("/hand-out"):  # a delivery that is proved already takes any later word for its own
        return None
    body = {**json.loads(sent.content), "code": WRONG_CODE}
    return _anew(sent, random, content=json.dumps(body).encode())


def _other_body(sent: Sent, _strangers: Strangers, _random: Random) -> Sent | None:
    """The key of what was accepted, for something else."""
    if sent.method != "POST":
        return None
    content = sent.content + b" " if _media_type(sent) == JSON and sent.content else b'{"another": "intent"}'
    return replace(sent, content=content)


def _wrong_state(sent: Sent, _strangers: Strangers, random: Random) -> Sent | None:
    return _anew(sent, random) if sent.method == "POST" and _ONCE.search(sent.path) else None


KINDS: Mapping[str, Kind] = {
    "malformed JSON": Kind(_malformed),
    "wrong types": Kind(_wrong_types),
    "expired token": Kind(_expired_token),
    "foreign token": Kind(_foreign_token),
    "unknown id": Kind(_unknown_id),
    "wrong pickup code": Kind(_wrong_pickup_code),
    "key with another body": Kind(_other_body, after=True),
    "wrong state": Kind(_wrong_state, after=True),
}


def pick(sent: Sent, strangers: Strangers, random: Random, *, after: bool) -> tuple[str, Sent] | None:
    """One way in which this call can be spoilt now, and the spoilt call."""
    names = [name for name, kind in KINDS.items() if kind.after == after]
    random.shuffle(names)
    for name in names:
        spoilt = KINDS[name].spoil(sent, strangers, random)
        if spoilt is not None:
            return name, spoilt
    return None


def permitted(status: int, code: str | None) -> bool:
    """What an invalid call may be answered: a catalogued problem with its status, or that nobody can say now."""
    if status == UNAVAILABLE:
        return True
    problem = CATALOGUE.get(code or "")
    return 400 <= status < 500 and problem is not None and problem.status == status


def _anew(sent: Sent, random: Random, **changes: object) -> Sent:
    """An intent of its own."""
    key = random.randbytes(16).hex()
    changed = replace(sent, **changes)  # type: ignore[arg-type]
    if sent.method == "GET":
        return changed
    return replace(changed, key=key, headers={**changed.headers, "idempotency-key": key})


def _media_type(sent: Sent) -> str:
    return sent.headers.get("content-type", "")
