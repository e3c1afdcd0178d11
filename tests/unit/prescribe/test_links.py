"""Renewed, extended (延伸处方), replaced: what an earlier prescription means for the one that goes on from it."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.events import prescribe as public
from contracts.events import review
from services.seedwork.ports import Outcome
from tests.unit.prescribe.conftest import COLLEAGUE, OTHER_HOSPITAL, Clinic, line

FAMILY_DOCTOR = "D330102000003"
CONTRACT = "FC330102000001"


def code(outcome: Outcome) -> str | None:
    return outcome.refusal.code if outcome.refusal else None


def contracted(clinic: Clinic, **changes: Any) -> None:
    clinic.load_person(FAMILY_DOCTOR, organisation=OTHER_HOSPITAL)
    validity = {"suspended": changes.pop("suspended", False)}
    content = {"doctor": FAMILY_DOCTOR, "patient_ref": str(clinic.patient_ref)} | changes
    clinic.load("family_contract", CONTRACT, content, **validity)


def extend(clinic: Clinic, earlier: UUID, **changes: Any) -> Outcome:
    fields = {"prescriber": FAMILY_DOCTOR, "institution": OTHER_HOSPITAL, "family_contract": CONTRACT}
    content = clinic.written(**(fields | {"extends": str(earlier)} | changes))
    return clinic.issue_signed(clinic.sign(content, f"{FAMILY_DOCTOR}-1"), clinic.doctor(FAMILY_DOCTOR))


def test_a_renewal_names_what_it_goes_on_from(clinic: Clinic) -> None:
    earlier = clinic.released()

    outcome = clinic.issue(renews=str(earlier))

    assert outcome.status == 201
    told = clinic.store.told_of(public.PrescriptionIssued)[-1]
    assert (told.renews, told.extends, told.replaces) == (earlier, None, None)
    renewed = UUID(outcome.body["prescription_id"])
    assert clinic.trace(renewed)[0]["summary"]["renews"] == str(earlier)
    clinic.answer(renewed, review.CasePassed)
    assert clinic.store.told_of(public.PrescriptionReleased)[-1].renews == earlier


def test_only_what_was_in_circulation_is_renewed_by_its_own_prescriber_for_its_patient(clinic: Clinic) -> None:
    issued, released = clinic.issued(), clinic.released()
    other_patient = clinic.register(name="李娜")
    by_colleague = clinic.written(renews=str(released), prescriber=COLLEAGUE)

    outcomes = [
        clinic.issue(renews=str(issued)),
        clinic.issue(renews=str(uuid4())),
        clinic.issue(renews=str(released), patient_ref=str(other_patient)),
        clinic.issue(renews=str(released), replaces=str(released)),
        clinic.issue_signed(clinic.sign(by_colleague, f"{COLLEAGUE}-1"), clinic.doctor(COLLEAGUE)),
    ]

    assert [code(each) for each in outcomes] == [
        "link.never_released",
        "link.unknown",
        "link.unknown",
        "link.more_than_one",
        "link.not_yours",
    ]


def test_the_contracted_family_doctor_continues_another_institutions_regimen(clinic: Clinic) -> None:
    contracted(clinic)
    earlier = clinic.released()

    outcome = extend(clinic, earlier)

    assert outcome.status == 201, outcome.refusal
    assert clinic.store.told_of(public.PrescriptionIssued)[-1].extends == earlier


@pytest.mark.parametrize(
    ("contract", "changes", "expected"),
    [
        ({"doctor": COLLEAGUE}, {}, "link.no_contract"),
        ({"patient_ref": str(uuid4())}, {}, "link.no_contract"),
        ({}, {"family_contract": None}, "link.no_contract"),
        ({"suspended": True}, {}, "link.contract_not_in_force"),
        ({}, {"lines": [line(days=7, dose="10", quantity=14)]}, "link.other_regimen"),
        ({}, {"lines": [line(days=7, route="舌下含服")]}, "link.other_regimen"),
    ],
)
def test_an_extension_needs_the_contract_and_the_same_regimen(
    clinic: Clinic, contract: dict[str, Any], changes: dict[str, Any], expected: str
) -> None:
    contracted(clinic, **contract)
    earlier = clinic.released()

    assert code(extend(clinic, earlier, **changes)) == expected


def test_within_one_institution_nothing_is_extended_nor_what_was_never_released(clinic: Clinic) -> None:
    contracted(clinic)
    own = extend(clinic, clinic.released())
    issued = clinic.issued()
    assert own.refusal is None
    clinic.answer(UUID(own.body["prescription_id"]), review.CasePassed)

    assert code(extend(clinic, UUID(own.body["prescription_id"]))) == "link.same_institution"
    assert code(extend(clinic, issued)) == "link.never_released"


def test_a_replacement_cancels_what_is_left_in_the_same_save(clinic: Clinic) -> None:
    earlier, issued = clinic.released(), clinic.issued()
    clinic.held(earlier, held=7)

    outcomes = [clinic.issue(replaces=str(each)) for each in (earlier, issued)]

    assert [each.status for each in outcomes] == [201, 201]
    assert clinic.status(earlier) == "closing(cancelled)"
    assert clinic.status(issued) == "cancelled"
    (asked,) = clinic.store.told_of(public.CancellationRequested)
    assert asked.reason_code == "replaced"
    assert clinic.store.told_of(public.PrescriptionIssued)[-1].replaces == issued


def test_a_replacement_that_is_repeated_cancels_once(clinic: Clinic) -> None:
    earlier = clinic.released()
    jws = clinic.sign(clinic.written(replaces=str(earlier)))

    first, again = clinic.issue_signed(jws), clinic.issue_signed(jws)

    assert again.body == first.body
    assert len(clinic.store.told_of(public.CancellationRequested)) == 1


def test_what_has_ended_is_not_replaced_and_a_refused_replacement_cancels_nothing(clinic: Clinic) -> None:
    ended, earlier = clinic.released(), clinic.released()
    clinic.closed(ended, "supplied", in_hands=7)

    assert code(clinic.issue(replaces=str(ended))) == "link.nothing_to_replace"
    assert code(clinic.issue(replaces=str(earlier), diagnoses=[])) == "diagnosis.missing"
    assert clinic.status(earlier) == "released"


def test_what_was_cancelled_already_is_replaced_without_another_request(clinic: Clinic) -> None:
    earlier = clinic.released()
    clinic.cancel(earlier)

    assert clinic.issue(replaces=str(earlier)).status == 201
    assert len(clinic.store.told_of(public.CancellationRequested)) == 1


def test_nothing_goes_on_from_itself(clinic: Clinic) -> None:
    same = str(uuid4())

    assert code(clinic.issue(prescription_id=same, renews=same)) == "link.unknown"


@pytest.mark.parametrize("end", ["cancelled", "expired"])
def test_what_ended_before_its_release_was_never_in_circulation(clinic: Clinic, end: str) -> None:
    """Nobody reviewed it: there is no regimen to go on with."""
    contracted(clinic)
    earlier = clinic.issued()
    if end == "cancelled":
        clinic.cancel(earlier)
    else:
        clinic.store.move_clock(timedelta(days=2))
    assert clinic.status(earlier) == end

    assert code(clinic.issue(renews=str(earlier))) == "link.never_released"
    assert code(extend(clinic, earlier)) == "link.never_released"
