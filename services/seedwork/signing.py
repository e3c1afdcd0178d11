"""Signatures over commands: compact JWS (RFC 7515), ES256 only, over exactly the bytes that were received.

Which keys a signer has, and from when until when, says the signer's register entry; this module only checks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, Protocol

import orjson
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from services.seedwork.model import Refusal

ALGORITHM = "ES256"
COMPACT_BYTES_MAX = 256 * 1024
_REGISTRY = jws.JWSRegistry(algorithms=[ALGORITHM], strict_check_header=False)
_REGISTRY.max_header_length = 4 * 1024
_REGISTRY.max_payload_length = COMPACT_BYTES_MAX


class SigningKeyLike(Protocol):
    """A public key as `contracts.registers.SigningKey` describes it; validity in days, inclusive."""

    @property
    def kid(self) -> str: ...
    @property
    def jwk(self) -> Mapping[str, Any]: ...
    @property
    def valid_from(self) -> date: ...
    @property
    def valid_until(self) -> date: ...


@dataclass(frozen=True)
class Verified:
    """The payload exactly as it was signed, and the key that signed it."""

    kid: str
    payload: bytes


def sign_compact(payload: bytes, jwk_private: Mapping[str, Any], kid: str) -> str:
    """The client's side: the payload signed by an EC P-256 private key."""
    key = ECKey.import_key(dict(jwk_private))
    return jws.serialize_compact({"alg": ALGORITHM, "kid": kid}, payload, key, registry=_REGISTRY)


def verify_compact(compact: str, keys: Iterable[SigningKeyLike], on: date) -> Verified | Refusal:
    """Whether one of these keys, valid on this day, signed; the day is the business's (`Asia/Shanghai`)."""
    parsed = _parse(compact)
    if isinstance(parsed, Refusal):
        return parsed
    kid = parsed.protected["kid"]
    named = [key for key in keys if key.kid == kid]
    if not named:
        return Refusal("signature.unknown_key", {"kid": kid})
    for key in named:
        public = _public_key(key) if key.valid_from <= on <= key.valid_until else None
        if public is not None:
            break
    else:
        return Refusal("signature.key_not_valid", {"kid": kid, "on": on.isoformat()})
    genuine = jws.validate_compact(parsed, public, registry=_REGISTRY)
    return Verified(kid, parsed.payload) if genuine else Refusal("signature.invalid", {"kid": kid})


def _parse(compact: str) -> jws.CompactSignature | Refusal:
    """Form and header. Only ES256 by a named key: `none`, HMAC keyed by the public key, detached payloads (b64) and
    extensions we would have to understand (crit) have all been used to forge signatures elsewhere."""
    if len(compact) > COMPACT_BYTES_MAX:
        return Refusal("signature.malformed", {"reason": "too long"})
    try:
        parsed = jws.extract_compact(compact.encode("ascii"), registry=_REGISTRY)
        _REGISTRY.check_header(parsed.protected)
    except (JoseError, ValueError, TypeError, RecursionError):
        return Refusal("signature.malformed", {"reason": "form"})
    header = parsed.protected
    if not isinstance(header, dict) or header.get("alg") != ALGORITHM:
        return Refusal("signature.malformed", {"reason": "alg"})
    if "crit" in header or "b64" in header:
        return Refusal("signature.malformed", {"reason": "extension"})
    kid = header.get("kid")
    if not isinstance(kid, str) or not 0 < len(kid) <= 128 or not kid.isprintable():  # nor half a surrogate pair
        return Refusal("signature.malformed", {"reason": "kid"})
    return parsed


def _public_key(key: SigningKeyLike) -> ECKey | None:
    return _import_public(orjson.dumps({name: key.jwk.get(name) for name in ("kty", "crv", "x", "y")}))


@lru_cache(maxsize=1024)
def _import_public(jwk: bytes) -> ECKey | None:
    """None for whatever is no EC P-256 public key. Importing costs as much as verifying, so keys are kept."""
    try:
        public = ECKey.import_key(orjson.loads(jwk))
        return public if public.curve_name == "P-256" and public.public_key else None
    except (JoseError, ValueError, TypeError, KeyError):
        return None
