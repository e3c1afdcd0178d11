"""Secrets that nobody stores: each is computed again from a service key and public identifiers.

So a lost reply costs nothing (the secret is fetched again), a stolen database opens nothing, and no event carries one.
"""

from __future__ import annotations

import hashlib
import hmac
from uuid import UUID

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O and U, so that a code can be read out and typed."""

LOCATOR_LENGTH = 5
SECRET_LENGTH = 7
TOKEN_LENGTH = LOCATOR_LENGTH + SECRET_LENGTH
QR_PREFIX = "RXFLOW:1:"
_MISREAD = str.maketrans("ILO", "110", " -")


def _letters(digest: bytes, length: int) -> str:
    number = int.from_bytes(digest[:16], "big")
    return "".join(ALPHABET[(number >> (5 * place)) & 31] for place in range(length))


def _keyed(key: bytes, *parts: object) -> bytes:
    return hmac.new(key, "|".join(map(str, parts)).encode(), hashlib.sha256).digest()


def locator(fulfilment_id: UUID) -> str:
    """The first part of a token. Not secret: it only finds the few fulfilments that the rest is checked against."""
    return _letters(hashlib.sha256(b"locator|" + fulfilment_id.bytes).digest(), LOCATOR_LENGTH)


def patient_token(key: bytes, fulfilment_id: UUID, issue_no: int) -> str:
    """The patient's right to be served, as a code of 12 characters; a new issue number makes the old one worthless."""
    return locator(fulfilment_id) + _letters(_keyed(key, "token", fulfilment_id, issue_no), SECRET_LENGTH)


def qr_text(token: str) -> str:
    """What the patient's QR code says."""
    return QR_PREFIX + token


def read_token(text: str) -> str:
    """The token out of what was typed or scanned: grouping, case and misread letters do not matter."""
    return text.strip().upper().removeprefix(QR_PREFIX).translate(_MISREAD)


def hold_secret(key: bytes, hold_id: UUID, pharmacy: str) -> str:
    """What every later step of a hold must show; only the pharmacy that holds can be given it."""
    return _keyed(key, "hold", hold_id, pharmacy).hex()


def pickup_code(key: bytes, supply_id: UUID) -> str:
    """The patient shows it at the counter or to the courier: 8 characters."""
    return _letters(_keyed(key, "pickup", supply_id), 8)


def demand_key(key: bytes, prescription_id: UUID, line: int) -> str:
    """One line of one prescription, unrecognisable, the same for every pharmacy that could not fill it."""
    return _keyed(key, "demand", prescription_id, line).hex()


def same(shown: str, expected: str) -> bool:
    """Compares two secrets in a time that tells nothing."""
    return hmac.compare_digest(shown.encode(), expected.encode())
