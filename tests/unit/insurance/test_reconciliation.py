"""A payer's daily close over HTTP: totals, items, differences and their answers, against claims that happened."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from contracts.events import insurance_reconciliation as told
from contracts.roles import Role
from services.insurance.api import router
from services.insurance.application.claim_inquiries import inquire
from services.insurance.application.claims import authorise_claim, give_credit_on_claim
from services.insurance.application.members import load_member
from services.insurance.application.payments import pay
from services.insurance.application.reconciliation import HIGHEST, LOWEST
from services.insurance.domain.accumulator import YearFigures
from services.insurance.domain.claim import AuthoriseClaim, GiveCredit, claim_id_of
from services.insurance.domain.gateway import BenefitRequest, GatewayOutcome, OutcomeKind
from services.insurance.domain.payment import PayShare, payment_of
from services.insurance.domain.reconciliation_decisions import DIFFERENCES_MAX, PART_ROWS_MAX
from services.seedwork.model import derived_id
from tests.support.http_caller import Caller
from tests.unit.insurance.memory import (
    ADMIN,
    INSURER,
    PATIENT_ACTOR,
    PHARMACIST,
    PHARMACY,
    Memory,
    dispensed,
    golden_member,
    insured_world,
    received,
    taken_back,
    undone,
)

DAY, NEXT_DAY = "2026-03-02", "2026-03-03"
SUPPLIES = tuple(UUID(int=900 + number) for number in range(3))
TODAY, NOTHING_YET = date(2026, 3, 2), YearFigures(deductible_used=0, pooled_paid=0)
Row = dict[str, Any]


class Books:
    """The officer's desk, and a payer that writes the file of what it has booked."""

    def __init__(self, memory: Memory, keys: Path) -> None:
        self.memory = memory
        self._call = Caller(memory, router, keys)
        self._officer = self._call.token("officer-1", Role.INSURANCE_OFFICER, organisation=INSURER)

    def ask(self, method: str, path: str, body: Any = None, *, as_: str | None = None) -> Any:
        return self._call(as_ or self._officer, method, path, json=body)

    def token(self, subject: str, role: Role, **claims: Any) -> str:
        token: str = self._call.token(subject, role, **claims)
        return token

    def other_officer(self) -> str:
        token: str = self._call.token("officer-2", Role.INSURANCE_OFFICER, organisation="I330100")
        return token

    def payer_file(self, day: str = DAY) -> list[Row]:
        """As a payer has it that agrees with us."""
        rows = self.memory.rows("payer_items_of_day", insurer=INSURER, day=day, after=LOWEST, upto=HIGHEST, limit=1_000)
        return [row_of(row["message_id"], row["total"], row["fund"], row["account"]) for row in rows]

    def totals(self, rows: list[Row], day: str = DAY) -> Any:
        body = {name: sum(row[name] for row in rows) for name in ("total", "fund", "account")}
        return self.ask("POST", f"/reconciliations/{day}/totals", {"count": len(rows), **body})

    def items(self, rows: list[Row], day: str = DAY, *, last: bool = True) -> Any:
        return self.ask("POST", f"/reconciliations/{day}/items", {"rows": rows, "last": last})

    def day(self, day: str = DAY) -> Any:
        return self.ask("GET", f"/reconciliations/{day}").json()

    def answer(self, message: str, answer: str, day: str = DAY) -> Any:
        path = f"/reconciliations/{day}/differences/{message}/answer"
        return self.ask("POST", path, {"answer": answer, "reason": "as agreed by phone"})

    def balance(self) -> Any:
        return self.ask("GET", "/ledger/trial-balance").json()


def row_of(message: Any, total: int, fund: int, account: int) -> Row:
    return {"msgid": str(message), "total": total, "fund": fund, "account": account}


def problem(response: Any) -> str:
    code: str = response.json()["type"].removeprefix("urn:rxflow:problem:")
    return code


def settled(memory: Memory, supply: UUID) -> UUID:
    claim = claim_id_of(supply, 1)
    memory.hear(dispensed(supply_id=supply))
    memory.run(authorise_claim(AuthoriseClaim(claim_id=claim, credential="token-4711"), memory.outside), PATIENT_ACTOR)
    if memory.claim(supply=supply).patient_share:
        share = PayShare(payment_id=payment_of(claim).stream_id, reference=f"WX-{supply.int}")
        memory.run(pay(share, memory.outside), PATIENT_ACTOR)
    memory.hear(received(supply=supply))
    assert memory.claim(supply=supply).state == "settled"
    return claim


