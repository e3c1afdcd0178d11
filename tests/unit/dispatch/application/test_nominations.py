"""Holding by the patient's nomination: who may, what is seen before, and what a change of mind does."""

from collections.abc import Callable, Generator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.events import dispatch as told
from contracts.events import prescribe
from contracts.values import LineQuantity
from services.dispatch.application import holds
from services.dispatch.application.holds import HoldRequest
from services.dispatch.application.nominations import nominate_pharmacy
from services.dispatch.composition import SERVICE
from services.dispatch.domain.fulfilment.aggregate import fulfilment_id
from services.dispatch.domain.fulfilment.commands import WantedLine
from services.dispatch.domain.fulfilment.nomination import NominatePharmacy
from services.dispatch.domain.values import Way
from services.seedwork.model import Loaded
from services.seedwork.ports import Outcome
from services.seedwork.store.drivers import Driver
from services.seedwork.usecase import Actor, Decision, Moment, UseCase
from tests.support.service_on_sqlite import ServiceOnSqlite, service_on_sqlite
from tests.unit.dispatch.test_dispatch_on_sqlite import RealStore
from tests.unit.dispatch.town import HOUR, KEY, A, B, Town, actor, fine, person, place, refused


def nominate(town: Town, fulfilment: UUID, pharmacy: str | None = A, who: UUID | None = None) -> Outcome:
    patient = Actor("patient-1", "patient", patient_ref=who or town.patient_ref)
    return town.store.run(nominate_pharmacy(fulfilment, NominatePharmacy(pharmacy=pharmacy)), patient)


def hold_without_code(town: Town, fulfilment: UUID, quantity: int = 60, pharmacy: str = A) -> Outcome:
    request = HoldRequest(
        fulfilment_id=fulfilment,
        pharmacy=pharmacy,
        pharmacist=person("pharmacist", pharmacy),
        token=None,
        way=Way.COUNTER,
        lines=(WantedLine(line=1, quantity=quantity),),
    )
    who = actor("pharmacist", pharmacy)
    return town.store.run(holds.hold_quantity(request, who, KEY, KEY), who)


def test_the_nominated_pharmacy_holds_without_the_code_and_no_other_does(town: Town) -> None:
    fulfilment = town.release()

    refused(hold_without_code(town, fulfilment), "hold.not_nominated")
    fine(nominate(town, fulfilment))
    refused(hold_without_code(town, fulfilment, pharmacy=B), "hold.not_nominated")
    hold_id = UUID(fine(hold_without_code(town, fulfilment)).body["hold_id"])

    state = town.state(fulfilment)
    assert state.lines[1].buckets.held == 60
    assert state.holds[hold_id].right == "nomination"


def test_a_hold_by_the_code_says_so(town: Town) -> None:
    fulfilment = town.release()

    hold_id = town.hold(fulfilment)

    assert town.state(fulfilment).holds[hold_id].right == "token"


def test_the_nomination_takes_nothing_from_whoever_shows_the_code(town: Town) -> None:
    fulfilment = town.release()
    fine(nominate(town, fulfilment))

    town.hold(fulfilment, pharmacy=B)


def test_wrong_codes_lock_codes_and_not_the_nomination(town: Town) -> None:
    fulfilment = town.release()
    fine(nominate(town, fulfilment))
    for _ in range(5):
        refused(town.try_hold(fulfilment, token="0" * 12), "token.wrong")
    refused(town.try_hold(fulfilment), "token.locked")

    fine(hold_without_code(town, fulfilment))


def test_a_wrong_code_is_counted_even_at_the_nominated_pharmacy(town: Town) -> None:
    fulfilment = town.release()
    fine(nominate(town, fulfilment))

    refused(town.try_hold(fulfilment, token="0" * 12), "token.wrong")


def test_what_the_patient_chose_before_the_release_holds_for_every_instalment(town: Town) -> None:
    prescription = uuid4()
    released = town.released(prescription, (60,)).model_copy(update={"nominated_pharmacy": A, "instalments": 2})
    town.store.react(released)
    town.store.react(town.instalment(prescription, (30,)))
    first, second = (fulfilment_id(prescription, number) for number in (1, 2))

    fine(hold_without_code(town, first, 30))
    town.store.react(opened(town, prescription, 2))
    fine(hold_without_code(town, second, 30))


