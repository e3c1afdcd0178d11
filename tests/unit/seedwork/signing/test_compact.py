"""Signatures over commands."""

import base64
import hmac
import json
from datetime import date
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey
from joserfc.util import urlsafe_b64encode

from contracts.errors import CATALOGUE
from contracts.registers import SigningKey
from services.seedwork.model import Refusal
from services.seedwork.signing import COMPACT_BYTES_MAX, Verified, sign_compact, sm2, verify_compact

TODAY = date(2026, 3, 1)
KEY = ECKey.generate_key("P-256", private=True)
OTHER = ECKey.generate_key("P-256", private=True)
PRIVATE = KEY.as_dict(private=True)
PAYLOAD = '{"prescription_id": "…", "备注":  "空格 kept "}'.encode()


def entry(key: ECKey = KEY, *, kid: str = "d-1", **validity: date) -> SigningKey:
    days = {"valid_from": date(2026, 1, 1), "valid_until": date(2026, 12, 31)} | validity
    return SigningKey(kid=kid, jwk=key.as_dict(private=False), **days)


def code_of(outcome: Verified | Refusal) -> str:
    assert isinstance(outcome, Refusal)
    assert outcome.code in CATALOGUE
    return outcome.code


def segment(content: Any) -> str:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def test_the_payload_comes_back_byte_for_byte() -> None:
    compact = sign_compact(PAYLOAD, PRIVATE, "d-1")
    assert verify_compact(compact, [entry(OTHER, kid="d-0"), entry()], TODAY) == Verified("d-1", PAYLOAD)


def test_a_payload_of_a_hundred_kilobytes_can_be_signed() -> None:
    payload = b'"' + b"x" * 150_000 + b'"'
    assert verify_compact(sign_compact(payload, PRIVATE, "d-1"), [entry()], TODAY) == Verified("d-1", payload)


def test_a_key_that_the_register_does_not_know_is_refused() -> None:
    compact = sign_compact(PAYLOAD, PRIVATE, "d-9")
    assert code_of(verify_compact(compact, [entry()], TODAY)) == "signature.unknown_key"
    assert code_of(verify_compact(compact, [], TODAY)) == "signature.unknown_key"


@pytest.mark.parametrize(
    ("on", "accepted"),
    [
        (date(2025, 12, 31), False),
        (date(2026, 1, 1), True),
        (date(2026, 12, 31), True),
        (date(2027, 1, 1), False),
    ],
)
def test_a_key_signs_only_within_its_days(on: date, accepted: bool) -> None:
    outcome = verify_compact(sign_compact(PAYLOAD, PRIVATE, "d-1"), [entry()], on)
    assert isinstance(outcome, Verified) if accepted else code_of(outcome) == "signature.key_not_valid"


def test_a_renewed_key_of_the_same_name_is_found_by_its_days() -> None:
    old = entry(OTHER, valid_until=date(2026, 2, 1))
    assert isinstance(verify_compact(sign_compact(PAYLOAD, PRIVATE, "d-1"), [old, entry()], TODAY), Verified)


@pytest.mark.parametrize(
    "jwk",
    [
        {"kty": "EC", "crv": "P-384", **{n: v for n, v in ECKey.generate_key("P-384").as_dict().items() if n in "xy"}},
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {},
    ],
)
def test_a_register_entry_without_a_usable_p256_key_is_refused(jwk: dict[str, Any]) -> None:
    key = entry().model_copy(update={"jwk": jwk})
    assert code_of(verify_compact(sign_compact(PAYLOAD, PRIVATE, "d-1"), [key], TODAY)) == "signature.key_not_valid"


def test_another_persons_signature_is_invalid() -> None:
    compact = sign_compact(PAYLOAD, OTHER.as_dict(private=True), "d-1")
    assert code_of(verify_compact(compact, [entry()], TODAY)) == "signature.invalid"


def test_one_changed_byte_of_the_payload_is_invalid() -> None:
    header, _, signature = sign_compact(PAYLOAD, PRIVATE, "d-1").split(".")
    changed = f"{header}.{segment(PAYLOAD.replace(b'kept', b'lost'))}.{signature}"
    assert code_of(verify_compact(changed, [entry()], TODAY)) == "signature.invalid"


@pytest.mark.parametrize("signature", ["", "AA", "A" * 86, "====", "A" * 2000])
def test_a_signature_of_the_wrong_form_is_invalid(signature: str) -> None:
    header, payload, _ = sign_compact(PAYLOAD, PRIVATE, "d-1").split(".")
    assert code_of(verify_compact(f"{header}.{payload}.{signature}", [entry()], TODAY)) in {
        "signature.invalid",
        "signature.malformed",
    }


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none", "kid": "d-1"},
        {"alg": "None", "kid": "d-1"},
        {"alg": "HS256", "kid": "d-1"},
        {"alg": "ES384", "kid": "d-1"},
        {"alg": ["ES256"], "kid": "d-1"},
        {"kid": "d-1"},
        {"alg": "ES256"},
        {"alg": "ES256", "kid": 1},
        {"alg": "ES256", "kid": ""},
        {"alg": "ES256", "kid": "d" * 129},
        {"alg": "ES256", "kid": "d-1", "b64": False, "crit": ["b64"]},
        {"alg": "ES256", "kid": "d-1", "b64": True},
        {"alg": "ES256", "kid": "d-1", "crit": ["exp"], "exp": 1},
        {"alg": "ES256", "kid": "d-1", "typ": 7},
        ["ES256"],
    ],
)
def test_any_header_but_es256_with_a_kid_is_malformed(header: Any) -> None:
    _, payload, signature = sign_compact(PAYLOAD, PRIVATE, "d-1").split(".")
    compact = f"{segment(header)}.{payload}.{signature}"
    assert code_of(verify_compact(compact, [entry()], TODAY)) == "signature.malformed"


