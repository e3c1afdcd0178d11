"""Packs that should go from one pharmacy to another: both agree, one books out, the other books in."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.events.dispatch_stock import RegisterEntryRecorded
from contracts.events.shortage_responses import TransferProposed
from services.dispatch.application import recalls, transfers
from services.dispatch.domain.recall import LoadRecall
from services.dispatch.domain.stock import booking
from services.dispatch.domain.transfer import AnswerTransfer, TransferState, transfer_id, transfer_ref
from services.seedwork.ports import Outcome
from services.seedwork.usecase import Actor
from tests.unit.dispatch.town import BRAND, GOOD_UNTIL, TABLETS, A, B, Town, fine, place, refused

GIVER, TAKER = A, B


def propose(town: Town, quantity: int = 60, **changes: Any) -> UUID:
    event = TransferProposed.model_validate(
        {
            "response_id": uuid4(),
            "case_id": uuid4(),
            "drug_key": "卡托普利|片剂|25mg",
            "number": 1,
            "from_pharmacy": GIVER,
            "to_pharmacy": TAKER,
            "product": TABLETS,
            "quantity": quantity,
            "packs": quantity // 20,
            "distance_metres": 900,
            "legal_ground": "same_chain",
            "order_reason": None,
            "valid_until": date(2026, 3, 4),
            **changes,
        }
    )
    town.store.react(event)
    town.store.react(event)  # told again
    return transfer_id(event.response_id, 1)


def answer(town: Town, transfer: UUID, pharmacy: str, *, accept: bool = True, reason: str | None = None) -> Outcome:
    command = AnswerTransfer(pharmacy=pharmacy, accept=accept, by="HY1", reason=reason)
    return town.store.run(transfers.answer_transfer(transfer, command))


def agreed(town: Town, **changes: Any) -> UUID:
    transfer = propose(town, **changes)
    for pharmacy in (GIVER, TAKER):
        fine(answer(town, transfer, pharmacy))
    return transfer


def send(town: Town, transfer: UUID, pharmacy: str = GIVER) -> Outcome:
    return town.store.run(transfers.send_transfer(transfer, pharmacy, "HY1"))


def receive(town: Town, transfer: UUID, pharmacy: str = TAKER) -> Outcome:
    return town.store.run(transfers.receive_transfer(transfer, pharmacy, "HY2"))


def state(town: Town, transfer: UUID) -> TransferState:
    found: TransferState = town.store.state(transfer_ref(transfer))
    return found


def test_packs_move_with_their_lots_once_both_have_agreed(town: Town) -> None:
    town.receive(GIVER, TABLETS, "L0", 20, expiry=date(2027, 1, 31))
    before = town.shelf(TAKER).on_hand
    transfer = propose(town)
    assert answer(town, transfer, GIVER).body["state"] == "offered"
    assert answer(town, transfer, GIVER).body["accepted_by"] == ["giver"]  # the same again
    assert answer(town, transfer, TAKER).body["state"] == "agreed"

    sent = fine(send(town, transfer))
    assert [(row["lot"], row["quantity"]) for row in sent.body["lots"]] == [("L0", 20), ("L1", 40)]
    assert town.shelf(GIVER).on_hand == 160
    assert town.shelf(TAKER).on_hand == before  # on the road
    assert fine(receive(town, transfer)).body["state"] == "arrived"
    assert town.shelf(TAKER).on_hand == before + 60
    assert town.shelf(TAKER).lots["L0"].expiry == date(2027, 1, 31)
    refused(receive(town, transfer), "transfer.wrong_state")


def test_a_taker_that_never_had_it_takes_the_giver_s_price(town: Town) -> None:
    town.receive(GIVER, BRAND, "B1", 60, price=1990)
    transfer = agreed(town, product=BRAND)
    fine(send(town, transfer))
    fine(receive(town, transfer))
    assert (town.shelf(TAKER, BRAND).unit_price, town.shelf(TAKER, BRAND).pack_size) == (1990, 30)


def test_each_side_does_its_own_step_and_nobody_else_any(town: Town) -> None:
    transfer = agreed(town)
    refused(send(town, transfer, TAKER), "transfer.other_side")
    refused(receive(town, transfer, GIVER), "transfer.other_side")
    refused(receive(town, transfer), "transfer.wrong_state")
    for outcome in (
        send(town, transfer, "P43010400009"),
        receive(town, uuid4()),
        answer(town, transfer, "P43010400009"),
        answer(town, uuid4(), GIVER),
    ):
        refused(outcome, "transfer.unknown")


def test_a_no_has_a_reason_and_ends_it_until_the_packs_have_left(town: Town) -> None:
    offered, settled, gone = propose(town), agreed(town), agreed(town)
    refused(answer(town, offered, TAKER, accept=False), "transfer.no_reason")
    for transfer in (offered, settled):
        fine(answer(town, transfer, TAKER, accept=False, reason="已到货"))
        assert state(town, transfer).status == "declined"
        refused(answer(town, transfer, GIVER, accept=False, reason="x"), "transfer.wrong_state")
    fine(send(town, gone))
    refused(answer(town, gone, TAKER, accept=False, reason="已到货"), "transfer.wrong_state")


def test_it_is_answered_in_time_or_not_at_all(town: Town) -> None:
    transfer = propose(town)
    town.store.time += timedelta(days=3)
    refused(answer(town, transfer, GIVER), "transfer.too_late")
    fine(answer(town, transfer, GIVER, accept=False, reason="晚了"))


def test_what_is_reserved_stays(town: Town) -> None:
    town.hold(town.release(60))
    transfer = agreed(town, quantity=160)
    refused(send(town, transfer), "transfer.not_free")
    town.receive(GIVER, TABLETS, "L2", 20)
    fine(send(town, transfer))
    assert town.shelf(GIVER).available(date(2026, 3, 2)) == 0


def test_what_was_booked_back_in_time_is_not_given_twice(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    transfer = agreed(town)
    monkeypatch.setattr(booking, "_least", lambda _lot, _at: 0)
    refused(send(town, transfer), "stock.below_zero")


def test_goods_of_another_expiry_and_at_a_closed_place_are_not_booked_in(town: Town) -> None:
    differs, closed = agreed(town, quantity=20), agreed(town, quantity=20)
    town.receive(GIVER, TABLETS, "L0", 20, expiry=date(2027, 1, 31))
    fine(send(town, differs))
    town.receive(TAKER, TABLETS, "L0", 20, expiry=GOOD_UNTIL)  # the same number, another expiry
    refused(receive(town, differs), "stock.lot_differs")
    fine(send(town, closed))
    town.load("pharmacy", TAKER, place(28.15, 112.95, "430103"), suspended=True)
    refused(receive(town, closed), "pharmacy.not_admitted")


@pytest.mark.parametrize("fate", ["recalled", "expired"])
@pytest.mark.parametrize("known", [True, False], ids=["known there", "not known there"])
def test_what_was_recalled_or_expired_on_its_way_is_set_apart_where_it_arrives(
    town: Town, fate: str, known: bool
) -> None:
    """It is in the taker's hands and in nobody else's books: refused, it would be in none for ever."""
    lot, expiry = "L7", date(2026, 3, 3)
    town.receive(GIVER, TABLETS, lot, 20, expiry=expiry)
    if known:
        town.receive(TAKER, TABLETS, lot, 20, expiry=expiry)
    transfer = agreed(town, quantity=20)
    fine(send(town, transfer))
    if fate == "recalled":
        recall(town, lot)
    else:
        town.store.move_clock(timedelta(days=2))
    before = town.shelf(TAKER).available(date(2026, 3, 2))
    lots = town.shelf(TAKER).lots
    there = lots[lot].on_hand + lots[lot].quarantined if known else 0

    fine(receive(town, transfer))

    shelf = town.shelf(TAKER)
    assert (shelf.lots[lot].on_hand, shelf.lots[lot].quarantined) == (0, there + 20)
    assert shelf.lots[lot].recalled is (fate == "recalled")
    assert shelf.available(date(2026, 3, 2)) == before - (20 if known and fate == "recalled" else 0)
    refused(receive(town, transfer), "transfer.wrong_state")


@pytest.mark.parametrize("fate", ["recalled", "expired"])
def test_goods_of_another_expiry_are_not_mixed_with_a_lot_of_the_taker_whatever_became_of_them(
    town: Town, fate: str
) -> None:
    lot = "L7"
    town.receive(GIVER, TABLETS, lot, 20, expiry=date(2026, 3, 3))
    town.receive(TAKER, TABLETS, lot, 20, expiry=GOOD_UNTIL)
    transfer = agreed(town, quantity=20)
    fine(send(town, transfer))
    if fate == "recalled":
        recall(town, lot)
    else:
        town.store.move_clock(timedelta(days=2))

    refused(receive(town, transfer), "stock.lot_differs")

    there = town.shelf(TAKER).lots[lot]
    assert (there.on_hand, there.quarantined, there.expiry) == (20, 0, GOOD_UNTIL)
    assert state(town, transfer).status == "sent"


def recall(town: Town, lot: str) -> None:
    command = LoadRecall(
        recall_id=uuid4(),
        product=TABLETS,
        lots=(lot,),
        recall_class="1",
        reason="x",
        instruction="停用",
        loaded_by="R1",
        organisation="",
    )
    fine(town.store.run(recalls.load_recall(command, Actor("R1", "regulator", region="000000"))))


def test_both_sides_find_it_in_their_lists(town: Town) -> None:
    first, second = propose(town), propose(town)
    for pharmacy in (GIVER, TAKER):
        rows = town.store.rows("transfers_of", pharmacy=pharmacy, before=2**63 - 1, limit=10)
        assert [row["transfer_id"] for row in rows] == [second, first]
    assert town.store.rows("transfers_of", pharmacy="P43010400009", before=2**63 - 1, limit=10) == []
    assert transfers.transfer_view(TransferState())["lots"] == []


def test_a_pharmacy_of_the_register_is_told_and_a_courier_is_not(town: Town) -> None:
    told = town.store.told_of(RegisterEntryRecorded)
    assert {event.code for event in told} == {A, B}
    assert told[0].content["region"] == "430102"
