"""Certificates with SM2: chains and revocation lists that only libcrypto can verify."""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from contracts.registers import SigningKey
from services.seedwork.model import Refusal
from services.seedwork.signing import Verified, sign_compact, sm2, verify_compact
from services.seedwork.signing.revocation import by_issuer, read_list
from services.seedwork.signing.trust import Trust
from tests.support.certificates import Authority, jwk, new_key, pem
from tests.support.sm2_authority import PERSON, Sm2Authority, key_pem, offers_sm2, private_jwk

pytestmark = pytest.mark.skipif(not offers_sm2(), reason="no OpenSSL 3 with SM2")

SCALAR = (2026).to_bytes(32, "big")
PAYLOAD = b'{"prescription_id": "1"}'


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Sm2Authority:
    return Sm2Authority.root(tmp_path_factory.mktemp("sm2"))


@pytest.fixture(scope="module")
def doctor(root: Sm2Authority) -> str:
    return root.person(key_pem(SCALAR))


@pytest.fixture
def now() -> datetime:
    """OpenSSL's command dates certificates by the real clock."""
    return datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)


def trusting(*roots: str, lists: tuple[bytes, ...] = ()) -> Trust:
    found = tuple(x509.load_pem_x509_certificate(each.encode()) for each in roots)
    return Trust(found, by_issuer(read_list(each) for each in lists))


def check(certificate: str, trust: Trust, at: datetime, compact: str | None = None) -> Verified | Refusal:
    entry = SigningKey(kid="d-1", certificate=certificate, valid_from=date.min, valid_until=date.max)
    compact = compact or sign_compact(PAYLOAD, private_jwk(SCALAR), "d-1")
    return verify_compact(compact, [entry], at.date(), trust.at(at))


def refused(outcome: Verified | Refusal, code: str, reason: str | None = None) -> None:
    assert isinstance(outcome, Refusal), outcome
    assert (outcome.code, outcome.facts.get("reason")) == (code, reason)


def serial_of(certificate: str) -> int:
    return x509.load_pem_x509_certificate(certificate.encode()).serial_number


def test_an_sm2_certificate_below_a_trusted_root_signs(root: Sm2Authority, doctor: str, now: datetime) -> None:
    verified = check(doctor, trusting(root.pem, lists=(root.revocations(),)), now)
    assert verified == Verified("d-1", PAYLOAD, "SM2", f"{serial_of(doctor):x}", None)
    both = trusting(pem(Authority.root().certificate), root.pem, lists=(root.revocations(),))
    assert verified == check(doctor, both, now)


def test_the_authorities_between_are_taken_from_the_entry(root: Sm2Authority, now: datetime) -> None:
    issuing = root.below()
    person = issuing.person(key_pem(SCALAR), name="below")
    verified = check(person + issuing.pem, trusting(root.pem), now)
    assert isinstance(verified, Verified)
    assert verified.degraded == "revocation_list_missing"
    refused(check(person, trusting(root.pem), now), "signature.certificate", "chain")


def test_another_root_of_the_same_name_certifies_nothing(doctor: str, tmp_path: Path, now: datetime) -> None:
    refused(check(doctor, trusting(Sm2Authority.root(tmp_path).pem), now), "signature.certificate", "chain")
    refused(check(doctor, trusting(), now), "signature.certificate", "chain")


def test_a_certificate_counts_at_the_moment_of_signing(root: Sm2Authority, doctor: str, now: datetime) -> None:
    for moment in (now - timedelta(days=1), now + timedelta(days=301)):
        refused(check(doctor, trusting(root.pem), moment), "signature.certificate", "chain")


def test_one_changed_bit_breaks_the_chain(root: Sm2Authority, doctor: str, now: datetime) -> None:
    encoded = x509.load_pem_x509_certificate(doctor.encode()).public_bytes(Encoding.DER)
    for place in (-1, -20, encoded.index(b"doctor")):
        changed = bytearray(encoded)
        changed[place] ^= 1
        refused(
            check(base64.b64encode(bytes(changed)).decode(), trusting(root.pem), now), "signature.certificate", "chain"
        )


def test_a_certificate_under_another_signers_id_is_refused(root: Sm2Authority, now: datetime) -> None:
    other = root.person(key_pem(SCALAR), signer_id="somebody else", name="other-id")
    refused(check(other, trusting(root.pem), now), "signature.certificate", "chain")


def test_a_person_certifies_nobody(root: Sm2Authority, doctor: str, now: datetime) -> None:
    pretended = Sm2Authority(root.directory, "doctor")
    child = pretended.person(key_pem((7).to_bytes(32, "big")), name="child")
    compact = sign_compact(PAYLOAD, private_jwk((7).to_bytes(32, "big")), "d-1")
    refused(check(child + doctor, trusting(root.pem), now, compact), "signature.certificate", "chain")


def test_it_must_be_for_signing_and_no_authoritys(root: Sm2Authority, now: datetime) -> None:
    for number, extensions in enumerate(
        (
            "basicConstraints=CA:FALSE\n",
            "keyUsage=critical,keyAgreement\n",
            f"{PERSON}extendedKeyUsage=serverAuth\n",
            "basicConstraints=CA:TRUE\nkeyUsage=critical,digitalSignature,keyCertSign\n",
        )
    ):
        person = root.person(key_pem(SCALAR), extensions=extensions, name=f"usage-{number}")
        refused(check(person, trusting(root.pem), now), "signature.certificate", "usage")


def test_a_p256_key_below_an_sm2_root_signs_with_es256(root: Sm2Authority, now: datetime) -> None:
    key = new_key()
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    person = root.person(text, name="p256")
    verified = check(person, trusting(root.pem), now, sign_compact(PAYLOAD, jwk(key), "d-1"))
    assert isinstance(verified, Verified)
    assert verified.algorithm == "ES256"


def test_an_sm2_root_among_the_trusted_does_not_disturb_the_others(root: Sm2Authority, now: datetime) -> None:
    usual, key = Authority.root(), new_key()
    trust = trusting(root.pem, pem(usual.certificate))
    assert isinstance(check(usual.chain(key), trust, now, sign_compact(PAYLOAD, jwk(key), "d-1")), Verified)


def test_a_revoked_sm2_certificate_signs_no_more(root: Sm2Authority, doctor: str, now: datetime) -> None:
    revoked = root.revocations({serial_of(doctor): now})
    refused(check(doctor, trusting(root.pem, lists=(revoked,)), now), "signature.revoked")
    before = check(doctor, trusting(root.pem, lists=(revoked,)), now - timedelta(seconds=1))
    assert isinstance(before, Verified)


def test_a_list_that_another_sm2_key_signed_says_nothing(root: Sm2Authority, doctor: str, now: datetime) -> None:
    forged = Sm2Authority.root(root.directory, "stranger").revocations()  # in the same name
    outcome = check(doctor, trusting(root.pem, lists=(forged,)), now)
    assert isinstance(outcome, Verified)
    assert outcome.degraded == "revocation_list_missing"


def test_without_sm2_on_this_machine_the_refusal_says_so(
    root: Sm2Authority, doctor: str, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    compact = sign_compact(PAYLOAD, private_jwk(SCALAR), "d-1")

    def nowhere(*_anything: object) -> bytes:
        raise sm2.Unavailable

    monkeypatch.setattr("services.seedwork.signing.sm2_certificates.point_of", nowhere)
    refused(check(doctor, trusting(root.pem), now, compact), "signature.unavailable")
