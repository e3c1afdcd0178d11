"""Who is calling: bearer tokens (JWT, ES256) checked against the issuer's public keys and the real clock.

The real clock, also in development mode: an installation whose clock is moved on must not accept expired tokens, nor
refuse fresh ones.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import orjson
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts.roles import Role
from services.seedwork.failures import ConfigurationError
from services.seedwork.keyfiles import read_or_make, read_private
from services.seedwork.settings import Settings
from services.seedwork.usecase import Actor

ALGORITHMS = ["ES256"]
TOKEN_CHARACTERS_MAX = 4096
CACHED_TOKENS_MAX = 10_000
LIFETIME_SECONDS = 12 * 3600
SERVICE_PREFIX = "service:"
_ShortText = Annotated[str, Field(min_length=1, max_length=128)]
_ESSENTIAL: jwt.ClaimsOption = {"essential": True}


class TokenRefused(Exception):  # noqa: N818
    """The token is not accepted. The reason is for the log; the caller only learns that it is not."""


class Claims(BaseModel):
    """What rxflow reads of a token. Other claims are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    sub: _ShortText
    role: Role
    org: _ShortText | None = None
    patient_ref: UUID | None = None
    region: _ShortText | None = None
    nbf: float
    exp: float

    def actor(self) -> Actor:
        return Actor(
            subject=self.sub,
            role=self.role.value,
            organisation=self.org,
            patient_ref=self.patient_ref,
            region=self.region,
        )


class _Accepted(NamedTuple):
    actor: Actor
    not_before: float
    expires: float


class Verifier:
    """Checks tokens. Verifying a signature costs more than most commands, so accepted tokens are remembered by their
    digest; that they have not expired is checked on each use."""

    def __init__(
        self,
        jwks: Mapping[str, Any],
        *,
        issuer: str,
        audience: str,
        clock: Callable[[], float] = time.time,
        cached_tokens_max: int = CACHED_TOKENS_MAX,
    ) -> None:
        self._keys = _keys_by_id(jwks.get("keys", ()))
        self._clock = clock
        self._registry = jwt.JWTClaimsRegistry(
            now=lambda: int(clock()),
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            sub=_ESSENTIAL,
            exp=_ESSENTIAL,
            nbf=_ESSENTIAL,
        )
        self._accepted: dict[bytes, _Accepted] = {}
        self._accepted_max = cached_tokens_max

    def actor(self, token: str) -> Actor:
        """The bearer. Raises TokenRefused."""
        digest = hashlib.sha256(token.encode()).digest()
        accepted = self._accepted.get(digest)
        if accepted is None:
            accepted = self._verify(token)
            if len(self._accepted) >= self._accepted_max:
                del self._accepted[next(iter(self._accepted))]  # the oldest; its bearer is verified again
            self._accepted[digest] = accepted
        if not accepted.not_before <= self._clock() < accepted.expires:
            self._accepted.pop(digest, None)
            raise TokenRefused("expired")
        return accepted.actor

    def _verify(self, token: str) -> _Accepted:
        if len(token) > TOKEN_CHARACTERS_MAX:
            raise TokenRefused("too long")
        try:
            header = jws.extract_compact(token.encode("ascii")).protected
            key = self._keys.get(header.get("kid")) if isinstance(header, dict) else None
            if key is None or "crit" in header or "b64" in header:
                raise TokenRefused("header")
            claims = jwt.decode(token, key, algorithms=ALGORITHMS).claims
            self._registry.validate(claims)
            known = Claims.model_validate(claims)
        except ValidationError:
            raise TokenRefused("claims") from None
        except (JoseError, ValueError, TypeError, RecursionError) as error:
            raise TokenRefused(type(error).__name__) from None
        if known.sub.startswith(SERVICE_PREFIX) != (known.role is Role.SERVICE):
            raise TokenRefused("a person's token in the name of a service, or the other way round")
        return _Accepted(known.actor(), known.nbf, known.exp)


