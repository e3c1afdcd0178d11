"""The prescriber hears of things in order, as soon as they are there."""

import pytest

from contracts.events import review
from contracts.roles import Role
from tests.unit.prescribe.conftest import DOCTOR, HOSPITAL, NOW, Clinic
from tests.unit.prescribe.test_prescribe_api import Caller, Desk, caller  # noqa: F401


@pytest.fixture
def desk(caller: Caller) -> Desk:  # noqa: F811
    return Desk(caller, DOCTOR, Role.PRESCRIBER, organisation=HOSPITAL)


def test_the_feed_goes_on_where_it_was_left(clinic: Clinic, desk: Desk) -> None:
    first, second = clinic.issued(), clinic.issued()
    clinic.answer(first, review.CaseReturned)

    page = desk("GET", "/feedback/feed").json()
    clinic.answer(second, review.CaseRefused)
    following = desk("GET", f"/feedback/feed?after={page['next']}&wait_seconds=5").json()
    nothing = desk("GET", f"/feedback/feed?after={following['next']}&wait_seconds=0.1").json()

    assert [each["kind"] for each in page["items"]] == ["returned"]
    assert [(each["kind"], each["prescription_id"]) for each in following["items"]] == [("refused", str(second))]
    assert nothing == {"items": [], "next": following["next"]}


def test_a_review_past_its_deadline_is_told(clinic: Clinic) -> None:
    prescription_id = clinic.issued()
    signed = clinic.state(prescription_id).signed
    clinic.hear(
        review.CaseEscalated(
            case_id=prescription_id,
            prescription_id=prescription_id,
            patient_ref=signed.patient_ref,
            revision=1,
            confirmation_no=0,
            signed_sha256=signed.signature.sha256,
            level=2,
            deadline=NOW,
        )
    )

    (told,) = clinic.feedback()

    assert (told["kind"], told["facts"]["level"]) == ("late", 2)
