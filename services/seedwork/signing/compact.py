"""Signatures over commands: compact JWS (RFC 7515), over exactly the bytes that were received.

Which keys a signer has, and from when until when, says the signer's register entry; this module only checks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

import orjson
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode

from services.seedwork.model import Refusal
from services.seedwork.signing import algorithms, sm2
from services.seedwork.signing.algorithms import ALGORITHMS
from services.seedwork.signing.trust import Certified, Certifying

COMPACT_BYTES_MAX = 256 * 1024
_KNOWN = frozenset(ALGORITHMS.values())
_REGISTRY = jws.JWSRegistry(algorithms=["ES256"], strict_check_header=False)
_REGISTRY.max_header_length = 4 * 1024
_REGISTRY.max_payload_length = COMPACT_BYTES_MAX


class SigningKeyLike(Protocol):
    """A public key as `contracts.registers.SigningKey` describes it; validity in days, inclusive."""

    @property
    def kid(self) -> str: ...
    @property
    def jwk(self) -> Mapping[str, Any]: ...
    @property
    def certificate(self) -> str | None: ...
    @property
    def valid_from(self) -> date: ...
    @property
    def valid_until(self) -> date: ...


@dataclass(frozen=True)
class Verified:
    """The payload exactly as it was signed, the key that signed it, and how."""

    kid: str
    payload: bytes
    algorithm: str = "ES256"
    certificate: str | None = None
    """Serial number, hexadecimal; None where the key itself is registered."""
    degraded: str | None = None
    """What could not be checked, and was accepted all the same."""


def sign_compact(payload: bytes, jwk_private: Mapping[str, Any], kid: str) -> str:
    """The client's side: the payload signed by a private key, with the algorithm of its curve."""
    header = orjson.dumps({"alg": algorithms.algorithm_of(jwk_private), "kid": kid})
    signed = urlsafe_b64encode(header) + b"." + urlsafe_b64encode(payload)
    return (signed + b"." + urlsafe_b64encode(algorithms.sign(signed, jwk_private))).decode("ascii")


def no_certificates(certificate: str) -> Refusal:
    """Where nobody is trusted to certify."""
    del certificate
    return Refusal("signature.certificate", {"reason": "chain"})


def verify_compact(
    compact: str, keys: Iterable[SigningKeyLike], on: date, certifying: Certifying = no_certificates
) -> Verified | Refusal:
    """Whether one of these keys, valid on this day, signed; the day is the business's (`Asia/Shanghai`). `certifying`
    judges the certificates among them at the moment of signing (`Trust.at`)."""
    parsed = _parse(compact)
    if isinstance(parsed, Refusal):
        return parsed
    kid, algorithm = parsed.protected["kid"], parsed.protected["alg"]
    named = [key for key in keys if key.kid == kid]
    if not named:
        return Refusal("signature.unknown_key", {"kid": kid})
    try:
        found = _usable(named, on, certifying)
        if isinstance(found, Refusal):
            return Refusal(found.code, {"kid": kid, **found.facts})
        if found.key.algorithm != algorithm:
            return Refusal("signature.invalid", {"kid": kid, "reason": "alg"})
        genuine = found.key.verifies(*_signature(parsed))
    except sm2.Unavailable:
        return Refusal("signature.unavailable", {"alg": algorithm})
    if not genuine:
        return Refusal("signature.invalid", {"kid": kid})
    return Verified(kid, parsed.payload, algorithm, found.serial, found.degraded)


def _usable(named: Iterable[SigningKeyLike], on: date, certifying: Certifying) -> Certified | Refusal:
    """The first key of this name that is valid that day; else why the last one is not."""
    outcome: Certified | Refusal = Refusal("signature.key_not_valid", {"on": on.isoformat()})
    for key in named:
        if not key.valid_from <= on <= key.valid_until:
            continue
        outcome = certifying(key.certificate) if key.certificate else _registered(key, on)
        if isinstance(outcome, Certified):
            break
    return outcome


def _registered(key: SigningKeyLike, on: date) -> Certified | Refusal:
    public = algorithms.public_key(key.jwk)
    return Certified(public) if public else Refusal("signature.key_not_valid", {"on": on.isoformat()})


def _signature(parsed: jws.CompactSignature) -> tuple[bytes, bytes]:
    """The signature, and the bytes it is over."""
    try:
        signature = urlsafe_b64decode(parsed.segments["signature"])
    except (TypeError, ValueError):
        signature = b""
    return signature, parsed.segments["header"] + b"." + parsed.segments["payload"]


def _parse(compact: str) -> jws.CompactSignature | Refusal:
    """Form and header. Only a known algorithm by a named key: `none`, HMAC keyed by the public key, detached payloads
    (b64) and extensions we would have to understand (crit) have all been used to forge signatures elsewhere."""
    if len(compact) > COMPACT_BYTES_MAX:
        return Refusal("signature.malformed", {"reason": "too long"})
    try:
        parsed = jws.extract_compact(compact.encode("ascii"), registry=_REGISTRY)
        _REGISTRY.check_header(parsed.protected)
    except (JoseError, ValueError, TypeError, RecursionError):
        return Refusal("signature.malformed", {"reason": "form"})
    header = parsed.protected
    if not isinstance(header, dict) or header.get("alg") not in _KNOWN:
        return Refusal("signature.malformed", {"reason": "alg"})
    if "crit" in header or "b64" in header:
        return Refusal("signature.malformed", {"reason": "extension"})
    kid = header.get("kid")
    if not isinstance(kid, str) or not 0 < len(kid) <= 128 or not kid.isprintable():  # nor half a surrogate pair
        return Refusal("signature.malformed", {"reason": "kid"})
    return parsed
