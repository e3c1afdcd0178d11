"""Signatures by certificate: the chain, the moment of signing, what the certificate is for, and revocation."""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from contracts.errors import CATALOGUE
from contracts.registers import SigningKey
from services.seedwork.model import Refusal
from services.seedwork.signing import Verified, sign_compact, verify_compact
from services.seedwork.signing.policy import SIGNATURES
from services.seedwork.signing.revocation import NoList, RevocationList, by_issuer, read_list
from services.seedwork.signing.trust import NOBODY, Trust, TrustBook, keep_list
from tests.support.certificates import Authority, jwk, new_key, pem, usage

NOW = datetime(2026, 6, 1, 10, tzinfo=UTC)
PAYLOAD = b'{"prescription_id": "1"}'
ROOT = Authority.root()
ISSUING = ROOT.below()
KEY = new_key()
DOCUMENT_SIGNING, SERVER = "1.3.6.1.5.5.7.3.36", "1.3.6.1.5.5.7.3.1"


def fresh_lists(*more: bytes) -> dict[bytes, RevocationList]:
    lists = [ROOT.revocations(NOW), ISSUING.revocations(NOW), *more]
    return dict(by_issuer(read_list(each) for each in lists))


TRUST = Trust((ROOT.certificate,), fresh_lists())


def check(
    certificate: str, *, trust: Trust = TRUST, at: datetime = NOW, key: ec.EllipticCurvePrivateKey = KEY
) -> Verified | Refusal:
    """The doctor signs now; the entry holds this certificate."""
    entry = SigningKey(kid="d-1", certificate=certificate, valid_from=date(2026, 1, 1), valid_until=date(2026, 12, 31))
    return verify_compact(sign_compact(PAYLOAD, jwk(key), "d-1"), [entry], at.date(), trust.at(at))


def refused(outcome: Verified | Refusal, code: str, reason: str | None = None) -> None:
    assert isinstance(outcome, Refusal)
    assert (outcome.code, outcome.facts.get("reason")) == (code, reason)
    assert outcome.code in CATALOGUE


def accepted(outcome: Verified | Refusal) -> Verified:
    assert isinstance(outcome, Verified), outcome
    assert outcome.payload == PAYLOAD
    return outcome


# the chain


def test_a_certificate_below_a_trusted_root_signs() -> None:
    certificate = ROOT.person(KEY)
    verified = accepted(check(pem(certificate)))
    assert verified.certificate == f"{certificate.serial_number:x}"
    assert verified.degraded is None


def test_the_authorities_between_are_taken_from_the_entry() -> None:
    accepted(check(ISSUING.chain(KEY)))
    refused(check(pem(ISSUING.person(KEY))), "signature.certificate", "chain")


def test_one_certificate_may_be_given_as_base64() -> None:
    encoded = base64.b64encode(ROOT.person(KEY).public_bytes(Encoding.DER)).decode()
    accepted(check(encoded))
    accepted(check("\n".join(encoded[at : at + 64] for at in range(0, len(encoded), 64))))


def test_a_certificate_of_somebody_elses_root_is_refused() -> None:
    stranger = Authority.root()  # of the same name, with another key
    refused(check(stranger.chain(KEY)), "signature.certificate", "chain")
    refused(check(pem(stranger.person(KEY), stranger.certificate)), "signature.certificate", "chain")


def test_where_no_root_is_trusted_no_certificate_counts() -> None:
    refused(check(ISSUING.chain(KEY), trust=NOBODY), "signature.certificate", "chain")
    entry = SigningKey(kid="d-1", certificate=ISSUING.chain(KEY), valid_from=date.min, valid_until=date.max)
    refused(
        verify_compact(sign_compact(PAYLOAD, jwk(KEY), "d-1"), [entry], NOW.date()), "signature.certificate", "chain"
    )


def test_a_person_certifies_nobody() -> None:
    doctor = ROOT.person(KEY, name="Example Doctor")
    pretended = Authority("Example Doctor", KEY, doctor, ())
    other = new_key()
    refused(check(pem(pretended.person(other), doctor), key=other), "signature.certificate", "chain")


def test_an_authority_signs_no_prescription() -> None:
    authority = ROOT.below(usage=usage(signs=True, certifies=True))
    key: Any = authority.key
    refused(check(pem(authority.certificate), key=key), "signature.certificate", "usage")


def test_the_certificates_key_must_have_signed() -> None:
    refused(check(ROOT.chain(new_key())), "signature.invalid")


