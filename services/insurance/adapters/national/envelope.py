"""The signed and encrypted envelope around every message: SM2 over a base string, SM4 around the data.

The base string is that of the plain envelope: without `signData`, `encData`, `extra` and nulls, top-level names
ascending, `data` as compact JSON with its own names ascending and its empty members dropped, joined by `&` with the
secret at the end. The form is that of the national centre for electronic prescriptions (医保电子处方中心): appId,
version, encType, signType, timestamp, encData, signData. The two sides sign with different pairs of keys, and what
cannot be verified does not exist.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.padding import PKCS7

from services.seedwork.signing import sm2
from services.seedwork.strict_json import NotStrictJson, parse_strict

VERSION = "1.0.0"
NOT_SIGNED = frozenset({"signData", "encData", "extra"})
BLOCK_BITS = 128
KEY_CHARACTERS = 16
SKEW_MAX = timedelta(minutes=5)
"""An envelope that says another time is old, or made up."""
NOTHING: tuple[Any, ...] = (None, "", [])
MILLISECONDS = 1000


class Untrusted(Exception):  # noqa: N818
    """What came is not what the other side signed: nothing in it counts."""


@dataclass(frozen=True)
class EnvelopeKeys:
    """One side's: the application's id and secret, which both sides know, the own private key (scalar of SM2) and the
    other side's public one (point)."""

    app_id: str
    secret: str
    own: bytes
    theirs: bytes

    @property
    def data_key(self) -> bytes:
        """Of SM4: the first 16 characters of the secret encrypted under the application's id, in capital hex."""
        return _sm4(self.app_id[:KEY_CHARACTERS].encode(), self.secret.encode()).hex().upper()[:KEY_CHARACTERS].encode()


def sealed(data: Mapping[str, Any], keys: EnvelopeKeys, now: datetime, **about: str) -> dict[str, Any]:
    """The envelope around data; `about` are further top-level members (of an answer: code, message)."""
    plain = {
        **about,
        "appId": keys.app_id,
        "version": VERSION,
        "encType": "SM4",
        "signType": "SM2",
        "timestamp": str(int(now.timestamp() * MILLISECONDS)),
        "data": dict(data),
    }
    signature = sm2.sign(keys.own, base_string(plain, keys.secret))
    encrypted = _sm4(keys.data_key, json.dumps(plain.pop("data"), separators=(",", ":")).encode())
    return {**plain, "encData": encrypted.hex().upper(), "signData": base64.b64encode(signature).decode()}


def opened(envelope: Any, keys: EnvelopeKeys, now: datetime) -> dict[str, Any]:
    """The data of an envelope that the other side has signed lately. Raises Untrusted for any other."""
    if not isinstance(envelope, dict) or not all(isinstance(value, str) for value in envelope.values()):
        raise Untrusted("form")
    known = envelope.get("appId"), envelope.get("encType"), envelope.get("signType")
    if known != (keys.app_id, "SM4", "SM2"):
        raise Untrusted("parties")
    try:
        said = int(envelope.get("timestamp", "")) / MILLISECONDS
        data = _read(_unsm4(keys.data_key, bytes.fromhex(envelope.get("encData", ""))))
        signature = base64.b64decode(envelope.get("signData", ""), validate=True)
        signed = base_string({**envelope, "data": data}, keys.secret)
    except (ValueError, binascii.Error, NotStrictJson) as error:
        raise Untrusted("content") from error
    if not isinstance(data, dict) or not sm2.verify(keys.theirs, signature, signed):
        raise Untrusted("signature")
    if abs(now.timestamp() - said) > SKEW_MAX.total_seconds():
        raise Untrusted("time")
    return data


def _read(text: bytes) -> Any:
    """Numbers stay as they are written: an amount must not become a float, nor 12.30 be signed as 12.3."""
    parse_strict(text, names_once=True)
    return json.loads(text, parse_int=str, parse_float=str)


def base_string(envelope: Mapping[str, Any], secret: str) -> bytes:
    """What is signed."""
    members = {
        name: _compact(value) if name == "data" else str(value)
        for name, value in sorted(envelope.items())
        if name not in NOT_SIGNED and value is not None
    }
    return "&".join([*(f"{name}={value}" for name, value in members.items()), f"key={secret}"]).encode()


def _compact(data: Any) -> str:
    return json.dumps(_ordered(data), ensure_ascii=False, separators=(",", ":"))


def _ordered(value: Any) -> Any:
    """Names ascending, empty members dropped, numbers and truth values as text."""
    match value:
        case dict():
            kept = {name: _ordered(each) for name, each in sorted(value.items())}
            return {name: each for name, each in kept.items() if each not in NOTHING}
        case list() | tuple():
            return [_ordered(each) for each in value]
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case _:
            return value


def _sm4(key: bytes, plain: bytes) -> bytes:
    padder = PKCS7(BLOCK_BITS).padder()
    encryptor = Cipher(SM4(key), modes.ECB()).encryptor()  # noqa: S305 - the platform's form; integrity is SM2's
    return encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()


def _unsm4(key: bytes, encrypted: bytes) -> bytes:
    """Raises ValueError."""
    decryptor = Cipher(SM4(key), modes.ECB()).decryptor()  # noqa: S305
    unpadder = PKCS7(BLOCK_BITS).unpadder()
    padded = decryptor.update(encrypted) + decryptor.finalize()
    return unpadder.update(padded) + unpadder.finalize()