def opened(town: Town, prescription: UUID, instalment: int) -> prescribe.InstalmentOpened:
    return prescribe.InstalmentOpened(
        prescription_id=prescription,
        patient_ref=town.patient_ref,
        instalment=instalment,
        of=2,
        opens_at=town.opens_at,
        closes_at=town.closes_at,
        lines=(LineQuantity(line=1, quantity=30),),
    )


def test_a_change_of_mind_holds_for_open_and_later_instalments(town: Town) -> None:
    prescription = uuid4()
    town.store.react(town.released(prescription, (90,)).model_copy(update={"nominated_pharmacy": A, "instalments": 3}))
    town.store.react(town.instalment(prescription, (30,)))
    town.store.react(opened(town, prescription, 2))
    first, second, third = (fulfilment_id(prescription, number) for number in (1, 2, 3))
    town.collected(first, 30)

    fine(nominate(town, second, B))
    town.store.react(opened(town, prescription, 3))

    assert town.state(first).nominated_pharmacy == A, "it is over"
    refused(hold_without_code(town, second, 30), "hold.not_nominated")
    fine(hold_without_code(town, second, 30, B))
    fine(hold_without_code(town, third, 30, B))
    fine(nominate(town, third, None))
    assert town.state(second).nominated_pharmacy is None


def test_a_pharmacy_that_holds_goes_on_when_the_patient_changes_their_mind(town: Town) -> None:
    fulfilment = town.release()
    fine(nominate(town, fulfilment))
    held = UUID(fine(hold_without_code(town, fulfilment, 40)).body["hold_id"])

    answer = fine(nominate(town, fulfilment, B)).body

    assert [row["hold_id"] for row in answer["holds"]] == [str(held)]
    assert [event.pharmacy for event in town.store.told_of(told.PharmacyNominated)] == [A, B]
    refused(hold_without_code(town, fulfilment, 20), "hold.not_nominated")
    fine(hold_without_code(town, fulfilment, 20, B))
    fine(town.review(fulfilment, held))
    town.store.move_clock(4 * HOUR)
    assert town.state(fulfilment).lines[1].buckets.remaining == 60
    refused(hold_without_code(town, fulfilment, 40), "hold.not_nominated")


def test_only_the_patient_chooses_and_only_while_something_can_be_held(town: Town) -> None:
    fulfilment = town.release()

    refused(nominate(town, fulfilment, who=uuid4()), "fulfilment.not_yours")
    refused(nominate(town, uuid4()), "fulfilment.unknown")
    town.expire(fulfilment)
    refused(nominate(town, fulfilment), "fulfilment.wrong_state")


def test_the_same_choice_again_changes_nothing(town: Town) -> None:
    fulfilment = town.release()
    fine(nominate(town, fulfilment))
    before = town.store.log_index

    fine(nominate(town, fulfilment))

    assert town.store.log_index == before


def test_a_pharmacy_that_is_suspended_or_unknown_is_not_nominated(town: Town) -> None:
    fulfilment = town.release()
    fine(nominate(town, fulfilment))
    town.load("pharmacy", B, place(28.15, 112.95, "430103"), suspended=True)

    refused(nominate(town, fulfilment, B), "pharmacy.not_admitted")
    refused(nominate(town, fulfilment, "P99999999999"), "pharmacy.not_admitted")

    assert town.state(fulfilment).nominated_pharmacy == A


def test_a_nominated_pharmacy_that_is_suspended_holds_nothing_and_can_be_left(town: Town) -> None:
    fulfilment = town.release()
    fine(nominate(town, fulfilment))
    town.load("pharmacy", A, place(28.20, 112.98, "430102"), suspended=True)

    refused(hold_without_code(town, fulfilment), "pharmacy.not_admitted")
    fine(nominate(town, fulfilment, None))
    fine(nominate(town, fulfilment, B))
    fine(hold_without_code(town, fulfilment, pharmacy=B))


