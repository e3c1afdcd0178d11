"""The rest of a partial fill is free for anybody; who asked is told when the pharmacy has it again."""

from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from contracts.events import prescribe
from contracts.roles import Role
from services.dispatch.api import router
from services.dispatch.application.owing import ask_for_notice
from services.dispatch.application.recalls import load_recall
from services.dispatch.application.stock import adjust_stock, count_stock, quarantine_stock, release_quarantine
from services.dispatch.domain.fulfilment.commands import AskForNotice
from services.dispatch.domain.recall import LoadRecall
from services.dispatch.domain.stock.booking import AdjustStock, CountedLot, CountStock
from services.dispatch.domain.stock.quarantine import DecideQuarantine, QuarantineStock
from services.seedwork.ports import Outcome
from services.seedwork.usecase import Actor
from tests.support.http_caller import Caller
from tests.unit.dispatch.road import QUALITY, Road
from tests.unit.dispatch.town import BRAND, GOOD_UNTIL, SYRUP, TABLETS, A, B, Town, fine, person, refused


def ask(town: Town, fulfilment: UUID, supply_id: UUID, **changes: Any) -> Outcome:
    fields = {"line": 1, "pharmacy": None, "patient_ref": town.patient_ref, "asked_by": "patient", **changes}
    return town.store.run(ask_for_notice(fulfilment, AskForNotice(supply_id=supply_id, **fields)))


def partly(town: Town) -> tuple[UUID, UUID]:
    """40 of 60 tablets given."""
    fulfilment = town.release()
    return fulfilment, town.dispensed(fulfilment, 40, held=60)


class Feeds:
    def __init__(self, town: Town, keys: Path) -> None:
        self._call = Caller(town.store, router, keys)
        self._patient = self._call.token("patient-1", Role.PATIENT, patient_ref=town.patient_ref)
        self._other = self._call.token("patient-2", Role.PATIENT, patient_ref=uuid4())
        self._staff = {
            place: self._call.token(person("preparer", place), Role.PREPARER, organisation=place) for place in (A, B)
        }

    def get(self, token: str, **query: Any) -> httpx.Response:
        return self._call(token, "GET", "/notices", params=query)

    def of(self, who: str) -> list[dict[str, Any]]:
        token = {"patient": self._patient, "other": self._other}.get(who) or self._staff[who]
        items: list[dict[str, Any]] = self.get(token).json()["items"]
        return items

    def pages(self, limit: int) -> list[list[str]]:
        """The pharmacy's feed, page by page."""
        pages, cursor = [], None
        while True:
            body = self.get(self._staff[A], limit=limit, **({"cursor": cursor} if cursor else {})).json()
            pages.append([item["fulfilment_id"] for item in body["items"]])
            cursor = body.get("next")
            if not cursor:
                return pages


@pytest.fixture
def feeds(town: Town, tmp_path: Path) -> Feeds:
    return Feeds(town, tmp_path)


def test_pharmacy_and_patient_are_told_when_stock_arrives(town: Town, feeds: Feeds) -> None:
    fulfilment, supply_id = partly(town)
    assert fine(ask(town, fulfilment, supply_id)).body["owed"] == 20
    fine(ask(town, fulfilment, supply_id))
    assert feeds.of("patient") == feeds.of(A) == []

    town.receive(A, BRAND, "B1", 30)  # another brand of the same drug

    for who in ("patient", A):
        (notice,) = feeds.of(who)
        assert (notice["fulfilment_id"], notice["line"], notice["quantity"]) == (str(fulfilment), 1, 20)
        assert (notice["pharmacy"], notice["remaining"]) == (A, 20)
    assert feeds.of("other") == feeds.of(B) == []


def counts(town: Town, lot: str, quantity: int, expiry: date, source: Any) -> None:
    found = (CountedLot(lot=lot, expiry=expiry, quantity=quantity),)
    command = CountStock(lots=found, counted_by=person("preparer"), source=source)
    fine(town.store.run(count_stock(A, TABLETS, command)))


