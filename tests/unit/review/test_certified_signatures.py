"""A pharmacist whose register entry holds a certificate: what is recorded of the check."""

from __future__ import annotations

from datetime import date, timedelta

from joserfc.jwk import ECKey

from contracts.events.prescribe import RegisterEntryRecorded
from contracts.events.prescribe import SignatureCheck as SignatureCheckTold
from services.review.application.use_cases import pass_case, take_case
from services.review.domain.case import case_ref
from services.review.domain.commands import TakeCase
from services.review.domain.events import CasePassed
from services.review.domain.values import SignatureCheck, SignatureChecked
from services.seedwork.signing.revocation import by_issuer, read_list
from services.seedwork.signing.trust import Trust
from tests.support.certificates import Authority, new_key
from tests.unit.review.conftest import HOSPITAL, SUN, Hospital, reviewer


def test_what_could_not_be_checked_of_a_pharmacists_certificate_is_recorded(hospital: Hospital) -> None:
    root, key = Authority.root(), new_key()
    hospital.key = ECKey.import_key(key)
    entry = {"kid": f"{SUN}-1", "certificate": root.chain(key), "valid_from": "2026-01-01", "valid_until": "2026-12-31"}
    content = {
        "name": "孙丽",
        "professions": ["reviewer"],
        "organisation": HOSPITAL,
        "registration_no": "R1",
        "keys": [entry],
    }
    admitted = {"kind": "person", "code": SUN, "content": content, "valid_from": date(2026, 1, 1)}
    hospital.store.react(RegisterEntryRecorded.model_validate(admitted))
    two_days_old = root.revocations(hospital.store.time - timedelta(days=2))
    hospital.store.trust = Trust((root.certificate,), by_issuer([read_list(two_days_old)]))
    case = hospital.issue()
    hospital.store.run(take_case(TakeCase(case_id=case), reviewer()), reviewer())

    outcome = hospital.store.run(pass_case(case, hospital.signed(case), reviewer()), reviewer())

    assert outcome.refusal is None
    (passed,) = [each for each in hospital.store.streams[case_ref(case).stream_id] if isinstance(each, CasePassed)]
    assert passed.signature_check == SignatureCheck(
        kid=f"{SUN}-1", algorithm="ES256", certificate="64", degraded="revocation_list_outdated"
    )


def test_what_could_not_be_checked_of_the_prescriber_reaches_the_case_with_its_reason(hospital: Hospital) -> None:
    check = SignatureCheckTold(
        kid="D1-1",
        checked_at=hospital.store.time,
        degraded=True,
        certificate="64",
        degraded_reason="revocation_list_outdated",
    )

    case = hospital.issue(signature=check)

    opened = hospital.store.state(case_ref(case)).opened
    assert opened.signature == SignatureChecked(degraded=True, reason="revocation_list_outdated")
    found = [each for each in hospital.store.state(case_ref(case)).findings if each.rule == "N1.signature_degraded"]
    assert len(found) == 1, "the pharmacist is shown it"
    assert "revocation_list_outdated" in found[0].evidence