def test_a_pharmacy_named_before_the_release_that_nobody_admitted_holds_nothing(town: Town) -> None:
    prescription = uuid4()
    unknown = "P99999999999"
    town.store.react(town.released(prescription, (60,)).model_copy(update={"nominated_pharmacy": unknown}))
    town.store.react(town.instalment(prescription, (60,)))

    refused(hold_without_code(town, fulfilment_id(prescription, 1), pharmacy=unknown), "pharmacy.not_admitted")


def test_the_nomination_ends_with_the_validity(town: Town) -> None:
    fulfilment = town.release()
    fine(nominate(town, fulfilment))
    town.store.move_clock(town.closes_at - town.store.time + timedelta(seconds=1))

    refused(hold_without_code(town, fulfilment), "hold.validity_over")


def listed(town: Town, pharmacy: str = A, after: int = 0) -> list[UUID]:
    return [row["fulfilment_id"] for row in town.store.rows("nominated_of", pharmacy=pharmacy, after=after, limit=9)]


def test_a_pharmacy_finds_what_it_is_nominated_for_until_it_is_over(town: Town) -> None:
    first, second, other = town.release(), town.release(), town.release()
    fine(nominate(town, second))
    fine(nominate(town, first))
    fine(nominate(town, other, B))

    assert listed(town) == [second, first]
    fine(nominate(town, second, B))
    assert (listed(town), listed(town, B)) == ([first], [other, second])
    fine(nominate(town, second, None))
    town.expire(first)
    assert (listed(town), listed(town, B)) == ([], [other])
    town.collected(other, pharmacy=B)
    assert listed(town, B) == []


def test_a_patient_who_is_forgotten_is_in_no_pharmacys_list(town: Town) -> None:
    fulfilment = town.release()
    fine(nominate(town, fulfilment))

    town.store.react(prescribe.PatientForgotten(patient_ref=town.patient_ref))

    assert listed(town) == []


def overtaken(service: ServiceOnSqlite, town: Town, late: Callable[[], Outcome], first: Callable[[], Any]) -> Outcome:
    """`first` is saved by another process between the decision of `late` and its save."""
    run = town.store.run
    done: list[bool] = []

    def racing(use_case: UseCase, actor: Actor | None = None) -> Outcome:
        def decide(moment: Moment, *loaded: Loaded[Any]) -> Generator[Any, Any, Decision]:
            deciding = use_case.decide(moment, *loaded)
            decision = deciding if isinstance(deciding, Decision) else (yield from deciding)
            if not done:
                done.append(True)
                own, service.driver = service.driver, Driver(service.database, service.keyring)
                town.store.run = run  # type: ignore[method-assign]
                fine(first())
                service.driver = own
            return decision

        return run(replace(use_case, decide=decide), actor)

    town.store.run = racing  # type: ignore[method-assign]
    return late()


@pytest.mark.parametrize("first", ["hold", "change"])
def test_a_hold_and_a_change_of_mind_at_the_same_moment_have_one_order(tmp_path: Path, first: str) -> None:
    """Both were decided over the same state; the one that is saved second is decided again over the other."""
    with service_on_sqlite(SERVICE, tmp_path) as service:
        town = Town(RealStore(service), now=datetime.now(UTC))
        fulfilment = town.release()
        fine(nominate(town, fulfilment))
        steps = {
            "hold": lambda: hold_without_code(town, fulfilment),
            "change": lambda: nominate(town, fulfilment, B),
        }
        late = "change" if first == "hold" else "hold"

        outcome = overtaken(service, town, steps[late], steps[first])

        state = town.state(fulfilment)
        assert state.nominated_pharmacy == B
        if first == "hold":
            assert len(fine(outcome).body["holds"]) == 1, "the patient hears what was held meanwhile"
            assert state.lines[1].buckets.held == 60
        else:
            refused(outcome, "hold.not_nominated")
            assert state.lines[1].buckets.held == 0