@pytest.mark.parametrize("source", ["reported", "counted"])
def test_a_count_that_finds_more_tells_as_well(town: Town, feeds: Feeds, source: str) -> None:
    fulfilment, supply_id = partly(town)
    fine(ask(town, fulfilment, supply_id))
    counts(town, "L1", 0, GOOD_UNTIL, source)
    counts(town, "OLD", 20, date(2026, 3, 1), source)
    assert feeds.of("patient") == feeds.of(A) == []

    counts(town, "L1", 100, GOOD_UNTIL, source)

    for who in ("patient", A):
        assert [notice["fulfilment_id"] for notice in feeds.of(who)] == [str(fulfilment)]


def gone(town: Town, change: int) -> None:
    adjusted = AdjustStock(lot="L1", change=change, reason="stolen" if change < 0 else "found", adjusted_by="HY1")
    fine(town.store.run(adjust_stock(A, TABLETS, adjusted)))


def test_a_correction_upwards_tells_as_well(town: Town, feeds: Feeds) -> None:
    fine(ask(town, *partly(town)))
    gone(town, -10)
    assert feeds.of("patient") == []

    gone(town, 10)

    assert len(feeds.of("patient")) == len(feeds.of(A)) == 1


def test_packs_of_an_undone_supply_tell_as_well(town: Town, feeds: Feeds) -> None:
    other = town.release()
    supply_id = town.dispensed(other)
    fulfilment, owed = partly(town)
    fine(ask(town, fulfilment, owed))

    fine(town.give_up(other, supply_id))

    assert [notice["fulfilment_id"] for notice in feeds.of("patient")] == [str(fulfilment)]


def test_nobody_is_told_of_what_comes_back_of_their_own_supply(town: Town, feeds: Feeds) -> None:
    fulfilment, owed = partly(town)
    fine(ask(town, fulfilment, owed))
    other, second = partly(town)
    fine(ask(town, other, second))

    fine(town.give_up(fulfilment, owed))
    assert [notice["fulfilment_id"] for notice in feeds.of("patient")] == [str(other)]

    town.receive(A, TABLETS, "L2", 60)
    assert {notice["fulfilment_id"] for notice in feeds.of(A)} == {str(fulfilment), str(other)}


def test_nobody_is_told_of_their_own_parcel_that_came_back(town: Town, feeds: Feeds) -> None:
    road = Road(town, lines=(40,), prescribed=(60,)).out()
    fine(ask(town, road.fulfilment, road.supply_id))
    fine(road.refuse())
    fine(road.back())

    fine(road.inspect("restocked"))

    assert road.supply.status == "undone"
    assert feeds.of("patient") == []


def test_packs_that_are_released_out_of_quarantine_tell_as_well(town: Town, feeds: Feeds) -> None:
    fine(ask(town, *partly(town)))
    apart = QuarantineStock(lot="L1", quantity=20, reason="suspect", decided_by=person("pharmacist"))
    fine(town.store.run(quarantine_stock(A, TABLETS, apart)))
    assert feeds.of("patient") == []
    Road(town)  # a quality manager is known
    decided = DecideQuarantine(lot="L1", quantity=20, reason="fine", decided_by=QUALITY)

    fine(town.store.run(release_quarantine(A, TABLETS, decided)))

    assert len(feeds.of("patient")) == len(feeds.of(A)) == 1


def test_packs_of_a_recalled_lot_tell_nobody(town: Town, feeds: Feeds) -> None:
    fine(ask(town, *partly(town)))
    recall = {"recall_id": uuid4(), "product": TABLETS, "lots": ("L1", "NEW"), "recall_class": "1", "reason": "wrong"}
    command = LoadRecall(**recall, instruction="stop", loaded_by="authority", organisation="430000")
    regulator = Actor(subject="authority", role="regulator", region="430000")
    fine(town.store.run(load_recall(command, regulator), regulator))

    counts(town, "L1", 180, GOOD_UNTIL, "counted")
    counts(town, "NEW", 20, GOOD_UNTIL, "reported")
    gone(town, 10)
    assert feeds.of("patient") == []

    counts(town, "GOOD", 20, GOOD_UNTIL, "counted")
    assert len(feeds.of("patient")) == 1


