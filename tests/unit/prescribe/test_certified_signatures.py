"""A prescriber whose register entry holds a certificate: what is recorded and told of the check."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from joserfc.jwk import ECKey

from contracts.events.prescribe import PrescriptionIssued
from services.seedwork.signing.revocation import by_issuer, read_list
from services.seedwork.signing.trust import Trust
from tests.support.certificates import Authority, new_key, pem
from tests.unit.prescribe.conftest import DOCTOR, Clinic


@pytest.fixture
def root() -> Authority:
    return Authority.root()


@pytest.fixture
def certified(clinic: Clinic, root: Authority) -> Clinic:
    """The doctor's key is known by a certificate; the authority's list is as new as can be."""
    key = new_key()
    clinic.key = ECKey.import_key(key)
    key_entry = {"kid": f"{DOCTOR}-1", "certificate": root.chain(key)}
    clinic.load_person(DOCTOR, keys=[{**key_entry, "valid_from": "2026-01-01", "valid_until": "2026-12-31"}])
    clinic.store.trust = Trust((root.certificate,), by_issuer([read_list(root.revocations(clinic.store.time))]))
    return clinic


def told(clinic: Clinic) -> PrescriptionIssued:
    (issued,) = clinic.store.told_of(PrescriptionIssued)
    assert isinstance(issued, PrescriptionIssued)
    return issued


def test_the_certificates_serial_number_is_recorded_and_told(certified: Clinic) -> None:
    prescription_id = certified.issued()

    signature = certified.state(prescription_id).signed.signature
    assert (signature.certificate, signature.degraded) == ("64", None)
    check = told(certified).signature
    assert (check.kid, check.certificate, check.algorithm) == (f"{DOCTOR}-1", "64", "ES256")
    assert (check.degraded, check.degraded_reason) == (False, None)


def test_what_could_not_be_checked_is_recorded_told_and_kept_for_the_pharmacy(certified: Clinic) -> None:
    certified.store.time += timedelta(days=2)

    prescription_id = certified.released()

    assert certified.state(prescription_id).signed.signature.degraded == "revocation_list_outdated"
    check = told(certified).signature
    assert (check.degraded, check.degraded_reason) == (True, "revocation_list_outdated")


def test_a_revoked_certificate_issues_nothing_and_what_it_issued_before_stays(
    certified: Clinic, root: Authority
) -> None:
    before = certified.issued()
    certified.store.time += timedelta(minutes=1)
    lists = by_issuer([read_list(root.revocations(certified.store.time, {100: certified.store.time}))])
    certified.store.trust = Trust((root.certificate,), lists)

    outcome = certified.issue()

    assert outcome.refusal is not None
    assert outcome.refusal.code == "signature.revoked"
    assert certified.status(before) == "issued"


def test_where_the_authority_is_not_trusted_nothing_is_issued(certified: Clinic) -> None:
    certified.store.trust = Trust((Authority.root().certificate,))
    outcome = certified.issue()
    assert outcome.refusal is not None
    assert (outcome.refusal.code, outcome.refusal.facts["reason"]) == ("signature.certificate", "chain")


def test_a_certificate_that_ends_today_has_signed_until_then(clinic: Clinic, root: Authority) -> None:
    key = new_key()
    clinic.key = ECKey.import_key(key)
    ends = clinic.store.time + timedelta(minutes=1)
    entry = {"kid": f"{DOCTOR}-1", "certificate": pem(root.person(key, until=ends))}
    clinic.load_person(DOCTOR, keys=[{**entry, "valid_from": "2026-01-01", "valid_until": "2026-12-31"}])
    clinic.store.trust = Trust((root.certificate,))
    assert isinstance(clinic.issued(), UUID)
    clinic.store.time = ends + timedelta(seconds=1)
    outcome = clinic.issue()
    assert outcome.refusal is not None
    assert outcome.refusal.code == "signature.certificate"
