"""Tokens: who is let in, and until when."""

import base64
import hmac
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from contracts.roles import Role
from services.seedwork import identity
from services.seedwork.failures import ConfigurationError
from services.seedwork.identity import (
    Issuer,
    TokenRefused,
    Verifier,
    development_issuer,
    issuer_jwks,
    new_private_jwk,
    service_token,
    verifier,
)
from services.seedwork.settings import Settings
from services.seedwork.usecase import Actor

NOW = 1_800_000_000
JWK = orjson.loads(new_private_jwk())
PATIENT = UUID("5b0c7d1e-3c39-4a2b-a1ad-0d8f3a1f9a10")


class Clock:
    """Real time, held still."""

    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def issuer(clock: Clock) -> Issuer:
    return Issuer(JWK, issuer="rx", audience="api", clock=clock)


@pytest.fixture
def check(issuer: Issuer, clock: Clock) -> Verifier:
    return Verifier(issuer.jwks(), issuer="rx", audience="api", clock=clock, cached_tokens_max=3)


def segment(content: Any) -> str:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(claims: dict[str, Any], *, key: Any = None, **header: Any) -> str:
    """A token with claims of one's own choice."""
    own = ECKey.import_key(dict(JWK))
    base = {"iss": "rx", "aud": "api", "sub": "D1", "role": "prescriber", "nbf": NOW, "exp": NOW + 60}
    complete = {name: claim for name, claim in (base | claims).items() if claim is not ...}
    fields = {"alg": "ES256", "kid": own.thumbprint()} | header
    present = {name: field for name, field in fields.items() if field is not ...}
    return jwt.encode(present, complete, key or own, algorithms=["ES256"])


def test_the_bearer_is_who_the_claims_say(issuer: Issuer, check: Verifier) -> None:
    token = issuer.issue_token(
        "u-1", Role.PATIENT, organisation="H11010100001", patient_ref=PATIENT, region="110101", lifetime_seconds=60
    )
    expected = Actor("u-1", "patient", "H11010100001", PATIENT, "110101")
    assert check.actor(token) == expected
    assert check.actor(token) == expected


def test_a_token_that_was_verified_is_not_verified_again(
    issuer: Issuer, check: Verifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = issuer.issue_token("D1", Role.PRESCRIBER)
    check.actor(token)

    def verified_again(*_: Any, **__: Any) -> None:
        raise AssertionError("verified again")

    monkeypatch.setattr(identity.jwt, "decode", verified_again)
    assert check.actor(token).subject == "D1"
    with pytest.raises(AssertionError, match="verified again"):
        check.actor(issuer.issue_token("D2", Role.PRESCRIBER))


def test_a_remembered_token_still_expires(issuer: Issuer, check: Verifier, clock: Clock) -> None:
    token = issuer.issue_token("D1", Role.PRESCRIBER, lifetime_seconds=60)
    check.actor(token)
    clock.now = NOW + 59.9
    check.actor(token)
    clock.now = NOW + 60
    with pytest.raises(TokenRefused):
        check.actor(token)
    with pytest.raises(TokenRefused):
        check.actor(token)


def test_no_more_tokens_are_remembered_than_allowed(issuer: Issuer, check: Verifier) -> None:
    tokens = [issuer.issue_token(f"D{number}", Role.PRESCRIBER) for number in range(20)]
    for token in tokens:
        check.actor(token)
    assert len(check._accepted) == 3
    assert check.actor(tokens[0]).subject == "D0"


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": NOW - 1},
        {"exp": NOW},
        {"exp": ...},
        {"exp": "2099-01-01"},
        {"exp": True},
        {"nbf": NOW + 60},
        {"nbf": ...},
        {"iat": NOW + 60},
        {"iss": "another"},
        {"iss": ...},
        {"aud": "another"},
        {"aud": ["another"]},
        {"aud": ...},
        {"sub": ...},
        {"sub": ""},
        {"sub": 7},
        {"sub": "D" * 129},
        {"role": ...},
        {"role": "root"},
        {"role": ["prescriber"]},
        {"patient_ref": "everybody"},
        {"sub": "service:review"},
        {"sub": "D1", "role": "service"},
    ],
)
def test_a_token_with_any_wrong_claim_is_refused(claims: dict[str, Any], check: Verifier) -> None:
    assert check.actor(signed({})).subject == "D1"
    with pytest.raises(TokenRefused):
        check.actor(signed(claims))


def test_a_service_has_the_role_of_a_service(check: Verifier) -> None:
    assert check.actor(signed({"sub": "service:review", "role": "service"})) == Actor.service("review")


