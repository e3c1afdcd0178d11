"""Who may take it at the counter, and what the pharmacist must have seen before."""

from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from contracts.events import dispatch as told
from services.dispatch.domain.fulfilment import holds
from services.dispatch.domain.fulfilment.commands import PassPharmacyReview
from services.dispatch.domain.fulfilment.events import SupplyReceived
from services.dispatch.domain.policy import CN
from services.dispatch.domain.prescription_content import CONTENTS, content_id
from services.dispatch.domain.values import CollectorIdentity
from tests.unit.dispatch.town import AGENTS_CARD, NOON, PATIENT_CARD, A, Town, fine, person, refused, valid_card

GROWN_UP_TODAY = valid_card("43010220080302001")
"""Eighteen on the day of the town."""
GROWN_UP_TOMORROW = valid_card("43010220080303001")


def ready(town: Town, **line: Any) -> tuple[Any, Any]:
    fulfilment = town.release(60, **line)
    supply_id = town.dispensed(fulfilment)
    town.clear(fulfilment, supply_id)
    return fulfilment, supply_id


def given_to(town: Town, place: tuple[Any, Any], card: str, patient: str | None = None) -> Any:
    kind = "agent" if patient else "patient"
    identity = CollectorIdentity(name="某某", identity_no=card, patient_identity_no=patient)
    return town.try_hand_out(*place, kind=kind, identity=identity)


def test_second_class_psychotropics_are_not_given_to_minors(town: Town) -> None:
    place = ready(town, drug_class="psychotropic_2")

    refused(given_to(town, place, GROWN_UP_TOMORROW), "collector.minor")
    refused(given_to(town, place, GROWN_UP_TOMORROW, PATIENT_CARD), "collector.minor")
    fine(given_to(town, place, GROWN_UP_TODAY))


def test_an_adult_fetches_it_for_a_minor(town: Town) -> None:
    place = ready(town, drug_class="psychotropic_2")

    fine(given_to(town, place, AGENTS_CARD, GROWN_UP_TOMORROW))


def test_other_drugs_are_given_to_minors(town: Town) -> None:
    fine(given_to(town, ready(town), GROWN_UP_TOMORROW))


def test_an_agent_is_somebody_else_and_both_are_on_record(town: Town) -> None:
    place = ready(town)
    refused(given_to(town, place, PATIENT_CARD, PATIENT_CARD), "collector.agent_is_patient")
    refused(given_to(town, place, f" {PATIENT_CARD}", PATIENT_CARD), "collector.agent_is_patient")
    fine(given_to(town, place, AGENTS_CARD, PATIENT_CARD))

    (received,) = [event for event in town.store.streams[place[0]] if isinstance(event, SupplyReceived)]
    assert received.collector == CollectorIdentity(
        name="某某", identity_no=AGENTS_CARD, patient_identity_no=PATIENT_CARD
    )
    (public,) = town.store.told_of(told.SupplyReceived)
    assert public.collector_kind == "agent"
    assert AGENTS_CARD not in public.model_dump_json()


def test_the_review_names_the_check_of_the_signature(town: Town) -> None:
    fulfilment = town.release()
    hold_id = town.hold(fulfilment)
    content = town.store.state(CONTENTS.ref(content_id(town.state(fulfilment).prescription_id)))

    refused(town.review(fulfilment, hold_id, serial_seen=uuid4()), "hold.signature_stale")
    fine(town.review(fulfilment, hold_id, serial_seen=content.signature_serial))

    accepted = town.store.streams[fulfilment][-1]
    assert accepted.signature_serial == content.signature_serial


def test_another_revision_has_another_check(town: Town) -> None:
    fulfilment = town.release()
    prescription_id = town.state(fulfilment).prescription_id
    ref = CONTENTS.ref(content_id(prescription_id))
    before = town.store.state(ref).signature_serial
    later = town.released(prescription_id, (60,)).model_copy(update={"revision": 2, "signed_sha256": "cd" * 32})
    town.store.react(later)

    refused(town.review(fulfilment, town.hold(fulfilment), serial_seen=before), "hold.signature_stale")


def test_what_was_not_checked_in_full_must_be_acknowledged(town: Town) -> None:
    fulfilment = town.release(60, degraded=True)
    hold_id = town.hold(fulfilment)

    refused(town.review(fulfilment, hold_id), "hold.signature_degraded")
    fine(town.review(fulfilment, hold_id, signature_acknowledged=True))


def test_without_any_check_there_is_no_review(town: Town) -> None:
    fulfilment = town.release()
    hold_id = town.hold(fulfilment)
    command = PassPharmacyReview(hold_id=hold_id, pharmacy=A, pharmacist=person("pharmacist"))

    outcome = holds.pass_review(town.state(fulfilment), command, NOON, CN.on(date(2026, 3, 2)))

    assert getattr(outcome, "code", None) == "hold.signature_unseen"


def test_of_a_fulfilment_that_there_is_not_nothing_is_reviewed(town: Town) -> None:
    refused(town.review(uuid4(), uuid4()), "hold.unknown")


def test_a_line_is_given_back_once(town: Town) -> None:
    fulfilment = town.release()
    hold_id = town.hold(fulfilment)
    twice = ({"line": 1, "quantity": 20}, {"line": 1, "quantity": 10})

    refused(town.release_hold(fulfilment, hold_id, lines=twice), "hold.line_twice")


def test_a_prescription_that_is_not_known_has_no_check() -> None:
    assert CONTENTS.initial.signature_serial is None
    assert CONTENTS.initial.lines == ()


@pytest.mark.parametrize("born", ["20080302", "20080303"], ids=["today", "tomorrow"])
def test_the_cards_of_this_test_are_valid(born: str) -> None:
    assert born in (GROWN_UP_TODAY if born.endswith("02") else GROWN_UP_TOMORROW)
