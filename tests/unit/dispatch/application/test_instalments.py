"""Instalments of a long-term supply: a fulfilment each, with its own window, quantities and token."""

from uuid import UUID, uuid4

from contracts.events import dispatch as told
from contracts.events import prescribe
from contracts.events.prescribe_later import InstalmentLapsed
from contracts.values import LineQuantity
from services.dispatch.domain.fulfilment.aggregate import fulfilment_id
from tests.unit.dispatch.town import HOUR, Town


def two_instalments(town: Town) -> tuple[UUID, UUID]:
    """Both open at once, as it is after a replacement became due in the first."""
    prescription_id = uuid4()
    town.store.react(town.released(prescription_id, (60,)).model_copy(update={"instalments": 2}))
    for number in (1, 2):
        opened = town.instalment(prescription_id, (30,))
        town.store.react(opened.model_copy(update={"instalment": number, "of": 2}))
    return fulfilment_id(prescription_id, 1), fulfilment_id(prescription_id, 2)


def lapse(town: Town, fulfilment: UUID, number: int) -> None:
    event = InstalmentLapsed(
        prescription_id=town.state(fulfilment).prescription_id,
        patient_ref=town.patient_ref,
        instalment=number,
        lines=(LineQuantity(line=1, quantity=30),),
    )
    for _ in range(2):
        town.store.react(event)


def test_an_instalment_lapses_alone() -> None:
    town = Town()
    first, second = two_instalments(town)

    lapse(town, first, 1)

    assert (town.state(first).status, town.state(first).outcome) == ("closed", "lapsed")
    assert town.state(second).status == "open"
    assert len(town.store.told_of(told.FulfilmentClosed)) == 1


def test_what_is_held_when_its_window_closes_may_still_be_dispensed_and_lapses_when_it_is_freed() -> None:
    town = Town()
    first, _ = two_instalments(town)
    town.hold(first, (1, 20))

    lapse(town, first, 1)
    assert town.state(first).status == "closing"
    town.store.move_clock(HOUR)

    assert town.state(first).lines[1].buckets.lapsed == 30


def test_a_part_that_is_cancelled_counts_once_over_all_instalments() -> None:
    town = Town()
    first, second = two_instalments(town)
    request = prescribe.CancellationRequested(
        request_id=uuid4(),
        prescription_id=town.state(first).prescription_id,
        patient_ref=town.patient_ref,
        fulfilments=(first, second),
        scope=(LineQuantity(line=1, quantity=40),),
        reason_code="wrong_drug",
        urgent=False,
        answer_due_at=town.store.time + HOUR,
    )

    town.store.react(request)

    cancelled = [town.state(each).lines[1].buckets.cancelled for each in (first, second)]
    assert cancelled == [30, 10]
    assert all(each.final for each in town.store.told_of(told.CancellationDecided))


def test_all_of_it_is_cancelled_in_every_instalment() -> None:
    town = Town()
    first, second = two_instalments(town)
    town.cancel(first)

    assert town.state(first).outcome == "cancelled"
    assert town.state(second).status == "open"  # the request did not name it