def test_the_public_key_used_as_an_hmac_secret_is_malformed() -> None:
    signing_input = f"{segment({'alg': 'HS256', 'kid': 'd-1'})}.{segment(PAYLOAD)}"
    mac = hmac.digest(KEY.as_pem(private=False), signing_input.encode(), "sha256")
    forged = f"{signing_input}.{segment(mac)}"
    assert code_of(verify_compact(forged, [entry()], TODAY)) == "signature.malformed"


def test_a_key_that_the_signer_encloses_counts_for_nothing() -> None:
    private = OTHER.as_dict(private=True)
    header = {"alg": "ES256", "kid": "d-1", "jwk": OTHER.as_dict(private=False)}
    compact = jws.serialize_compact(header, PAYLOAD, ECKey.import_key(private), algorithms=["ES256"])
    assert code_of(verify_compact(compact, [entry()], TODAY)) == "signature.invalid"


@pytest.mark.parametrize("compact", ["", "a", "a.b", "a.b.c.d", "e30.e30.e30", "€.€.€", "[" * 5000, ".."])
def test_what_is_no_compact_jws_is_malformed(compact: str) -> None:
    assert code_of(verify_compact(compact, [entry()], TODAY)) == "signature.malformed"


def test_a_signature_longer_than_any_command_is_malformed() -> None:
    assert code_of(verify_compact("a" * (COMPACT_BYTES_MAX + 1), [entry()], TODAY)) == "signature.malformed"


# SM2


def sm2_pair(scalar: int = 20) -> tuple[dict[str, str], dict[str, str]]:
    """Private and public JWK."""
    secret = scalar.to_bytes(32, "big")
    point = sm2.public_point(secret)
    x, y, d = (urlsafe_b64encode(part).decode() for part in (point[:32], point[32:], secret))
    public = {"kty": "EC", "crv": "SM2", "x": x, "y": y}
    return {**public, "d": d}, public


def sm2_entry(**change: Any) -> SigningKey:
    return entry().model_copy(update={"jwk": sm2_pair()[1] | change})


needs_sm2 = pytest.mark.skipif(sm2.unavailable() is not None, reason=str(sm2.unavailable()))


@needs_sm2
def test_a_key_of_the_sm2_curve_signs_with_sm3() -> None:
    compact = sign_compact(PAYLOAD, sm2_pair()[0], "d-1")
    assert verify_compact(compact, [sm2_entry()], TODAY) == Verified("d-1", PAYLOAD, "SM2")


@needs_sm2
def test_an_sm2_signature_of_another_key_or_over_other_bytes_is_invalid() -> None:
    stranger = sign_compact(PAYLOAD, sm2_pair(21)[0], "d-1")
    header, _, signature = sign_compact(PAYLOAD, sm2_pair()[0], "d-1").split(".")
    changed = f"{header}.{segment(PAYLOAD.replace(b'kept', b'lost'))}.{signature}"
    for compact in (stranger, changed, f"{header}.{segment(PAYLOAD)}.", f"{header}.{segment(PAYLOAD)}.{'A' * 86}"):
        assert code_of(verify_compact(compact, [sm2_entry()], TODAY)) == "signature.invalid"


@needs_sm2
def test_the_key_says_which_algorithm_counts_never_the_message() -> None:
    private, public = sm2_pair()
    payload = segment(PAYLOAD)
    for claimed, key in (("ES256", sm2_entry()), ("SM2", entry())):
        signed = f"{segment({'alg': claimed, 'kid': 'd-1'})}.{payload}"
        genuine = sm2.sign((20).to_bytes(32, "big"), signed.encode())
        assert code_of(verify_compact(f"{signed}.{segment(genuine)}", [key], TODAY)) == "signature.invalid"
    as_p256 = entry().model_copy(update={"jwk": public | {"crv": "P-256"}})
    assert code_of(verify_compact(sign_compact(PAYLOAD, private, "d-1"), [as_p256], TODAY)) == "signature.key_not_valid"


@needs_sm2
@pytest.mark.parametrize(
    "change",
    [
        {"x": "AA"},
        {"y": None},
        {"x": 7},
        {"x": "*" * 43},
        {"kty": "OKP"},
        {"x": sm2_pair(21)[1]["x"]} if sm2.unavailable() is None else {},
        {"crv": "sm2"},
        {"crv": ["SM2"]},
    ],
)
def test_what_is_no_sm2_key_is_not_valid(change: dict[str, Any]) -> None:
    compact = sign_compact(PAYLOAD, sm2_pair()[0], "d-1")
    assert code_of(verify_compact(compact, [sm2_entry(**change)], TODAY)) == "signature.key_not_valid"


def test_a_key_that_cannot_be_written_down_is_not_valid() -> None:
    key = entry().model_copy(update={"jwk": {"kty": "EC", "crv": "P-256", "x": {1, 2}}})
    assert code_of(verify_compact(sign_compact(PAYLOAD, PRIVATE, "d-1"), [key], TODAY)) == "signature.key_not_valid"


@needs_sm2
def test_without_sm2_on_this_machine_the_refusal_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    compact = sign_compact(PAYLOAD, sm2_pair()[0], "d-1")

    def nowhere(*_anything: Any) -> bool:
        raise sm2.Unavailable

    monkeypatch.setattr(sm2, "verify", nowhere)
    assert code_of(verify_compact(compact, [sm2_entry()], TODAY)) == "signature.unavailable"
    assert isinstance(verify_compact(sign_compact(PAYLOAD, PRIVATE, "d-1"), [entry()], TODAY), Verified)