def test_a_certificate_wins_over_a_key_beside_it() -> None:
    other = new_key()
    entry = SigningKey(
        kid="d-1", jwk=jwk(other), certificate=ROOT.chain(KEY), valid_from=date.min, valid_until=date.max
    )
    outcome = verify_compact(sign_compact(PAYLOAD, jwk(other), "d-1"), [entry], NOW.date(), TRUST.at(NOW))
    refused(outcome, "signature.invalid")


# the moment of signing


@pytest.mark.parametrize(("at", "good"), [(-1, False), (0, True), (3600, True), (3601, False)])
def test_a_certificate_counts_to_the_second_at_the_moment_of_signing(at: int, good: bool) -> None:
    certificate = ROOT.chain(KEY, since=NOW, until=NOW + timedelta(hours=1))
    moment = NOW + timedelta(seconds=at)
    accepted(check(certificate, at=moment)) if good else refused(
        check(certificate, at=moment), "signature.certificate", "chain"
    )


def test_a_chain_that_was_good_an_hour_ago_is_looked_at_again() -> None:
    certificate = ROOT.chain(KEY, until=NOW + timedelta(hours=1))
    trust = Trust((ROOT.certificate,), fresh_lists())
    accepted(check(certificate, trust=trust))
    accepted(check(certificate, trust=trust))
    refused(check(certificate, trust=trust, at=NOW + timedelta(hours=2)), "signature.certificate", "chain")


def test_an_issuer_that_has_ended_ends_its_certificates() -> None:
    ended = ROOT.below(until=NOW - timedelta(days=1))
    refused(check(ended.chain(KEY)), "signature.certificate", "chain")


def test_the_entrys_own_days_hold_as_well() -> None:
    entry = SigningKey(kid="d-1", certificate=ROOT.chain(KEY), valid_from=NOW.date(), valid_until=NOW.date())
    tomorrow = NOW + timedelta(days=1)
    outcome = verify_compact(sign_compact(PAYLOAD, jwk(KEY), "d-1"), [entry], tomorrow.date(), TRUST.at(tomorrow))
    assert isinstance(outcome, Refusal)
    assert outcome.code == "signature.key_not_valid"


# what it is for


def test_a_certificate_must_be_for_signing() -> None:
    refused(check(ROOT.chain(KEY, usage=None)), "signature.certificate", "usage")
    refused(check(ROOT.chain(KEY, usage=usage(lists=True))), "signature.certificate", "usage")
    refused(check(ROOT.chain(KEY, purposes=[SERVER])), "signature.certificate", "usage")
    accepted(check(ROOT.chain(KEY, purposes=[SERVER, DOCUMENT_SIGNING])))


@pytest.mark.parametrize(
    "key", [ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)], ids=["P-384", "RSA"]
)
def test_a_key_that_no_row_of_the_table_knows_is_refused(key: Any) -> None:
    refused(check(pem(ROOT.person(key))), "signature.certificate", "algorithm")


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "AAAA",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----",
        "证书",
        pem(*[ROOT.certificate] * 5),
        "A" * 20_000,
    ],
    ids=["short", "no base64 of one", "nothing in it", "no end", "no ASCII", "too many", "too long"],
)
def test_what_is_no_certificate_is_refused(text: str) -> None:
    refused(check(text), "signature.certificate", "form")


# revocation


def test_a_revoked_certificate_signs_no_more_and_what_it_signed_before_stays() -> None:
    doctor = ROOT.person(KEY)
    since = NOW - timedelta(hours=1)
    trust = Trust((ROOT.certificate,), fresh_lists(ROOT.revocations(NOW, {doctor.serial_number: since})))

    outcome = check(pem(doctor), trust=trust)

    refused(outcome, "signature.revoked")
    assert isinstance(outcome, Refusal)
    assert outcome.facts["revoked_at"] == since.isoformat()
    refused(check(pem(doctor), trust=trust, at=since), "signature.revoked")
    assert accepted(check(pem(doctor), trust=trust, at=since - timedelta(seconds=1))).degraded is None


def test_the_revocation_of_an_issuer_counts_for_its_certificates() -> None:
    lists = fresh_lists(ROOT.revocations(NOW, {ISSUING.certificate.serial_number: NOW}))
    refused(check(ISSUING.chain(KEY), trust=Trust((ROOT.certificate,), lists)), "signature.revoked")


