"""When a hold ends, the patient is offered the nearest pharmacies that have all that is still wanted."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.events import dispatch as told
from contracts.events import prescribe, prescribe_later
from services.dispatch.application.registers import pharmacy_ref
from services.dispatch.application.views import fulfilment_view
from services.dispatch.domain.fulfilment.aggregate import fulfilment_id
from services.dispatch.domain.fulfilment.offers import DRUGS_AT_ONCE_MAX
from tests.unit.dispatch.town import DRUGS, NOON, SYRUP, TABLETS, A, B, Town, drug, fine, place, released_line

NEAR, FAR, ELSEWHERE = "P43010200011", "P43010200012", "P43010200013"


@pytest.fixture
def street(town: Town) -> Town:
    """A pharmacy beside A, one farther off than B, one in another county; the last two have everything."""
    for code, latitude in ((NEAR, 28.201), (FAR, 28.13), (ELSEWHERE, 29.2)):
        town.load("pharmacy", code, place(latitude, 112.98, "430102"))
    for code in (FAR, ELSEWHERE):
        town.receive(code, TABLETS, "L1", 200)
        town.receive(code, SYRUP, "S1", 10)
    return town


def offered(town: Town) -> list[str]:
    (ended,) = town.store.told_of(told.HoldEnded)
    return [offer.pharmacy for offer in ended.offers]


def test_the_nearest_that_have_all_lines_are_offered(street: Town) -> None:
    street.receive(NEAR, TABLETS, "L1", 200)  # the nearest, but no syrup
    fulfilment = street.release(60, 2)
    street.release_hold(fulfilment, street.hold(fulfilment), "out_of_stock")

    (ended,) = street.store.told_of(told.HoldEnded)
    assert [offer.pharmacy for offer in ended.offers] == [B, FAR]
    distances = [offer.distance_metres for offer in ended.offers]
    assert distances == sorted(distances)
    assert 6_000 < distances[0] < 6_600


def test_too_little_is_not_all(street: Town) -> None:
    street.receive(NEAR, TABLETS, "L1", 40)
    fulfilment = street.release()
    street.release_hold(fulfilment, street.hold(fulfilment))

    assert NEAR not in offered(street)


def test_what_another_has_reserved_is_not_there(street: Town) -> None:
    street.hold(street.release(), (1, 60), pharmacy=B)
    street.hold(street.release(), (1, 60), pharmacy=B)
    street.hold(street.release(), (1, 21), pharmacy=B)
    fulfilment = street.release()
    street.release_hold(fulfilment, street.hold(fulfilment))

    assert offered(street) == [FAR]


def test_after_a_partial_supply_only_the_rest_is_looked_for(street: Town) -> None:
    street.receive(NEAR, TABLETS, "L1", 40)
    fulfilment = street.release()
    street.dispensed(fulfilment, 20, held=60)

    (ended,) = street.store.told_of(told.HoldEnded)
    assert ended.how == "rest_freed"
    assert ended.offers[0].pharmacy == NEAR


def test_the_nearest_are_the_same_wherever_they_are_looked_for_first(street: Town) -> None:
    # given: five within a fourth of the radius that have all, and one of them without a line; seen from A at 28.2
    around = [f"P4301020002{number}" for number in range(6)]
    for number, code in enumerate(around):
        street.load("pharmacy", code, place(28.2 + 0.004 * (number - 3), 112.981, "430102"))
        street.receive(code, TABLETS, "L1", 200)
        if code != around[2]:
            street.receive(code, SYRUP, "S1", 10)
    offered_first = _offered_after_a_hold(street)
    near_enough = sorted((each for each in around if each != around[2]), key=lambda each: abs(int(each[-1]) - 3))
    assert set(offered_first) == set(near_enough)

    # when one of the five is suspended, one beyond is needed
    street.load("pharmacy", around[0], place(28.188, 112.981, "430102"), suspended=True)
    street.store.told.clear()

    # then
    again = _offered_after_a_hold(street)
    assert again == [each for each in offered_first if each != around[0]] + [B]


def _offered_after_a_hold(street: Town) -> list[str]:
    fulfilment = street.release(60, 2)
    street.release_hold(fulfilment, street.hold(fulfilment), "out_of_stock")
    return offered(street)


def test_an_expired_hold_offers_as_well(street: Town) -> None:
    fulfilment = street.release()
    street.hold(fulfilment)
    street.store.move_clock(timedelta(minutes=31))

    assert offered(street) == [B, FAR]


def test_a_suspended_pharmacy_is_not_offered(street: Town) -> None:
    street.load("pharmacy", B, place(28.15, 112.95, "430103"), suspended=True)
    fulfilment = street.release()
    street.release_hold(fulfilment, street.hold(fulfilment))

    assert offered(street) == [FAR]


def test_blocked_lines_are_offered_nowhere(street: Town) -> None:
    fulfilment = street.release()
    street.hold(fulfilment)
    state = street.state(fulfilment)
    street.store.react(_block(state.prescription_id, street.patient_ref))

    assert offered(street) == []


def _block(prescription_id: UUID, patient_ref: UUID) -> Any:
    return prescribe_later.LinesBlocked(
        prescription_id=prescription_id,
        patient_ref=patient_ref,
        block_id=UUID(int=7),
        lines=(1,),
        source="rescreen",
        codes=("2-8",),
        asked_by="review",
        reason="x",
    )


def test_after_validity_nothing_is_offered(street: Town) -> None:
    fulfilment = street.release()
    street.hold(fulfilment)
    street.expire(fulfilment)
    street.release_hold(fulfilment, next(iter(street.state(fulfilment).holds)))

    assert offered(street) == []


def test_of_a_pharmacy_that_is_in_no_register_nothing_is_known(street: Town) -> None:
    fulfilment = street.release()
    hold_id = street.hold(fulfilment)
    del street.store.streams[pharmacy_ref(A).stream_id]

    street.release_hold(fulfilment, hold_id)

    assert offered(street) == []


@pytest.mark.parametrize(("of_the_last", "nearest"), [(10, [B, FAR]), (9, [FAR])])
def test_all_lines_count_also_of_a_prescription_of_more_than_one_query_asks_about(
    street: Town, monkeypatch: pytest.MonkeyPatch, of_the_last: int, nearest: list[str]
) -> None:
    """As those of herbs (饮片) have."""
    herbs = [f"T{number:022d}" for number in range(DRUGS_AT_ONCE_MAX + 1)]
    for number, product in enumerate(herbs):
        facts = {"generic_name": f"饮片{number}", "form": "饮片", "strength": "1g", "pack_size": 1}
        monkeypatch.setitem(DRUGS, product, facts)
        street.refer("drug", product, drug(**facts))
        for pharmacy in (A, B, FAR):
            enough = of_the_last if (pharmacy, product) == (B, herbs[-1]) else 10
            street.receive(pharmacy, product, "H1", enough)
    prescription_id, quantities = uuid4(), (10,) * len(herbs)
    lines = [released_line(number, product, 10) for number, product in enumerate(herbs, 1)]
    written = street.released(prescription_id, (10,)).model_dump() | {"lines": lines, "medicine_kind": "herbal"}
    street.store.react(prescribe.PrescriptionReleased.model_validate(written))
    street.store.react(street.instalment(prescription_id, quantities))
    fulfilment = fulfilment_id(prescription_id, 1)

    fine(street.release_hold(fulfilment, street.hold(fulfilment, (1, 10))))

    assert offered(street) == nearest


def test_the_patient_sees_what_is_offered_and_no_pharmacy_does(street: Town) -> None:
    fulfilment = street.release()
    fine(street.release_hold(fulfilment, street.hold(fulfilment)))
    state = street.state(fulfilment)

    assert [row["pharmacy"] for row in fulfilment_view(state)["holds"][0]["offers"]] == [B, FAR]
    assert "offers" not in fulfilment_view(state, A)["holds"][0]
    assert street.store.time == NOON
