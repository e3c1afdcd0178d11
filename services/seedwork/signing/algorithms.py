"""The algorithms of signatures, one row each. The key says which one is used, never the message alone.

ES256 is RFC 7518, 3.4. SM2 with SM3 has no registered JOSE name: the one internet draft on it (draft-dang-webauthn-sm2,
expired 2022) was never taken up. Here `alg` and the key's `crv` are "SM2", with the key's `x` and `y` and the
signature's r‖s laid out as for ES256, and the signer's id 1234567812345678.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import orjson
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from joserfc.util import urlsafe_b64decode

from services.seedwork.signing import sm2

KEYS_KEPT_MAX = 1024
KEY_MEMBERS = ("kty", "crv", "x", "y")


class PublicKey(Protocol):
    """A key that is bound to its algorithm."""

    @property
    def algorithm(self) -> str:
        """As `alg` says it."""
        ...

    def verifies(self, signature: bytes, signed: bytes) -> bool:
        """Whether it signed these bytes. Raises `sm2.Unavailable` where its algorithm is not to be had here."""
        ...


@dataclass(frozen=True)
class Es256Key:
    """An EC P-256 key for ECDSA with SHA-256."""

    key: ECKey
    algorithm: str = "ES256"

    def verifies(self, signature: bytes, signed: bytes) -> bool:
        return jws.JWSRegistry.algorithms[self.algorithm].verify(signed, signature, self.key)


@dataclass(frozen=True)
class Sm2Key:
    """A point of the SM2 curve, for SM2 with SM3."""

    point: bytes
    algorithm: str = "SM2"

    def verifies(self, signature: bytes, signed: bytes) -> bool:
        return sm2.verify(self.point, signature, signed)


ALGORITHMS: Mapping[str, str] = {"P-256": "ES256", "SM2": "SM2"}
"""Curve of the key -> `alg`."""


def public_key(jwk: Mapping[str, Any]) -> PublicKey | None:
    """The public key in a JWK; None for whatever is none of these. Raises `sm2.Unavailable` for an SM2 key where
    nothing can be said about it."""
    try:
        return _imported(orjson.dumps({name: jwk.get(name) for name in KEY_MEMBERS}))
    except (TypeError, ValueError):
        return None


@lru_cache(maxsize=KEYS_KEPT_MAX)
def _imported(jwk: bytes) -> PublicKey | None:
    """Importing costs as much as verifying, so keys are kept."""
    members = orjson.loads(jwk)
    return _sm2_key(members) if members["crv"] == "SM2" else _es256_key(members)


def _es256_key(members: dict[str, Any]) -> Es256Key | None:
    try:
        key = ECKey.import_key(members)
        return Es256Key(key) if key.curve_name == "P-256" and key.public_key else None
    except (JoseError, ValueError, TypeError, KeyError):
        return None


def _sm2_key(members: dict[str, Any]) -> Sm2Key | None:
    coordinates = [members["x"], members["y"]]
    if members["kty"] != "EC" or not all(isinstance(each, str) for each in coordinates):
        return None
    try:
        x, y = (urlsafe_b64decode(each.encode()) for each in coordinates)
    except ValueError:
        return None
    usable = len(x) == len(y) == sm2.SCALAR_BYTES and sm2.is_key(x + y)
    return Sm2Key(x + y) if usable else None


def sign(signed: bytes, jwk_private: Mapping[str, Any]) -> bytes:
    """The signer's side: a raw signature by a private JWK."""
    algorithm = algorithm_of(jwk_private)
    if algorithm == "SM2":
        return sm2.sign(urlsafe_b64decode(str(jwk_private["d"]).encode()), signed)
    return jws.JWSRegistry.algorithms[algorithm].sign(signed, ECKey.import_key(dict(jwk_private)))


def algorithm_of(jwk: Mapping[str, Any]) -> str:
    """The `alg` that a key signs with, by its curve."""
    return ALGORITHMS[str(jwk["crv"])]