def test_a_foreign_issuer_with_the_same_names_is_refused(check: Verifier, issuer: Issuer, clock: Clock) -> None:
    foreign = Issuer(orjson.loads(new_private_jwk()), issuer="rx", audience="api", clock=clock)
    with pytest.raises(TokenRefused):
        check.actor(foreign.issue_token("D1", Role.PRESCRIBER))
    own_kid = issuer.jwks()["keys"][0]["kid"]
    other_key = ECKey.generate_key("P-256", private=True)
    with pytest.raises(TokenRefused):
        check.actor(signed({}, key=other_key, kid=own_kid))


@pytest.mark.parametrize(
    "header",
    [
        {"kid": ...},
        {"kid": "other"},
        {"kid": ["x"]},
        {"crit": ["exp"], "exp": 1},
        {"b64": False, "crit": ["b64"]},
    ],
)
def test_a_token_with_a_strange_header_is_refused(header: dict[str, Any], check: Verifier) -> None:
    fields = {"alg": "ES256", "kid": ECKey.import_key(dict(JWK)).thumbprint()} | header
    head = segment({name: field for name, field in fields.items() if field is not ...})
    _, payload, signature = signed({}).split(".")
    with pytest.raises(TokenRefused):
        check.actor(f"{head}.{payload}.{signature}")


def test_a_token_without_signature_is_refused(check: Verifier) -> None:
    kid = ECKey.import_key(dict(JWK)).thumbprint()
    head = segment({"alg": "none", "kid": kid})
    _, payload, _ = signed({}).split(".")
    with pytest.raises(TokenRefused):
        check.actor(f"{head}.{payload}.")


def test_the_public_key_used_as_an_hmac_secret_is_refused(check: Verifier, issuer: Issuer) -> None:
    _, payload, _ = signed({}).split(".")
    signing_input = f"{segment({'alg': 'HS256', 'kid': issuer.jwks()['keys'][0]['kid']})}.{payload}"
    mac = hmac.digest(ECKey.import_key(dict(JWK)).as_pem(private=False), signing_input.encode(), "sha256")
    with pytest.raises(TokenRefused):
        check.actor(f"{signing_input}.{segment(mac)}")


def test_a_stolen_signature_under_raised_claims_is_refused(check: Verifier) -> None:
    head, _, signature = signed({"role": "courier"}).split(".")
    _, payload, _ = signed({"role": "system_admin"}).split(".")
    with pytest.raises(TokenRefused):
        check.actor(f"{head}.{payload}.{signature}")


@pytest.mark.parametrize("token", ["", "x", "..", "a.b.c", "€.€.€", "a" * 5000, "e30.e30.e30", "W10.e30.e30"])
def test_what_is_no_token_is_refused(token: str, check: Verifier) -> None:
    with pytest.raises(TokenRefused):
        check.actor(token)


def test_the_key_set_shows_no_private_part(issuer: Issuer) -> None:
    assert "d" not in issuer.jwks()["keys"][0]


def test_the_development_issuer_is_the_same_in_every_process(tmp_path: Path) -> None:
    settings = Settings(development=True, key_directory=tmp_path)
    token = development_issuer(settings).issue_token("D1", Role.PRESCRIBER)
    again = Settings(development=True, key_directory=tmp_path)
    assert verifier(again).actor(token).subject == "D1"
    assert verifier(again).actor(service_token(again, "review")) == Actor.service("review")


def test_outside_development_nobody_issues_tokens(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        development_issuer(Settings(key_directory=tmp_path))


def test_outside_development_tokens_are_checked_against_the_operators_key_set(tmp_path: Path) -> None:
    settings = Settings(key_directory=tmp_path)
    with pytest.raises(ConfigurationError, match="missing"):
        verifier(settings)
    operator = Issuer(JWK, issuer="rxflow", audience="rxflow")
    (tmp_path / "jwks.json").write_bytes(orjson.dumps(operator.jwks()))
    assert verifier(settings).actor(operator.issue_token("D1", Role.PRESCRIBER)).subject == "D1"


@pytest.mark.parametrize(
    "content",
    [
        b"{}",
        b"[]",
        b"no json",
        b'{"keys": []}',
        b'{"keys": [1]}',
        b'{"keys": [{"kty": "RSA", "kid": "1"}]}',
        b'{"keys": [{"kty": "EC", "crv": "P-256", "kid": "1"}]}',
        b'{"keys": [{"kty": "EC", "crv": "P-256", "kid": "1", "x": "AA", "y": "AA"}]}',
    ],
)
def test_an_unusable_key_set_stops_the_start(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "jwks.json").write_bytes(content)
    with pytest.raises(ConfigurationError):
        issuer_jwks(Settings(key_directory=tmp_path))


def test_a_service_reads_its_renewed_token_each_time(tmp_path: Path) -> None:
    settings = Settings(key_directory=tmp_path)
    path = tmp_path / "service-review.jwt"
    with pytest.raises(ConfigurationError, match="missing"):
        service_token(settings, "review")
    for token in ("one", "two"):
        path.write_text(f"{token}\n")
        path.chmod(0o600)
        assert service_token(settings, "review") == token
