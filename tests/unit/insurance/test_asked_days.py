"""A day closed by asking the insurer itself: totals by 3201, items by 3202, no file by hand."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.insurance.adapters.national import statements
from services.insurance.adapters.simulated_insurer.mishaps import Mishaps
from services.insurance.api import asked_days
from services.insurance.application.reconciliation import PayerDay, tell_listed
from services.insurance.domain.payer_items import Figures, Item, Listed, listed_pairs
from services.insurance.domain.reconciliation_decisions import DIFFERENCES_MAX
from tests.unit.insurance.far import Far
from tests.unit.insurance.memory import INSURER, PHARMACY, insured_world, received, undone
from tests.unit.insurance.test_reconciliation import DAY, NEXT_DAY, Books, problem, settled

SUPPLIES = tuple(UUID(int=800 + number) for number in range(4))


class Asked:
    """Four claims of one day with an insurer beyond the network, the last of them given back; it is the next day."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, keys: Path, miscounted: int | None = None) -> None:
        self.far = Far()
        monkeypatch.setattr(asked_days, "OUTSIDE", self.far.memory.outside)
        for number, supply in enumerate(SUPPLIES):
            self.far.may_go_wrong(Mishaps.always("miscount") if number == miscounted else Mishaps())
            self.far.hear(supply)
            self.far.ask(supply)
            self.far.pay(supply)
        self.far.memory.hear(undone(supply=SUPPLIES[3]))
        self.far.tick()
        self.next_day()
        self.books = Books(self.far.memory, keys)

    def next_day(self) -> None:
        self.far.memory.time += timedelta(days=1)
        self.far._monotonic += 60.0

    def message(self, number: int) -> str:
        return str(self.far.memory.claim(supply=SUPPLIES[number]).message_id)

    def ask(self, day: str = DAY) -> Any:
        return self.books.ask("POST", f"/reconciliations/{day}/ask")


