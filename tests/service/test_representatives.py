"""A representative over HTTP and five services: what the scope names, on its days, for that patient, and no more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from contracts.roles import SCOPES_OF, Role
from rxflow.client import Problem
from rxflow.play.journey import Journey
from rxflow.simulation.writing import a_journey, stores_of
from services.seedwork.calendar import civil_day
from services.seedwork.representation import Scope
from tests.service.test_forgetting import files_of, forget
from tests.support.doors import Door, Knocking, doors, refusal
from tests.support.town import Town

DAUGHTER = {"name": "欧阳代办", "identity_number": "110101200503042549", "kind": "family", "account": "daughter-1"}
NOT_IN_FORCE, OUT_OF_SCOPE = "representation.not_in_force", "representation.out_of_scope"


def appointment(town: Town, *scope: Scope, **changes: Any) -> dict[str, Any]:
    return {**DAUGHTER, "scope": list(scope), "valid_from": civil_day(town.now()).isoformat(), **changes}


def refused(wanted: Callable[[], Any]) -> str:
    with pytest.raises(Problem) as problem:
        wanted()
    return str(problem.value.code)


def changes_of(town: Town) -> dict[str, int]:
    """How much is recorded in each service."""
    return {name: office.count("events") for name, office in town.offices.items()}


def partly_in_hands(town: Town) -> Journey:
    """Two lines, one of them fetched."""
    journey = a_journey(town, 6, lines=2)
    journey.issue()
    journey.pass_review()
    store = stores_of(town, journey)[0]
    fulfilment = town.cast.patient(journey.admitted.patient_ref).fulfilments(journey.prescription_id)[0]
    first = next(row for row in fulfilment["lines"] if row["line"] == 1)
    wanted = {"line": 1, "quantity": first["buckets"]["remaining"]}
    supply = journey.dispense(store, journey.hold(store, lines=[wanted]))
    journey.clear(store, supply)
    journey.collect(store, supply)
    town.settle()
    return journey


def test_appointed_nominates_sees_acknowledges_is_withdrawn_and_refused(town: Town) -> None:
    journey = partly_in_hands(town)
    about, whom = journey.prescription_id, journey.admitted.patient_ref
    patient, daughter = town.cast.patient(whom), town.cast.representative("daughter-1", whom)
    doctor, pharmacy = town.cast.prescriber(journey.doctor), stores_of(town, journey)[1].code
    assert refused(lambda: daughter.prescription(about)) == NOT_IN_FORCE

    given = patient.appoint(whom, appointment(town, Scope.READ, Scope.NOMINATE, Scope.NOTICES))

    # she sees what the patient sees, and no code
    assert daughter.prescription(about) == patient.prescription(about)
    (fulfilment,) = daughter.fulfilments(about)
    assert refused(lambda: daughter.token(fulfilment["fulfilment_id"])) == OUT_OF_SCOPE
    # names a pharmacy where dispatch keeps it, on the record as herself for the patient
    daughter.nominate_for(fulfilment["fulfilment_id"], pharmacy)
    assert patient.fulfilments(about)[0]["nominated_pharmacy"] == pharmacy
    recorded = town.offices["dispatch"].query("SELECT CAST(state AS TEXT) FROM events")
    assert any(f"daughter-1 for patient {whom}" in row[0] for row in recorded)
    # is told not to use any more what the patient has; her word is the first and stands
    request_id = doctor.cancel(about, "wrong_drug", urgent=True).body["request_id"]
    assert [each["request_id"] for each in daughter.stop_use_notices()] == [request_id]
    for reader in (daughter, patient):
        assert reader.acknowledge_stop_use(about, request_id).status == 200
    (notice,) = patient.stop_use_notices()
    assert (notice["acknowledged_by"], notice["acknowledged_as"]) == ("daughter-1", "representative")
    inbox = [each["facts"] for each in doctor.feedback() if each["kind"] == "stop_use_acknowledged"]
    assert inbox == [{"request_id": request_id, "by": "representative"}]
    # withdrawn: refused here at once, there as soon as it has come through
    town.follows = False
    patient.withdraw(whom, given)
    assert refused(lambda: daughter.prescription(about)) == NOT_IN_FORCE
    assert daughter.fulfilments(about)
    town.settle()
    before = changes_of(town)
    assert refused(lambda: daughter.fulfilments(about)) == NOT_IN_FORCE
    assert refused(lambda: daughter.nominate_for(fulfilment["fulfilment_id"], None)) == NOT_IN_FORCE
    assert changes_of(town) == before


def test_it_ends_by_itself_everywhere(town: Town) -> None:
    journey = a_journey(town, 6)
    journey.issue()
    journey.pass_review()
    whom = journey.admitted.patient_ref
    patient, daughter = town.cast.patient(whom), town.cast.representative("daughter-1", whom)
    last = (civil_day(town.now()) + timedelta(days=1)).isoformat()
    patient.appoint(whom, appointment(town, Scope.READ, Scope.TOKEN, valid_until=last))
    (fulfilment,) = daughter.fulfilments(journey.prescription_id)
    assert daughter.token(fulfilment["fulfilment_id"]) == patient.token(fulfilment["fulfilment_id"])

    town.move_clock(timedelta(days=2))

    assert refused(lambda: daughter.prescription(journey.prescription_id)) == NOT_IN_FORCE
    assert refused(lambda: daughter.fulfilments(journey.prescription_id)) == NOT_IN_FORCE


def test_who_may_pay_pays_the_patients_share(town: Town) -> None:
    journey = a_journey(town, 6)
    journey.issue()
    journey.pass_review()
    store, whom = stores_of(town, journey)[0], journey.admitted.patient_ref
    patient, daughter = town.cast.patient(whom), town.cast.representative("daughter-1", whom)
    supply = journey.dispense(store, journey.hold(store))
    town.settle()
    assert refused(lambda: daughter.claims(supply.supply_id)) == NOT_IN_FORCE
    patient.appoint(whom, appointment(town, Scope.PAY))

    (claim,) = daughter.claims(supply.supply_id)
    (payment,) = daughter.payments(claim["claim_id"])
    assert daughter.pay(payment["payment_id"], "WX-4711").body["status"] == "paid"
    assert refused(daughter.give_standing_authorisation) == "identity.forbidden"


def test_no_door_opens_to_a_representative_without_the_scope_for_it(shared_town: Town) -> None:
    """Every route that representatives may use, before the appointment and with every scope but its own."""
    whom = a_journey(shared_town, 12).admitted.patient_ref
    knocking, patient = Knocking(shared_town), shared_town.cast.patient(whom)
    open_to = [door for door in doors(shared_town) if door.right in SCOPES_OF]
    assert {door.right for door in open_to} == SCOPES_OF.keys()

    for door in open_to:
        assert answer_to(knocking, door, whom, "stranger-1") == NOT_IN_FORCE
    for number, scope in enumerate(Scope):
        given = appointment(shared_town, *(set(Scope) - {scope}), account=f"all-but-{scope}")
        assert patient.withdraw(whom, patient.appoint(whom, given)).status == 200, number
        held = patient.appoint(whom, given)
        for door in open_to:
            if SCOPES_OF[str(door.right)] == {scope}:
                assert answer_to(knocking, door, whom, f"all-but-{scope}") == OUT_OF_SCOPE, door
        patient.withdraw(whom, held)


def answer_to(knocking: Knocking, door: Door, whom: Any, account: str) -> str:
    knocking.town.settle()
    before = knocking.nothing_changed()
    token = knocking.token(Role.REPRESENTATIVE, subject=account, patient_ref=whom)
    code = refusal(door, knocking.send(door, token=token, json={} if door.takes_json else None))
    assert knocking.nothing_changed() == before
    return code


def test_nothing_of_the_representative_is_sent_or_kept_in_clear_and_all_goes_with_the_patient(town: Town) -> None:
    journey = a_journey(town, 6)
    whom = journey.admitted.patient_ref
    patient, daughter = town.cast.patient(whom), town.cast.representative("daughter-1", whom)
    patient.appoint(whom, appointment(town, Scope.READ))
    town.settle()
    words = (DAUGHTER["name"], DAUGHTER["identity_number"], "daughter-1")
    (shown,) = patient.pages("prescribe", f"/patients/{whom}/representatives")
    assert (shown["name"], shown["account"]) == (words[0], words[2])

    assert said_in_clear(town, words) == []
    forget(town, journey)

    assert refused(lambda: list(daughter.prescriptions())) == NOT_IN_FORCE
    assert said_in_clear(town, words) == []


def said_in_clear(town: Town, words: tuple[str, ...]) -> list[str]:
    content = {path.name: path.read_bytes() for path in files_of(town)}
    return [f"{word} in {name}" for name, stored in content.items() for word in words if word.encode() in stored]