@pytest.fixture
def books(tmp_path: Path) -> Books:
    """Three claims of one day, settled; it is the next day."""
    memory = insured_world()
    for supply in SUPPLIES:
        settled(memory, supply)
    memory.time += timedelta(days=1)
    return Books(memory, tmp_path)


def test_a_day_on_which_both_sides_come_to_the_same_closes_by_its_totals(books: Books) -> None:
    rows = books.payer_file()
    assert len(rows) == len(SUPPLIES)

    closed = books.totals(rows).json()

    assert (closed["state"], closed["how"], closed["ours"]) == ("closed", "zero", closed["theirs"])
    assert problem(books.totals(rows)) == "reconciliation.wrong_state"
    assert problem(books.items(rows)) == "reconciliation.wrong_state"


def test_a_days_totals_are_shown_by_scheme(tmp_path: Path) -> None:
    """By hand: a supply comes to 2 * 25.50 + 3 * 48.00 + 1 * 30.00 = 225.00 yuan; in scope 2 * 25.50 + 3 * 45.00 less
    10 % of 135.00 = 172.50. Resident, 50.00 of the deductible left: pooled 60 % of 122.50 = 73.50, assistance half of
    99.00 = 49.50, fund 123.00, account 60.00. An employee has used none of 200.00: nothing of 172.50 is above it, no
    assistance and nothing on the account. A second employee's supply: 172.50 + 172.50 - 200.00 = 145.00 above the
    deductible, pooled 50 % = 72.50; it is taken back on the same day and leaves nothing."""
    memory = insured_world()
    settled(memory, SUPPLIES[0])
    as_employee = golden_member(
        insutype="310", psn_type="在职", assistance=None, account_balance=0, figures=NOTHING_YET, as_of=TODAY
    )
    memory.run(load_member(as_employee), ADMIN)
    settled(memory, SUPPLIES[1])
    settled(memory, SUPPLIES[2])
    memory.hear(taken_back(supply=SUPPLIES[2]))
    memory.time += timedelta(days=1)
    books = Books(memory, tmp_path)
    books.totals(books.payer_file())
    day = books.day()
    assert day["schemes"] == [
        {"insutype": "310", "count": 3, "total": 22_500, "fund": 0, "account": 0},
        {"insutype": "390", "count": 1, "total": 22_500, "fund": 12_300, "account": 6_000},
    ]
    assert day["ours"] == {
        name: sum(scheme[name] for scheme in day["schemes"]) for name in ("count", "total", "fund", "account")
    }


def test_each_difference_has_kind_owner_and_age_and_its_answer_closes_the_day(books: Books) -> None:
    # given a file that lacks one booking, has another amount, and one that nobody sent
    rows = books.payer_file()
    lost, changed = rows[0], rows[1]
    strange = row_of("310101-20260302-0007", 999, 900, 0)
    theirs = sorted(
        [{**changed, "fund": changed["fund"] - 300}, rows[2], strange],
        key=lambda row: UUID(row["msgid"]) if row is not strange else derived_id("payer_message", row["msgid"]),
    )
    assert books.totals(theirs).json()["state"] == "differing"

    # when its items are told
    books.memory.time += timedelta(days=6)
    assert books.items(theirs).json()["open"] == 3

    # then each is shown with who has to act and since when
    shown = {item["kind"]: item for item in books.day()["items"]}
    assert set(shown) == {"only_ours", "amount", "unknown"}
    assert {item["owner"] for item in shown.values()} == {"insurer"}
    assert {(item["age_days"], item["overdue"]) for item in shown.values()} == {(7, True)}
    assert (shown["only_ours"]["message_id"], shown["only_ours"]["pharmacy"]) == (lost["msgid"], PHARMACY)
    assert shown["amount"]["missing"]["fund"] == 300
    assert [(each["day"], each["open"]) for each in books.ask("GET", "/reconciliations").json()["items"]] == [(DAY, 3)]

    # and when a person looks after one and answers all
    path = f"/reconciliations/{DAY}/differences/{lost['msgid']}/owner"
    assert books.ask("POST", path).status_code == 200
    assert books.ask("POST", path).status_code == 200
    assert problem(books.answer(lost["msgid"], "insurer_corrects")) == "reconciliation.answer_not_possible"
    assert books.answer(lost["msgid"], "insurer_books").json()["open"] == 2
    assert problem(books.answer(lost["msgid"], "insurer_books")) == "reconciliation.answered"
    assert books.answer(changed["msgid"], "pharmacy_bears").json()["state"] == "open"
    assert books.answer(shown["unknown"]["message_id"], "insurer_takes_back").json()["how"] == "accepted"

    # then what moved is booked, the books are at zero
    day = books.day()
    assert {item["person"] for item in day["items"]} == {"officer-1", None}
    assert not any(item["overdue"] for item in day["items"])
    balance = books.balance()
    accounts = {account["account"]: account["balance"] for account in balance["accounts"]}
    assert balance["balance"] == 0
    assert (accounts[f"borne.{PHARMACY}"], accounts[f"difference.{INSURER}"]) == (300, -300)
    assert problem(books.answer(lost["msgid"], "insurer_books")) == "reconciliation.wrong_state"