def test_a_day_on_which_the_insurer_has_booked_the_same_closes_at_zero(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = Asked(monkeypatch, tmp_path)

    closed = asked.ask().json()

    assert (closed["state"], closed["how"], closed["ours"]["count"]) == ("closed", "zero", 5)
    assert problem(asked.ask()) == "reconciliation.wrong_state"


def test_what_the_insurer_booked_otherwise_is_the_only_difference(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = Asked(monkeypatch, tmp_path, miscounted=1)

    opened = asked.ask().json()

    assert (opened["state"], opened["open"], opened["ours"]["fund"] + 1) == ("open", 1, opened["theirs"]["fund"])
    (found,) = asked.books.day()["items"]
    assert (found["kind"], found["message_id"], found["pharmacy"]) == ("amount", asked.message(1), PHARMACY)
    assert problem(asked.ask()) == "reconciliation.wrong_state", "what is found waits for its answer"
    assert asked.books.answer(found["message_id"], "insurer_corrects").json()["how"] == "accepted"


def test_what_one_side_lacks_is_told_from_either(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = Asked(monkeypatch, tmp_path)
    books = asked.far.books.entries
    of = {entry.medins_setl_id: msgid for msgid, entry in books.items()}
    del books[of[asked.message(0)]]
    strange = books[of[asked.message(1)]]
    books["strange"] = type(strange)(**{**strange.__dict__, "msgid": "strange", "medins_setl_id": "nobody-sent-it"})
    monkeypatch.setattr(statements, "PART_ROWS", 2)

    assert asked.ask().json()["open"] == 2
    kinds = {found["kind"]: found for found in asked.books.day()["items"]}
    assert kinds["only_ours"]["message_id"] == asked.message(0)
    assert kinds["unknown"]["claim_id"] is None


def test_what_was_never_answered_and_taken_back_is_no_difference(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    far = Far()
    monkeypatch.setattr(asked_days, "OUTSIDE", far.memory.outside)
    far.hear(SUPPLIES[0])
    far.mute = True
    far.ask(SUPPLIES[0])
    far.mute = False
    far.memory.hear(undone(supply=SUPPLIES[0]))
    far.tick()
    assert far.memory.claim(supply=SUPPLIES[0]).state == "voided"
    far.memory.time += timedelta(days=1)
    books = Books(far.memory, tmp_path)

    closed = books.ask("POST", f"/reconciliations/{DAY}/ask").json()

    assert (closed["how"], len(far.theirs())) == ("zero", 2)


def test_what_was_booked_while_the_insurer_compared_is_not_left_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked, late = Asked(monkeypatch, tmp_path), UUID(int=899)
    memory, of = asked.far.memory, PayerDay(INSURER, date.fromisoformat(DAY))
    (sums,) = memory.rows(of.query("totals_of_day"), **of.parameters)
    compared = Figures(**sums)
    memory.time -= timedelta(days=1)
    asked.far.hear(late)
    asked.far.ask(late)
    asked.next_day()

    refused = memory.refused(tell_listed(of, compared, []))

    assert (refused.code, refused.facts["side"]) == ("reconciliation.items_not_totals", "ours")
    assert refused.facts["items"]["count"] == compared.count + 1


def test_an_insurer_that_is_silent_or_contradicts_itself_closes_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = Asked(monkeypatch, tmp_path, miscounted=1)
    asked.far.cut = True
    assert problem(asked.ask()) == "reconciliation.payer_silent"
    asked.far.cut = False
    gateway = asked.far.gateway
    for lines, code in (
        (None, "reconciliation.payer_silent"),
        ([], "reconciliation.items_not_totals"),
        (
            [Listed(UUID(int=n), False, (1, 1, 0)) for n in range(DIFFERENCES_MAX + 1)],
            "reconciliation.too_many_differences",
        ),
    ):
        monkeypatch.setattr(gateway, "differing", lambda *_asked, lines=lines: lines)
        assert problem(asked.ask()) == code
    assert problem(asked.books.ask("GET", f"/reconciliations/{DAY}")) == "reconciliation.unknown"


def test_a_day_that_is_too_large_or_not_over_is_not_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = Asked(monkeypatch, tmp_path)
    messages = len(asked.far.messages)
    assert problem(asked.ask(NEXT_DAY)) == "reconciliation.day_not_over"
    monkeypatch.setattr(asked_days, "ITEMS_MAX", 4)
    assert problem(asked.ask()) == "reconciliation.by_file"
    assert len(asked.far.messages) == messages


def test_an_insurer_that_is_adjudicated_here_has_no_other_side_to_ask(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    memory = insured_world()
    monkeypatch.setattr(asked_days, "OUTSIDE", memory.outside)
    settled(memory, SUPPLIES[0])
    memory.time += timedelta(days=1)
    assert problem(Books(memory, tmp_path).ask("POST", f"/reconciliations/{DAY}/ask")) == "reconciliation.by_file"


@pytest.mark.parametrize(
    "output",
    [
        None,
        {},
        {"stmtinfo": []},
        {"file_qury_no": 7},
        {"file_qury_no": "F1", "result": {}},
        {"file_qury_no": "F1", "result": [{}]},
    ],
)
def test_what_is_no_statement_is_no_answer(output: Any) -> None:
    def ask(_infno: str, _said: Any) -> Any:
        return output

    assert statements.equal_totals(ask, date(2026, 3, 2), Figures()) is None
    assert statements.differing(ask, date(2026, 3, 2), []) is None


def test_a_line_that_is_not_listed_stands_there_as_it_does_here() -> None:
    ours = {UUID(int=1): Item(UUID(int=1), 100, 60, 0), UUID(int=2): Item(UUID(int=2), 50, 0, 0)}
    lines = [
        Listed(UUID(int=1), True, (-100, -60, 0)),
        Listed(UUID(int=2), False, None),
        Listed(UUID(int=3), False, (7, 7, 0)),
    ]
    assert listed_pairs(lines, ours) == [
        (ours[UUID(int=1)], Item(UUID(int=1), 0, 0, 0), 2),
        (ours[UUID(int=2)], None, 0),
        (None, Item(UUID(int=3), 7, 7, 0), 1),
    ]


def test_what_an_insurer_in_two_steps_has_only_reserved_is_booked_by_neither_side(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    far = Far(steps="two_step")
    monkeypatch.setattr(asked_days, "OUTSIDE", far.memory.outside)
    kept, given_up, unanswered = SUPPLIES[:3]
    for supply in (kept, given_up):
        far.hear(supply)
        far.ask(supply)
        far.pay(supply)
    far.hear(unanswered)
    far.mute = True
    far.ask(unanswered)
    far.mute = False
    for supply in (given_up, unanswered):
        far.memory.hear(undone(supply=supply))
    far.tick()
    assert {far.memory.claim(supply=supply).state for supply in (given_up, unanswered)} == {"voided"}
    books = Books(far.memory, tmp_path)

    far.memory.time += timedelta(days=1)
    closed = books.ask("POST", f"/reconciliations/{DAY}/ask").json()
    assert (closed["how"], closed["ours"]["count"]) == ("zero", 0)

    far.memory.hear(received(supply=kept))
    far.tick()
    assert far.memory.claim(supply=kept).state == "settled"
    far.memory.hear(undone(supply=kept))
    far.tick()
    assert far.memory.claim(supply=kept).state == "reversed"
    far.memory.time += timedelta(days=1)
    following = books.ask("POST", f"/reconciliations/{NEXT_DAY}/ask").json()
    assert (following["how"], following["ours"]["count"], following["ours"]["total"]) == ("zero", 2, 0)
