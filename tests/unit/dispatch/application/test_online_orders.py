"""What is sent to a patient was ordered by real name, with the risk notice of the day read (网售实名, 风险警示)."""

from pathlib import Path
from uuid import UUID, uuid4

import pytest

from services.dispatch.composition import SERVICE
from services.dispatch.domain.fulfilment.online_order import OnlineOrderConfirmed
from services.dispatch.domain.policy import CN
from services.dispatch.domain.values import Way
from tests.support.store_in_memory import StoreInMemory
from tests.unit.dispatch.api.test_dispatch_api import Street, code_of
from tests.unit.dispatch.town import NOON, PATIENT_CARD, Town, fine, refused, valid_card


def orders(town: Town, fulfilment: UUID) -> list[OnlineOrderConfirmed]:
    return [each for each in town.store.streams[fulfilment] if isinstance(each, OnlineOrderConfirmed)]


def test_nothing_is_held_for_delivery_before_the_patient_has_ordered_it(town: Town) -> None:
    fulfilment = town.release()
    refused(town.try_hold(fulfilment, way=Way.DELIVERY, ordered=False), "hold.online_order_unconfirmed")
    assert town.buckets(fulfilment) == {"remaining": 60}
    fine(town.try_hold(fulfilment, (1, 20), ordered=False))  # over the counter nobody asks

    fine(town.try_order(fulfilment))
    fine(town.try_hold(fulfilment, (1, 20), way=Way.DELIVERY, ordered=False))

    (order,) = orders(town, fulfilment)
    assert (order.name, order.identity_no, order.notice) == (
        "测试患者",
        PATIENT_CARD,
        CN.versions[-1].online_notice.version,
    )  # type: ignore[union-attr]


def test_it_is_ordered_once_and_for_one_instalment(town: Town) -> None:
    first, second = town.release(), town.release()
    for _ in range(2):
        fine(town.try_order(first))

    assert len(orders(town, first)) == 1
    refused(town.try_hold(second, way=Way.DELIVERY, ordered=False), "hold.online_order_unconfirmed")


def test_it_is_the_patients_own_by_the_name_on_the_prescription(town: Town) -> None:
    fulfilment = town.release()

    refused(town.try_order(fulfilment, patient_ref=uuid4()), "fulfilment.not_yours")
    refused(town.try_order(fulfilment, patient_ref=None), "fulfilment.not_yours")
    refused(town.try_order(fulfilment, name="别人"), "online_order.name_differs")
    refused(town.try_order(fulfilment, identity_no=PATIENT_CARD[:-1] + "0"), "collector.identity_invalid")
    refused(town.try_order(fulfilment, identity_no=valid_card("43010220990307001")), "collector.identity_invalid")
    refused(town.try_order(fulfilment, notice="cn-2019"), "online_order.other_notice")
    refused(town.try_order(uuid4()), "fulfilment.unknown")
    assert orders(town, fulfilment) == []


def test_what_is_over_is_not_ordered_any_more_and_what_is_replaced_is(town: Town) -> None:
    over = town.release()
    town.collected(over, 60)
    refused(town.try_order(over), "fulfilment.wrong_state")
    lapsing = town.release()
    town.dispensed(lapsing)
    town.expire(lapsing)

    fine(town.try_order(lapsing))


def test_where_the_policy_wants_no_notice_none_is_asked_for() -> None:
    town = Town(StoreInMemory(SERVICE, NOON, jurisdiction="demo-eu"))
    fulfilment = town.release()

    refused(town.try_order(fulfilment), "online_order.other_notice")
    fine(town.try_hold(fulfilment, way=Way.DELIVERY, ordered=False))


@pytest.fixture
def street(town: Town, tmp_path: Path) -> Street:
    return Street(town, tmp_path)


def test_the_patient_reads_the_notice_and_orders(street: Street) -> None:
    fulfilment = street.town.release()
    path = f"/fulfilments/{fulfilment}/online-orders"
    assert code_of(street.hold(fulfilment, way="delivery")) == "hold.online_order_unconfirmed"
    notice = street.patient.get("/online-notice").json()
    assert "处方药须凭处方在药师指导下购买和使用" in notice["text"]
    said = {"name": "测试患者", "identity_no": PATIENT_CARD, "notice": notice["version"]}
    assert code_of(street.stranger.post(path, **said)) == "fulfilment.not_yours"
    assert code_of(street.pharmacist.post(path, **said)) == "identity.forbidden"

    ordered = street.patient.post(path, **said)

    assert ordered.json() == {"fulfilment_id": str(fulfilment), "online_notice": notice["version"]}
    assert street.patient.get(f"/fulfilments/{fulfilment}").json()["online_notice"] == notice["version"]
    assert street.hold(fulfilment, way="delivery").status_code == 201