def test_the_others_hear_of_each_difference_of_its_answer_and_of_the_day_that_is_closed(books: Books) -> None:
    rows = books.payer_file()
    lost, changed = rows[0], rows[1]
    theirs = [{**changed, "fund": changed["fund"] - 300}, rows[2]]
    books.totals(theirs)
    books.items(theirs)

    found = {each.kind: each for each in books.memory.told_of(told.DifferenceFound)}
    assert {(each.insurer, each.day.isoformat(), each.pharmacy) for each in found.values()} == {
        (INSURER, DAY, PHARMACY)
    }
    assert (str(found["only_ours"].message_id), found["only_ours"].theirs) == (lost["msgid"], None)
    ours, payers = found["amount"].ours, found["amount"].theirs
    assert ours is not None
    assert payers is not None
    assert (ours.total - payers.total, ours.fund - payers.fund) == (0, 300)
    assert found["amount"].claim_id in {claim_id_of(supply, 1) for supply in SUPPLIES}

    books.answer(lost["msgid"], "insurer_books")
    assert books.memory.told_of(told.ReconciliationDayClosed) == []
    books.answer(changed["msgid"], "pharmacy_bears")

    closed = books.memory.told_of(told.DifferenceClosed)
    assert [(each.answer, each.borne) for each in closed] == [("insurer_books", 0), ("pharmacy_bears", 300)]
    assert {each.message_id for each in closed} == {each.message_id for each in found.values()}
    assert [(each.insurer, each.how) for each in books.memory.told_of(told.ReconciliationDayClosed)] == [
        (INSURER, "accepted")
    ]
    assert "officer-1" not in str([each.model_dump() for each in books.memory.told])


def test_items_come_in_parts_from_where_the_part_before_ended(books: Books) -> None:
    rows = books.payer_file()
    theirs = rows[:2]
    books.totals(theirs)

    first = books.items(theirs[:1], last=False).json()
    assert (first["state"], first["items_compared"], first["upto"]) == ("differing", 1, theirs[0]["msgid"])
    assert problem(books.items(theirs[:1], last=False)) == "reconciliation.not_in_order"
    assert problem(books.items([rows[2], rows[1]])) == "reconciliation.not_in_order"
    assert problem(books.items([], last=False)) == "reconciliation.part_size"
    assert problem(books.items([row_of(number, 0, 0, 0) for number in range(PART_ROWS_MAX + 1)])) == (
        "reconciliation.part_size"
    )
    assert problem(books.items([])) == "reconciliation.items_not_totals"
    last = books.items(theirs[1:]).json()
    assert (last["state"], last["open"]) == ("open", 1)
    assert [item["message_id"] for item in books.day()["items"]] == [rows[2]["msgid"]]


def test_totals_told_anew_start_the_items_again(books: Books) -> None:
    rows = books.payer_file()
    books.totals(rows[:1])
    books.items(rows[:1], last=False)
    assert books.totals(rows[:2]).json()["upto"] is None
    assert books.items(rows[:2]).json()["open"] == 1


def test_a_file_of_another_day_is_refused_as_a_whole(books: Books) -> None:
    strange = [row_of(UUID(int=2**64 + number), 100, 100, 0) for number in range(DIFFERENCES_MAX + 1)]
    books.totals(strange)
    before = books.day()
    assert problem(books.items(strange)) == "reconciliation.too_many_differences"
    assert books.day() == before


def test_a_day_that_is_not_over_is_not_compared(books: Books) -> None:
    assert problem(books.totals([], NEXT_DAY)) == "reconciliation.day_not_over"
    assert problem(books.ask("GET", f"/reconciliations/{NEXT_DAY}")) == "reconciliation.unknown"
    assert problem(books.answer(str(UUID(int=1)), "insurer_books", NEXT_DAY)) == "reconciliation.wrong_state"


