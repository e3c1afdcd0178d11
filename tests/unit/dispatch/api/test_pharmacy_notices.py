"""What a pharmacy hears beside its holds: lots that expire, contradictions, recalls, what the insurer wants of it."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.events import insurance, prescribe_later
from contracts.events.insurance_audit import AuditFlagged
from contracts.events.insurance_reconciliation import DifferenceClosed, DifferenceFound
from contracts.events.shortage_reporters import ReporterAlert
from contracts.events.shortage_responses import ReserveEnded, ReserveReleased
from contracts.roles import Role
from contracts.values import LineQuantity
from rxflow.docs.schemas import examples
from services.dispatch.domain.fulfilment.aggregate import fulfilment_id
from services.dispatch.domain.pharmacy_notice import PharmacyTold
from services.seedwork.model import derived_id
from tests.unit.dispatch.api.test_dispatch_api import Street, code_of
from tests.unit.dispatch.api.test_pharmacy_feed import Follower
from tests.unit.dispatch.application.test_recalls import load, worked_off
from tests.unit.dispatch.application.test_transfers import answer, propose, receive, send
from tests.unit.dispatch.regions import EAST, WEST, Regions, prepared
from tests.unit.dispatch.town import NOON, TABLETS, A, B, Town, fine


@pytest.fixture
def street(town: Town, tmp_path: Path) -> Street:
    return Street(town, tmp_path)


def of_kind(feed: Follower, kind: str) -> list[dict[str, Any]]:
    return [each for each in feed.changes() if each["kind"] == kind]


def test_a_lot_that_expires_soon_is_told_once_and_again_when_it_has_expired(street: Street, town: Town) -> None:
    ours, theirs = Follower(street.pharmacist), Follower(street.competitor)
    last_day = NOON.date() + timedelta(days=30)
    town.receive(A, TABLETS, "SHORT", 40, expiry=last_day)
    assert of_kind(ours, "expiry") == []

    town.store.move_clock(timedelta(days=1))
    (warned,) = of_kind(ours, "expiry")
    assert warned["status"] == "expires_soon"
    assert warned["facts"] == {"product": TABLETS, "lot": "SHORT", "expiry": last_day.isoformat(), "quantity": 40}
    town.store.move_clock(timedelta(days=1))
    assert of_kind(ours, "expiry") == []

    town.store.move_clock(timedelta(days=30))
    (expired,) = of_kind(ours, "expiry")
    assert (expired["status"], expired["facts"]["quantity"]) == ("expired", 40)
    assert of_kind(theirs, "expiry") == []


def test_out_of_stock_against_the_books_is_a_contradiction_and_too_little_is_none(street: Street, town: Town) -> None:
    feed = Follower(street.pharmacist)
    fulfilment = town.release()
    town.release_hold(fulfilment, town.hold(fulfilment), reason="out_of_stock")

    (told,) = of_kind(feed, "contradiction")
    assert (told["status"], told["fulfilment_id"]) == ("out_of_stock", None)
    assert told["facts"] == {"product": TABLETS, "on_hand": 200, "quantity": 60}

    town.try_hold(town.release(400), (1, 400))
    assert of_kind(feed, "contradiction") == []


def test_a_recall_is_told_to_every_pharmacy_and_its_own_shelf_and_patients_to_each(street: Street, town: Town) -> None:
    ours, theirs = Follower(street.pharmacist), Follower(street.competitor)
    fulfilment = town.release()
    supply_id = town.collected(fulfilment, 60)
    ours.changes()
    recall_id = UUID(fine(load(town, "L1")).body["recall_id"])

    for feed in (ours, theirs):
        (told,) = feed.changes()
        assert (told["kind"], told["status"], told["subject_id"]) == ("recall", "recalled", str(recall_id))
        assert told["facts"]["lots"] == ["L1"]
        assert told["facts"]["instruction"] == "do not take it; bring it back"
        assert told["due_at"] is not None

    worked_off(town, recall_id)
    found = {each["kind"]: each for each in ours.changes()}
    assert found["recalled_shelf"]["facts"] == {
        "recall_id": str(recall_id),
        "product": TABLETS,
        "lot": "L1",
        "quantity": 140,
    }
    stop = found["stop_use"]
    assert (stop["status"], stop["supply_id"], stop["fulfilment_id"]) == (
        "patient_told",
        str(supply_id),
        str(fulfilment),
    )
    assert {each["kind"] for each in theirs.changes()} == {"recalled_shelf"}

    (notice,) = town.store.rows("notices_of", patient_ref=town.patient_ref, after=UUID(int=0), limit=9)
    street.patient.post(f"/recall-notices/{notice['notice_id']}/acknowledgements")
    assert [(each["kind"], each["status"]) for each in ours.changes()] == [("stop_use", "acknowledged")]
    town.store.move_clock(timedelta(hours=1))
    for _ in range(12):
        town.store.move_clock(timedelta(minutes=11))
    assert [(each["kind"], each["status"]) for each in theirs.changes()] == [("recall", "worked_off")]


def test_an_urgent_stop_reaches_the_pharmacy_that_gave_it(street: Street, town: Town) -> None:
    fulfilment = town.release()
    supply_id = town.collected(fulfilment, 20)
    town.hold(fulfilment, (1, 20))
    other = town.hold(fulfilment, (1, 20), pharmacy=B)
    ours, theirs = Follower(street.pharmacist), Follower(street.competitor)
    assert (len(ours.changes()), len(theirs.changes())) == (2, 1)
    event = prescribe_later.StopUseNotified(
        prescription_id=town.state(fulfilment).prescription_id,
        patient_ref=town.patient_ref,
        request_id=uuid4(),
        reason_code="allergy",
        lines=(LineQuantity(line=1, quantity=20),),
    )

    for _ in range(2):
        town.store.react(event)

    (told,) = ours.changes()
    assert (told["supply_id"], told["notice"], told["status"]) == (str(supply_id), "stop_use", "received")
    assert theirs.changes() == [], other
    assert fulfilment == fulfilment_id(event.prescription_id, 1)


CLAIM = {"insurer": "430100", "attempt": 1, "claim_id": UUID(int=7)}
AMOUNTS: dict[str, Any] = {
    "policy": "p",
    "policy_date": NOON.date(),
    "total": 3750,
    "fund": 3000,
    "account": 0,
    "patient_share": 750,
    "payers": (),
    "lines": (),
}


def test_what_an_insurer_decides_late_is_told_to_the_pharmacy(street: Street, town: Town) -> None:
    fulfilment = town.release()
    supply_id = town.collected(fulfilment, 60)
    ours, theirs = Follower(street.pharmacist), Follower(street.competitor)
    ours.changes()
    about = {
        **CLAIM,
        "pharmacy": A,
        "patient_ref": town.patient_ref,
        "supply_id": supply_id,
        "fulfilment_id": fulfilment,
        "prescription_id": town.state(fulfilment).prescription_id,
    }

    town.store.react(insurance.ClaimRefused(stage="late", reasons=("not_insured",), may_self_pay=False, **about))
    (asked,) = of_kind(ours, "claim")
    assert (asked["status"], asked["reason"], asked["supply_id"]) == ("disputed", None, str(supply_id))
    assert asked["subject_id"] == str(derived_id("claim_notice", CLAIM["claim_id"]))
    assert asked["facts"] == {"attempt": 1, "insurer": "430100", "stage": "late", "reasons": ["not_insured"]}

    settled = insurance.ClaimSettled(receipt_sha256="0" * 64, decided="pharmacy_bears", **AMOUNTS, **about)
    for _ in range(2):
        town.store.react(settled)
    (decided,) = of_kind(ours, "claim")
    assert (decided["status"], decided["reason"]) == ("decided", "pharmacy_bears")
    assert (decided["facts"]["total"], decided["facts"]["fund"]) == (3750, 3000)

    town.store.react(insurance.ClaimReversed(reason="ordered", **AMOUNTS, **about))
    (reversed_,) = of_kind(ours, "claim")
    assert (reversed_["status"], reversed_["reason"]) == ("reversed", "ordered")
    assert of_kind(theirs, "claim") == []


def test_what_the_audit_asks_is_told_to_the_pharmacy_and_how_it_stands_later(street: Street, town: Town) -> None:
    example = examples()["insurance.audit_flagged.v1"]
    ours, theirs = Follower(street.pharmacist), Follower(street.competitor)
    for status in ("open", "open", "cleared"):
        town.store.react(AuditFlagged.model_validate({**example, "pharmacy": A, "status": status}))
        told = of_kind(ours, "audit")
        assert [each["status"] for each in told] in ([status], [])

    (now,) = of_kind(Follower(street.pharmacist), "audit")
    assert (now["status"], now["supply_id"]) == ("cleared", example["supply_id"])
    assert now["facts"]["findings"] == example["findings"]
    assert example["patient_ref"] not in str(now)
    assert of_kind(theirs, "audit") == []


def test_what_the_daily_close_finds_and_what_becomes_of_it_is_told_to_the_pharmacy(street: Street, town: Town) -> None:
    example = {**examples()["insurance.difference_found.v1"], "pharmacy": A}
    ours, theirs = Follower(street.pharmacist), Follower(street.competitor)
    for _ in range(2):
        town.store.react(DifferenceFound.model_validate(example))
    (found,) = of_kind(ours, "difference")
    assert (found["status"], found["reason"], found["facts"]["kind"]) == ("open", None, "only_ours")
    assert (found["facts"]["ours"], found["facts"]["theirs"]) == (example["ours"], None)
    town.store.react(DifferenceFound.model_validate({**example, "message_id": uuid4(), "pharmacy": None}))

    answered = {**examples()["insurance.difference_closed.v1"], "pharmacy": A}
    for _ in range(2):
        town.store.react(DifferenceClosed.model_validate(answered))
    (closed,) = of_kind(ours, "difference")
    assert (closed["status"], closed["reason"], closed["facts"]["borne"]) == (
        "closed",
        "pharmacy_bears",
        answered["borne"],
    )
    assert closed["subject_id"] == found["subject_id"]
    town.store.react(DifferenceClosed.model_validate({**answered, "pharmacy": None}))
    assert of_kind(ours, "difference") == of_kind(theirs, "difference") == []


def test_a_code_that_turns_out_to_be_sold_in_another_region_is_told_to_the_pharmacy_that_has_it(
    tmp_path: Path,
) -> None:
    regions = Regions()
    east, west = regions.towns[EAST], regions.towns[WEST]
    code, free = regions.codes_of(WEST, 2)
    there, _hold, sold = prepared(west, code)
    fine(west.try_check(there, sold))
    regions.close(WEST)
    street = Street(east, tmp_path)
    ours, theirs = Follower(street.pharmacist), Follower(street.competitor)
    fulfilment, _hold, supply_id = prepared(east, code)
    fine(east.try_check(fulfilment, supply_id))
    other, _hold, undisputed = prepared(east, free)
    fine(east.try_check(other, undisputed))
    assert of_kind(ours, "trace_code") == []

    regions.open(WEST)
    regions.tick()

    (told,) = of_kind(ours, "trace_code")
    assert (told["status"], told["facts"]) == ("repeated", {"trace_codes": [code]})
    assert (told["fulfilment_id"], told["supply_id"]) == (str(fulfilment), str(supply_id))
    assert of_kind(theirs, "trace_code") == []


def test_what_becomes_of_a_supply_changes_no_notice_about_it(street: Street, town: Town) -> None:
    fulfilment = town.release()
    supply_id = town.dispensed(fulfilment)
    about = {"pharmacy": A, "fulfilment_id": fulfilment, "supply_id": supply_id}
    town.store.react(AuditFlagged.model_validate({**examples()["insurance.audit_flagged.v1"], **about}))
    feed = Follower(street.pharmacist)
    (asked,) = of_kind(feed, "audit")

    town.clear(fulfilment, supply_id)
    fine(town.try_hand_out(fulfilment, supply_id))

    changed = feed.changes()
    assert [(each["kind"], each["status"]) for each in changed] == [("hold", "received")]
    assert asked["status"] not in {"received", "dispensed"}


def test_a_pharmacy_hears_what_shortage_makes_of_its_reports(street: Street, town: Town) -> None:
    example = {**examples()["shortage.reporter_alert.v1"], "reporter": A}
    ours, theirs = Follower(street.pharmacist), Follower(street.competitor)
    silent = {**example, "kind": "silent", "against": None}
    for changes in (example, example, {**example, "since": "2026-03-05"}, silent, {**silent, "raised": False}):
        town.store.react(ReporterAlert.model_validate(changes))
    town.store.react(ReporterAlert.model_validate({**example, "reporter": "91430100MA4L00000X"}))

    told = of_kind(ours, "reporter")
    assert [(each["status"], each["facts"]["since"]) for each in told] == [
        ("contradictory", "2026-03-05"),
        ("heard_again", "2026-03-02"),
    ]
    assert told[0]["facts"]["against"] == example["against"]
    assert of_kind(theirs, "reporter") == []
    subjects = [row.event.pharmacy for row in town.store.log if isinstance(row.event, PharmacyTold)]
    assert subjects == [A] * 4, "a maker has no feed here"


def test_a_pharmacy_hears_of_each_kind_of_report_for_itself(street: Street, town: Town) -> None:
    example = {**examples()["shortage.reporter_alert.v1"], "reporter": A, "kind": "silent", "against": None}
    ours = Follower(street.pharmacist)
    direct, over = {"source": "direct_report"}, {"raised": False}
    for changes in (example, {**example, **direct}, {**example, **over}):
        town.store.react(ReporterAlert.model_validate(changes))

    told = of_kind(ours, "reporter")
    assert [(each["status"], each["facts"].get("source")) for each in told] == [
        ("silent", "direct_report"),
        ("heard_again", None),
    ]

    town.store.react(ReporterAlert.model_validate({**example, **direct, **over, "left": True}))
    assert [(each["status"], each["facts"].get("source")) for each in of_kind(ours, "reporter")] == [
        ("left", "direct_report")
    ]


def test_both_sides_follow_a_transfer_to_its_end(street: Street, town: Town) -> None:
    giver, taker = Follower(street.pharmacist), Follower(street.competitor)
    transfer = propose(town)
    for feed, side in ((giver, "giver"), (taker, "taker")):
        (told,) = feed.changes()
        assert (told["kind"], told["status"], told["subject_id"]) == ("transfer", "offered", str(transfer))
        assert (told["facts"]["side"], told["facts"]["quantity"], told["facts"]["packs"]) == (side, 60, 3)
        assert told["due_at"].startswith("2026-03-04T16:00:00")

    fine(answer(town, transfer, A))
    assert [(each["status"], each["reason"]) for each in of_kind(taker, "transfer")] == [("accepted", "giver")]
    fine(answer(town, transfer, B))
    assert [(each["status"], each["due_at"]) for each in of_kind(giver, "transfer")] == [("agreed", None)]
    fine(send(town, transfer))
    assert [(each["status"], each["facts"]["side"]) for each in of_kind(taker, "transfer")] == [("sent", "taker")]
    fine(receive(town, transfer))
    assert [each["status"] for each in of_kind(giver, "transfer")] == ["arrived"]

    other = propose(town)
    fine(answer(town, other, B, accept=False, reason="no room"))
    (told,) = of_kind(giver, "transfer")
    assert (told["subject_id"], told["status"], told["reason"]) == (str(other), "declined", "taker")
    assert "no room" not in str(told)


@pytest.mark.parametrize(
    ("region", "ours"), [("", True), ("43", True), ("4301", True), ("430102", True), ("430103", False), ("33", False)]
)
def test_a_reserve_on_its_way_is_told_to_the_pharmacies_of_its_region(
    street: Street, town: Town, region: str, ours: bool
) -> None:
    feed = Follower(street.pharmacist)
    event = ReserveReleased.model_validate({**examples()["shortage.reserve_released.v1"], "region": region})
    for _ in range(2):
        town.store.react(event)

    told = of_kind(feed, "reserve")
    assert len(told) == ours
    for each in told:
        assert (each["status"], each["facts"]["quantity"], each["facts"]["to"]) == (
            "on_its_way",
            event.quantity,
            event.to,
        )
        assert each["facts"]["drug_key"] == event.drug_key
        assert (each["due_at"] is not None) == (event.expected_on is not None)
    assert feed.changes() == []


@pytest.mark.parametrize("ended_as", ["time_over", "case_over"])
def test_a_reserve_that_is_expected_no_more_is_told_so_once(street: Street, town: Town, ended_as: str) -> None:
    feed = Follower(street.pharmacist)
    released = {**examples()["shortage.reserve_released.v1"], "region": "4301"}
    ended = ReserveEnded.model_validate({**examples()["shortage.reserve_ended.v1"], "ended_as": ended_as})
    town.store.react(ended)  # of one that was never told here: nothing to end
    town.store.react(ReserveReleased.model_validate(released))
    assert [each["status"] for each in feed.changes()] == ["on_its_way"]

    for _ in range(2):
        town.store.react(ended)
    town.store.react(ReserveReleased.model_validate(released))

    (told,) = feed.changes()
    assert (told["kind"], told["status"], told["reason"]) == ("reserve", "over", ended_as)
    assert told["due_at"] is None
    assert told["facts"]["quantity"] == released["quantity"]
    assert feed.changes() == []


def test_whoever_the_register_does_not_know_hears_what_everybody_is_told(street: Street, town: Town) -> None:
    stranger = Follower(street.staff(Role.PHARMACIST, "P43010200099"))
    for region in ("43", ""):
        event = {**examples()["shortage.reserve_released.v1"], "region": region, "response_id": uuid4()}
        town.store.react(ReserveReleased.model_validate(event))

    assert [each["facts"]["region"] for each in stranger.changes()] == [""]


def test_an_everyday_settlement_is_no_news(street: Street, town: Town) -> None:
    fulfilment = town.release()
    supply_id = town.collected(fulfilment, 60)
    feed = Follower(street.pharmacist)
    feed.changes()
    about = {**CLAIM, "pharmacy": A, "patient_ref": town.patient_ref, "supply_id": supply_id}
    about |= {"fulfilment_id": fulfilment, "prescription_id": town.state(fulfilment).prescription_id}

    town.store.react(insurance.ClaimSettled(receipt_sha256="0" * 64, **AMOUNTS, **about))

    assert feed.changes() == []


def test_credit_is_told_apart_from_what_is_cleared(street: Street, town: Town) -> None:
    fulfilment = town.release()
    supply_id = town.dispensed(fulfilment)
    feed = Follower(street.pharmacist)
    feed.changes()

    town.store.react(insurance.SupplyCleared(how="credit", **town.claim(fulfilment, supply_id)))

    (told,) = feed.changes()
    assert (told["kind"], told["claim"]) == ("hold", "credit")


def test_many_changes_come_in_order_page_by_page_whether_for_one_or_for_all(street: Street, town: Town) -> None:
    feed = Follower(street.pharmacist)
    for number in range(3):
        town.hold(town.release(20), (1, 20))
        fine(load(town, f"NEVER{number}"))

    seen = [each for _ in range(6) for each in feed.changes(limit=1)]

    assert [each["kind"] for each in seen] == ["hold", "recall"] * 3
    assert [each["position"] for each in seen] == sorted(each["position"] for each in seen)
    assert feed.changes() == []


def test_the_quality_manager_follows_it_too_and_a_courier_does_not(street: Street) -> None:
    assert street.quality.get("/pharmacy-feed").status_code == 200
    assert code_of(street.courier.get("/pharmacy-feed")) == "identity.forbidden"