class Issuer:
    """Issues tokens: the development issuer, and the tests' foreign ones."""

    def __init__(self, jwk: Mapping[str, Any], *, issuer: str, audience: str, clock: Callable[[], float] = time.time):
        self._key = ECKey.import_key(dict(jwk))
        self._kid = self._key.thumbprint()
        self._issuer = issuer
        self._audience = audience
        self._clock = clock

    def jwks(self) -> dict[str, Any]:
        """The public key, as a JSON Web Key Set."""
        public = self._key.as_dict(private=False, kid=self._kid, use="sig", alg=ALGORITHMS[0])
        return {"keys": [public]}

    def issue_token(
        self,
        subject: str,
        role: Role,
        *,
        organisation: str | None = None,
        patient_ref: UUID | None = None,
        region: str | None = None,
        lifetime_seconds: int = LIFETIME_SECONDS,
    ) -> str:
        """A token for one role, from now on."""
        now = int(self._clock())
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": subject,
            "role": role.value,
            "nbf": now,
            "iat": now,
            "exp": now + lifetime_seconds,
            "org": organisation,
            "patient_ref": str(patient_ref) if patient_ref else None,
            "region": region,
        }
        present = {name: claim for name, claim in claims.items() if claim is not None}
        header = {"alg": ALGORITHMS[0], "kid": self._kid, "typ": "JWT"}
        return jwt.encode(header, present, self._key, algorithms=ALGORITHMS)


def development_issuer(settings: Settings) -> Issuer:
    """The installation's own issuer; only in development mode."""
    if not settings.development:
        raise ConfigurationError(
            "tokens are issued by your identity provider; RXFLOW_DEVELOPMENT=1 has an issuer of its own"
        )
    jwk = orjson.loads(read_or_make(settings.keys / "issuer.jwk", new_private_jwk))
    return Issuer(jwk, issuer=settings.token_issuer, audience=settings.token_audience)


def issuer_jwks(settings: Settings) -> dict[str, Any]:
    """The public keys tokens are checked against: `jwks.json`, or the development issuer's. A retired key is taken out
    of the file, a new one added before it is used; both take effect at the next start."""
    if settings.development:
        return development_issuer(settings).jwks()
    path = settings.keys / "jwks.json"
    try:
        jwks = orjson.loads(path.read_bytes())
        if not _keys_by_id(jwks["keys"]):
            raise ConfigurationError(f"{path} holds no key")
    except FileNotFoundError:
        raise ConfigurationError(f"{path} is missing: put the JSON Web Key Set of your token issuer there") from None
    except (JoseError, ValueError, KeyError, TypeError, AttributeError):
        raise ConfigurationError(f"{path} is no JSON Web Key Set with `kid`s") from None
    return dict(jwks)


def verifier(settings: Settings) -> Verifier:
    """The check of this installation."""
    return Verifier(issuer_jwks(settings), issuer=settings.token_issuer, audience=settings.token_audience)


def service_token(settings: Settings, service: str) -> str:
    """What a service shows to its peers' catch-up feeds: of the development issuer, or from `service-<name>.jwt`, which
    is read again each time, so that whoever renews it only has to replace the file."""
    if settings.development:
        return development_issuer(settings).issue_token(f"{SERVICE_PREFIX}{service}", Role.SERVICE)
    return read_private(settings.keys / f"service-{service}.jwt").decode("ascii").strip()


def checkpoint_key(settings: Settings) -> dict[str, Any]:
    """The private key that signs a store's checkpoints: `checkpoint.key`, an EC P-256 key as JWK or PEM; made in
    development mode only."""
    path = settings.keys / "checkpoint.key"
    content = read_or_make(path, new_private_jwk) if settings.development else read_private(path)
    try:
        key = ECKey.import_key(orjson.loads(content) if content.startswith(b"{") else content)
        jwk: dict[str, Any] = key.as_dict(private=True)
    except (JoseError, ValueError, TypeError) as error:
        raise ConfigurationError(f"{path} is no EC P-256 private key (JWK or PEM)") from error
    return jwk


def new_private_jwk() -> bytes:
    """A new EC P-256 private key, as JSON."""
    return orjson.dumps(ECKey.generate_key("P-256", private=True).as_dict(private=True))


def _keys_by_id(jwks: Iterable[Mapping[str, Any]]) -> dict[Any, ECKey]:
    """By `kid`. EC P-256 keys only: ES256 is the one algorithm accepted."""
    keys: dict[Any, ECKey] = {}
    for jwk in jwks:
        if jwk.get("kty") == "EC" and jwk.get("crv") == "P-256" and isinstance(jwk.get("kid"), str):
            public = {name: jwk[name] for name in ("kty", "crv", "x", "y")}
            keys[jwk["kid"]] = ECKey.import_key(public)
    return keys