def test_a_difference_is_looked_after_only_while_it_is_open(books: Books) -> None:
    rows = books.payer_file()
    path = f"/reconciliations/{DAY}/differences/{rows[2]['msgid']}/owner"
    assert problem(books.ask("POST", path)) == "reconciliation.wrong_state"
    books.totals(rows[:2])
    books.items(rows[:2])
    unknown = f"/reconciliations/{DAY}/differences/{UUID(int=77)}/owner"
    assert problem(books.ask("POST", unknown)) == "reconciliation.difference_unknown"
    assert books.ask("POST", path).status_code == 200
    books.answer(rows[2]["msgid"], "insurer_books")
    assert problem(books.ask("POST", path)) == "reconciliation.wrong_state"
    assert [item["person"] for item in books.day()["items"]] == ["officer-1"]


def test_another_insurers_officer_sees_and_answers_nothing_of_it(books: Books) -> None:
    rows = books.payer_file()
    books.totals(rows[:2])
    books.items(rows[:2])
    stranger = books.other_officer()
    assert problem(books.ask("GET", f"/reconciliations/{DAY}", as_=stranger)) == "reconciliation.unknown"
    assert books.ask("GET", "/reconciliations", as_=stranger).json()["items"] == []
    path = f"/reconciliations/{DAY}/differences/{rows[2]['msgid']}/answer"
    refused = books.ask("POST", path, {"answer": "insurer_books", "reason": "mine now"}, as_=stranger)
    assert problem(refused) == "reconciliation.wrong_state"
    assert problem(books.answer(str(UUID(int=77)), "insurer_books")) == "reconciliation.difference_unknown"


class SilentInsurer:
    """Books what it is asked and does not answer; later it says so, or denies it."""

    def __init__(self, memory_of: Any, later: OutcomeKind = OutcomeKind.ACCEPTED) -> None:
        self._inner = memory_of
        self._later = later
        self._asked: dict[UUID, BenefitRequest] = {}

    def quote(self, request: BenefitRequest) -> Any:
        return self._inner.quote(request)

    def authorise(self, request: BenefitRequest) -> GatewayOutcome:
        self._asked[request.message_id] = request
        return GatewayOutcome(OutcomeKind.UNKNOWN)

    def inquire(self, message_id: UUID) -> GatewayOutcome:
        if self._later is OutcomeKind.REFUSED:
            return GatewayOutcome(OutcomeKind.REFUSED, reasons=("85",))
        return GatewayOutcome(self._later, *_booked(self._inner.authorise(self._asked[message_id])))

    def void(self, message_id: UUID, original: UUID) -> GatewayOutcome:
        outcome: GatewayOutcome = self._inner.void(message_id, original)
        return outcome


def _booked(outcome: GatewayOutcome) -> tuple[Any, Any]:
    return outcome.adjudication, outcome.insurer


def silent(tmp_path: Path, later: OutcomeKind = OutcomeKind.ACCEPTED) -> tuple[Books, UUID]:
    """A claim that the insurer has not answered, the day after."""
    memory = insured_world()
    memory.outside = replace(memory.outside, gateway=SilentInsurer(memory.outside.gateway, later))
    supply = SUPPLIES[0]
    claim = claim_id_of(supply, 1)
    memory.hear(dispensed(supply_id=supply))
    memory.run(authorise_claim(AuthoriseClaim(claim_id=claim, credential="token-4711"), memory.outside), PATIENT_ACTOR)
    assert memory.claim(supply=supply).outcome_unknown
    return Books(memory, tmp_path), claim


def inquired(books: Books, claim: UUID) -> None:
    books.memory.time += timedelta(days=1)
    books.memory.run(inquire(claim, books.memory.outside))


def test_what_only_the_payer_booked_is_agreed_once_the_inquiry_has_found_it(tmp_path: Path) -> None:
    books, claim = silent(tmp_path)
    message = derived_id("authorisation", claim)
    theirs = [row_of(message, 22500, 12300, 6000)]
    books.memory.time += timedelta(days=1)
    books.totals(theirs)
    assert books.items(theirs).json()["open"] == 1
    (found,) = books.day()["items"]
    assert (found["kind"], found["owner"], found["claim_id"]) == ("unanswered", "clearing", str(claim))
    assert problem(books.answer(str(message), "agreed_since")) == "reconciliation.not_agreed"

    inquired(books, claim)

    booked = books.payer_file(books.memory.time.date().isoformat())
    assert [row["msgid"] for row in booked] == [str(message)]
    assert books.answer(str(message), "agreed_since").json()["how"] == "accepted"