def test_a_list_speaks_for_its_own_issuer_only() -> None:
    doctor = ISSUING.person(KEY)
    lists = fresh_lists(ROOT.revocations(NOW, {doctor.serial_number: NOW}))
    entry = pem(doctor, ISSUING.certificate)
    assert accepted(check(entry, trust=Trust((ROOT.certificate,), lists))).degraded is None


AGE = timedelta(hours=SIGNATURES.on(NOW.date(), "cn").revocation_age_hours_max)


def test_a_list_older_than_the_policy_says_is_accepted_and_flagged() -> None:
    doctor = ROOT.chain(KEY)
    assert accepted(check(doctor, at=NOW + AGE)).degraded is None
    assert accepted(check(doctor, at=NOW + AGE + timedelta(seconds=1))).degraded == "revocation_list_outdated"


def test_a_list_past_its_own_next_update_is_outdated_however_new() -> None:
    lists = fresh_lists(ROOT.revocations(NOW, next_update=timedelta(hours=1)))
    outcome = check(ROOT.chain(KEY), trust=Trust((ROOT.certificate,), lists), at=NOW + timedelta(hours=2))
    assert accepted(outcome).degraded == "revocation_list_outdated"


def test_without_a_list_a_signature_is_accepted_and_flagged() -> None:
    trust = Trust((ROOT.certificate,))
    assert accepted(check(ROOT.chain(KEY), trust=trust)).degraded == "revocation_list_missing"
    half = Trust((ROOT.certificate,), by_issuer([read_list(ISSUING.revocations(NOW))]))
    assert accepted(check(ISSUING.chain(KEY), trust=half)).degraded == "revocation_list_missing"


def test_what_an_outdated_list_has_revoked_stays_revoked() -> None:
    doctor = ROOT.person(KEY)
    lists = fresh_lists(ROOT.revocations(NOW, {doctor.serial_number: NOW}))
    later = NOW + timedelta(days=30)
    refused(check(pem(doctor), trust=Trust((ROOT.certificate,), lists), at=later), "signature.revoked")


def test_a_list_that_its_issuer_did_not_sign_says_nothing() -> None:
    forged = ROOT.revocations(NOW + timedelta(seconds=1), key=new_key())
    outcome = check(ROOT.chain(KEY), trust=Trust((ROOT.certificate,), fresh_lists(forged)))
    assert accepted(outcome).degraded == "revocation_list_missing"


def test_an_authority_that_may_not_publish_lists_publishes_none() -> None:
    issuing = ROOT.below("Example Without Lists", usage=usage(certifies=True))
    lists = fresh_lists(issuing.revocations(NOW))
    outcome = check(issuing.chain(KEY), trust=Trust((ROOT.certificate,), lists))
    assert accepted(outcome).degraded == "revocation_list_missing"


def test_another_jurisdictions_policy_refuses_what_cannot_be_told() -> None:
    policy = SIGNATURES.on(NOW.date(), "demo-eu")
    entry = SigningKey(kid="d-1", certificate=ROOT.chain(KEY), valid_from=date.min, valid_until=date.max)
    compact = sign_compact(PAYLOAD, jwk(KEY), "d-1")
    last = NOW + timedelta(hours=policy.revocation_age_hours_max)
    accepted(verify_compact(compact, [entry], last.date(), TRUST.at(last, "demo-eu")))
    later = last + timedelta(seconds=1)
    outcome = verify_compact(compact, [entry], later.date(), TRUST.at(later, "demo-eu"))
    refused(outcome, "signature.revocation_unknown", "revocation_list_outdated")
    assert accepted(check(ROOT.chain(KEY), at=later)).degraded is None, "the usual policy has another age"


def test_the_newest_list_of_an_issuer_counts() -> None:
    doctor = ROOT.person(KEY)
    older = ROOT.revocations(NOW - timedelta(hours=2))
    newer = ROOT.revocations(NOW, {doctor.serial_number: NOW})
    for lists in ([older, newer], [newer, older]):
        trust = Trust((ROOT.certificate,), by_issuer(read_list(each) for each in lists))
        refused(check(pem(doctor), trust=trust), "signature.revoked")