def test_packs_that_are_scanned_against_the_books_are_no_arrival(town: Town, feeds: Feeds) -> None:
    fulfilment, supply_id = partly(town)
    fine(ask(town, fulfilment, supply_id))
    counts(town, "L1", 0, GOOD_UNTIL, "counted")

    town.dispensed(town.release(), 20, held=20, packs_seen=True)

    assert feeds.of("patient") == []


def test_another_drug_or_another_pharmacys_goods_tell_nobody(town: Town, feeds: Feeds) -> None:
    fine(ask(town, *partly(town)))

    town.receive(A, SYRUP, "S2", 5)
    town.receive(B, TABLETS, "L2", 60)

    assert feeds.of("patient") == []


def test_who_did_not_ask_is_not_told(town: Town, feeds: Feeds) -> None:
    partly(town)

    town.receive(A, TABLETS, "L2", 60)

    assert feeds.of("patient") == []


def test_a_notice_says_what_is_left_and_ends_with_the_fulfilment(town: Town, feeds: Feeds) -> None:
    fulfilment, supply_id = partly(town)
    fine(ask(town, fulfilment, supply_id))
    town.receive(A, TABLETS, "L2", 60)
    town.hold(fulfilment, (1, 20), pharmacy=B)
    assert feeds.of("patient")[0]["remaining"] == 0

    town.cancel(fulfilment)

    assert feeds.of("patient") == []


def test_what_lapses_is_not_owed_any_more(town: Town, feeds: Feeds) -> None:
    fulfilment, supply_id = partly(town)
    fine(ask(town, fulfilment, supply_id))
    town.expire(fulfilment)

    town.receive(A, TABLETS, "L2", 60)

    assert feeds.of("patient") == []
    refused(ask(town, fulfilment, supply_id), "supply.nothing_owed")


def test_a_forgotten_patient_has_no_wishes(town: Town, feeds: Feeds) -> None:
    fine(ask(town, *partly(town)))
    town.receive(A, TABLETS, "L2", 60)

    town.store.react(prescribe.PatientForgotten(patient_ref=town.patient_ref))

    assert feeds.of(A) == []


def test_one_delivery_answers_several_wishes_over_pages(town: Town, feeds: Feeds) -> None:
    asked = set()
    for _ in range(3):
        fulfilment, supply_id = partly(town)
        fine(ask(town, fulfilment, supply_id, pharmacy=A, patient_ref=None, asked_by=person("checker")))
        asked.add(str(fulfilment))
    town.receive(A, TABLETS, "L2", 60)

    pages = feeds.pages(2)

    assert [len(page) for page in pages] == [2, 1]
    assert {each for page in pages for each in page} == asked


def test_only_what_is_owed_to_whom_it_is_owed(town: Town) -> None:
    fulfilment, supply_id = partly(town)
    whole = town.release()
    complete = town.dispensed(whole)

    refused(ask(town, fulfilment, uuid4()), "supply.unknown")
    refused(ask(town, fulfilment, supply_id, pharmacy=B, patient_ref=None), "supply.not_yours")
    refused(ask(town, fulfilment, supply_id, patient_ref=uuid4()), "fulfilment.not_yours")
    refused(ask(town, fulfilment, supply_id, line=2), "supply.nothing_owed")
    refused(ask(town, whole, complete), "supply.nothing_owed")
    fine(town.give_up(fulfilment, supply_id))
    refused(ask(town, fulfilment, supply_id), "supply.wrong_state")