def test_agreement_with_other_amounts_is_none(tmp_path: Path) -> None:
    books, claim = silent(tmp_path)
    message = derived_id("authorisation", claim)
    theirs = [row_of(message, 22500, 12301, 6000)]
    books.memory.time += timedelta(days=1)
    books.totals(theirs)
    books.items(theirs)
    inquired(books, claim)
    assert problem(books.answer(str(message), "agreed_since")) == "reconciliation.not_agreed"
    assert books.answer(str(message), "insurer_takes_back").json()["how"] == "accepted"


def test_what_was_found_on_a_later_day_is_told_as_of_another_day(tmp_path: Path) -> None:
    books, claim = silent(tmp_path)
    inquired(books, claim)
    (row,) = books.payer_file(NEXT_DAY)
    books.totals([row])
    books.items([row])
    (found,) = books.day()["items"]
    assert found["kind"] == "other_day"
    assert books.answer(row["msgid"], "agreed_since").json()["how"] == "accepted"


def test_what_the_payer_denied_and_lists_all_the_same_is_told_as_refused(tmp_path: Path) -> None:
    books, claim = silent(tmp_path, OutcomeKind.REFUSED)
    inquired(books, claim)
    theirs = [row_of(derived_id("authorisation", claim), 22500, 12300, 6000)]
    books.totals(theirs)
    books.items(theirs)
    assert [item["kind"] for item in books.day()["items"]] == ["refused"]


def test_what_one_side_alone_booked_and_took_back_the_same_day_is_no_difference(tmp_path: Path) -> None:
    """2601 on a message whose outcome was never known: the payer's file may show both, or neither."""
    books, claim = silent(tmp_path)
    books.memory.hear(undone(supply=SUPPLIES[0]))
    assert books.memory.claim(supply=SUPPLIES[0]).state == "voided"
    both = [
        row_of(derived_id("authorisation", claim), 22500, 12300, 6000),
        row_of(derived_id("void", claim), -22500, -12300, -6000),
    ]
    both.sort(key=lambda row: UUID(row["msgid"]))
    books.memory.time += timedelta(days=1)
    books.totals(both)
    assert books.payer_file() == []
    assert books.items(both).json()["how"] == "zero"


def test_what_was_taken_back_counts_against_the_payer_with_the_negation(books: Books) -> None:
    books.memory.time -= timedelta(days=1)
    books.memory.hear(undone(supply=SUPPLIES[1]))
    assert books.memory.claim(supply=SUPPLIES[1]).state == "reversed"
    books.memory.time += timedelta(days=1)
    rows = books.payer_file()
    assert len(rows) == len(SUPPLIES) + 1
    assert [row["total"] for row in rows].count(-22500) == 1
    assert books.totals(rows).json()["how"] == "zero"


def test_a_booking_that_the_payer_lists_twice_is_told(books: Books) -> None:
    rows = books.payer_file()
    theirs = [rows[0], rows[0], *rows[1:]]
    books.totals(theirs)
    books.items(theirs)
    (found,) = books.day()["items"]
    assert (found["kind"], found["theirs"]["count"], found["missing"]["count"]) == ("doubled", 2, -1)


def test_what_the_insurer_accepts_after_a_dispute_is_expected_in_its_file(tmp_path: Path) -> None:
    books, claim = silent(tmp_path, OutcomeKind.REFUSED)
    memory = books.memory
    credit = GiveCredit(claim_id=claim, reason="needed now", patient_consent="doc-1")
    memory.run(give_credit_on_claim(credit, memory.outside), PHARMACIST)
    memory.hear(received(supply=SUPPLIES[0]))
    memory.outside = replace(memory.outside, gateway=Refusing(memory.outside.gateway))
    memory.run(authorise_claim(AuthoriseClaim(claim_id=claim, credential="token-4711"), memory.outside), PATIENT_ACTOR)
    assert memory.claim(supply=SUPPLIES[0]).state == "disputed"
    assert books.payer_file() == []
    body = {"decision": "accepted_by_insurer", "bearer": "insurer", "reason": "an error of ours"}
    assert books.ask("POST", f"/claims/{claim}/decision", body).status_code == 200
    assert [row["msgid"] for row in books.payer_file()] == [str(derived_id("authorisation", claim))]


class Refusing(SilentInsurer):
    """Answers at last: no."""

    def authorise(self, request: BenefitRequest) -> GatewayOutcome:
        return GatewayOutcome(OutcomeKind.REFUSED, reasons=("85",))