@pytest.mark.parametrize("content", [b"", b"x", b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----", b"0" * 100])
def test_what_is_no_revocation_list_is_not_read(content: bytes) -> None:
    with pytest.raises(NoList):
        read_list(content)


def test_a_delta_list_is_not_read_as_a_complete_one() -> None:
    with pytest.raises(NoList, match="delta"):
        read_list(ROOT.revocations(NOW, extensions=[(x509.DeltaCRLIndicator(1), True)]))


def test_a_list_without_end_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.seedwork.signing.revocation.LIST_BYTES_MAX", 10)
    with pytest.raises(NoList, match="larger"):
        read_list(ROOT.revocations(NOW))


# the directory


def test_the_directory_is_read_again_when_it_has_changed(tmp_path: Path) -> None:
    book = TrustBook(tmp_path)
    book.refresh()
    assert book.current.roots == ()
    for name in ("roots", "revocation"):
        (tmp_path / name).mkdir()
    (tmp_path / "roots" / "example.pem").write_text(pem(ROOT.certificate))
    book.refresh()
    assert accepted(check(ROOT.chain(KEY), trust=book.current)).degraded == "revocation_list_missing"
    assert "1 roots; 0 revocation lists" in book.condition(NOW)

    (tmp_path / "revocation" / "example.crl").write_bytes(ROOT.revocations(NOW))
    book.refresh()
    assert accepted(check(ROOT.chain(KEY), trust=book.current)).degraded is None
    assert "1 revocation lists, 1 of them outdated" in book.condition(NOW + timedelta(days=2))
    before = book.current
    book.refresh()
    assert book.current is before


def test_a_file_that_cannot_be_read_is_named_and_the_others_count(tmp_path: Path) -> None:
    for name in ("roots", "revocation"):
        (tmp_path / name).mkdir()
    (tmp_path / "roots" / "broken.pem").write_text("no certificate")
    (tmp_path / "roots" / "example.pem").write_text(pem(ROOT.certificate))
    (tmp_path / "revocation" / "broken.crl").write_bytes(b"no list")
    book = TrustBook(tmp_path)
    book.refresh()
    assert book.current.roots == (ROOT.certificate,)
    assert all(name in book.condition(NOW) for name in ("broken.pem", "broken.crl"))


def trusting(directory: Path) -> Path:
    (directory / "roots").mkdir()
    (directory / "roots" / "example.pem").write_text(pem(ROOT.certificate))
    return directory


def kept(directory: Path) -> Trust:
    book = TrustBook(directory)
    book.refresh()
    return book.current


def test_a_new_list_takes_the_place_of_its_issuers_older_one(tmp_path: Path) -> None:
    trusting(tmp_path)
    doctor = ROOT.person(KEY)
    keep_list(tmp_path, ROOT.revocations(NOW - timedelta(hours=1)))
    keep_list(tmp_path, ISSUING.revocations(NOW))
    assert accepted(check(pem(doctor), trust=kept(tmp_path))).degraded is None

    keep_list(tmp_path, ROOT.revocations(NOW, {doctor.serial_number: NOW}))

    refused(check(pem(doctor), trust=kept(tmp_path)), "signature.revoked")
    assert len(list((tmp_path / "revocation").iterdir())) == 2


def test_a_list_that_is_forged_or_older_is_not_kept(tmp_path: Path) -> None:
    trusting(tmp_path)
    keep_list(tmp_path, ROOT.revocations(NOW))
    with pytest.raises(NoList, match="not signed"):
        keep_list(tmp_path, ROOT.revocations(NOW + timedelta(hours=1), key=new_key()))
    with pytest.raises(NoList, match="older"):
        keep_list(tmp_path, ROOT.revocations(NOW - timedelta(seconds=1)))
    with pytest.raises(NoList):
        keep_list(tmp_path, b"something else")
    (found,) = kept(tmp_path).lists.values()
    assert found.this_update == NOW


def test_a_list_of_another_kind_of_key_than_it_may_have_says_nothing() -> None:
    """An Ed25519 authority's list is not read; without key usage an authority publishes none."""
    key = ed25519.Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Example Root")])
    listed = x509.CertificateRevocationListBuilder().issuer_name(name).last_update(NOW)
    content = listed.next_update(NOW + timedelta(days=1)).sign(key, None).public_bytes(Encoding.DER)
    assert not read_list(content).is_of(ROOT.certificate)
    assert not read_list(ROOT.revocations(NOW)).is_of(ROOT.person(new_key(), usage=None))
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(NOW).not_valid_after(NOW + timedelta(days=1))
    root = builder.add_extension(usage(lists=True), critical=True).sign(key, None)
    assert not read_list(content).is_of(root)


def test_what_is_kept_of_chains_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.seedwork.signing.trust.CHAINS_KEPT_MAX", 2)
    trust = Trust((ROOT.certificate,), fresh_lists())
    for _ in range(5):
        accepted(check(ROOT.chain(KEY), trust=trust))
    assert len(trust._chains) <= 2
