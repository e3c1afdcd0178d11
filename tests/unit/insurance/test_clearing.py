"""Settlement batches over HTTP: what was settled is paid once, balanced, and shown as a file nobody is hurt by."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from contracts.roles import Role
from services.insurance.adapters.simulated_payments import CHANNEL
from services.insurance.application.clearing import PAGE, entry_view, statement_rows
from services.insurance.domain.claim import claim_id_of
from services.insurance.domain.clearing import BATCH_ENTRIES_MAX, Batch, BatchPrepared, clearing_of, prepare
from services.insurance.domain.payment import fee_of
from services.insurance.domain.remittance import (
    Adjustment,
    OutOfBalance,
    RemittedClaim,
    RemittedLine,
    Sums,
    held_claims,
)
from services.seedwork.model import Refusal
from services.seedwork.spreadsheets import SHEET_ROWS_MAX, csv_pieces, harmless, xlsx_file, yuan
from tests.golden.clearing.test_provider_batches_by_hand import Clearing, line_of
from tests.unit.insurance.memory import INSURER, PHARMACY, SUPPLY, insured_world, undone
from tests.unit.insurance.test_reconciliation import DAY, SUPPLIES, Books, problem, settled

BASE = f"/settlement-batches/{INSURER}/{PHARMACY}"


@pytest.fixture
def books(tmp_path: Path) -> Books:
    memory = insured_world()
    for supply in SUPPLIES:
        settled(memory, supply)
    memory.time += timedelta(days=1)
    return Books(memory, tmp_path)


def prepared(books: Books, until: str = DAY) -> Any:
    return books.ask("POST", "/settlement-batches", {"pharmacy": PHARMACY, "until": until})


def remitted(books: Books, number: int, transferred: int) -> Any:
    body = {"transferred": transferred, "reference": f"TRN-{number}", "transferred_on": "2026-03-03"}
    return books.ask("POST", f"{BASE}/{number}/remittance", body)


def balances(books: Books) -> dict[str, int]:
    balance = books.balance()
    assert balance["balance"] == 0
    return {account["account"]: account["balance"] for account in balance["accounts"]}


def test_what_was_settled_is_paid_once_and_the_ledger_knows(books: Books) -> None:
    batch = prepared(books).json()
    assert (batch["state"], batch["number"], batch["claims"]) == ("prepared", 1, len(SUPPLIES))
    assert batch["charge"] - batch["patient"] - batch["borne"] == batch["paid"] == batch["transferred"] > 0
    assert sum(each["amount"] for each in batch["payers"]) == batch["paid"]
    assert problem(prepared(books)) == "batch.wrong_state"
    assert problem(remitted(books, 1, batch["transferred"] + 1)) == "batch.other_amount"

    paid = remitted(books, 1, batch["transferred"]).json()

    assert (paid["state"], paid["remittance"]["reference"]) == ("remitted", "TRN-1")
    accounts = balances(books)
    assert {amount for name, amount in accounts.items() if name.endswith(f".{INSURER}")} == {0}
    assert accounts[f"payable.{PHARMACY}"] == -batch["patient"]
    assert problem(remitted(books, 1, batch["transferred"])) == "batch.wrong_state"
    assert problem(prepared(books)) == "batch.nothing_to_clear"
    assert problem(remitted(books, 7, 1)) == "batch.unknown"
    (listed,) = books.ask("GET", "/settlement-batches").json()["items"]
    assert (listed["state"], listed["reference"]) == ("remitted", "TRN-1")


def test_a_withdrawn_batch_is_in_the_next_one(books: Books) -> None:
    first = prepared(books).json()
    gone = books.ask("POST", f"{BASE}/1/withdrawal", {"reason": "wrong month"}).json()
    assert (gone["state"], gone["remittance"]["reason"]) == ("withdrawn", "wrong month")
    second = prepared(books).json()
    assert (second["number"], second["paid"], second["sha256"]) == (2, first["paid"], first["sha256"])
    assert problem(books.ask("POST", f"{BASE}/1/withdrawal", {"reason": "again"})) == "batch.wrong_state"


def test_what_was_taken_back_after_it_was_paid_is_carried_until_it_is_made_up(books: Books) -> None:
    batch = prepared(books).json()
    remitted(books, 1, batch["transferred"])
    for supply in SUPPLIES:
        books.memory.hear(undone(supply=supply))
    books.memory.time += timedelta(days=1)

    second = prepared(books, "2026-03-03").json()

    assert (second["paid"], second["transferred"]) == (-batch["paid"], 0)
    assert second["carried_forward"] == batch["paid"]
    remitted(books, 2, 0)
    accounts = balances(books)
    assert accounts[f"carried.{PHARMACY}"] == -batch["paid"]
    shown = books.ask("GET", f"{BASE}/2/claims").json()["items"]
    assert {item["status"] for item in shown} == {"22"}
    carried = [row for row in statement(books, 2) if row["status"] == "FB"]
    assert [(row["level"], cents(row["paid"])) for row in carried] == [("provider", batch["paid"])]


def test_what_a_pharmacy_bears_of_a_difference_is_recovered(books: Books) -> None:
    rows = books.payer_file()
    theirs = [{**rows[0], "fund": rows[0]["fund"] - 300}, *rows[1:]]
    books.totals(theirs)
    books.items(theirs)
    books.answer(rows[0]["msgid"], "pharmacy_bears")
    books.memory.time += timedelta(days=1)

    batch = prepared(books, "2026-03-03").json()

    assert (batch["recovered"], batch["transferred"]) == (300, batch["paid"] - 300)
    remitted(books, 1, batch["transferred"])
    accounts = balances(books)
    assert (accounts[f"difference.{INSURER}"], accounts[f"borne.{PHARMACY}"]) == (0, 300)
    statuses = [item["status"] for item in books.ask("GET", f"{BASE}/1/claims").json()["items"]]
    assert sorted(statuses) == ["1", "1", "1", "WO"]
    assert [row["level"] for row in statement(books)].count("provider") == 1


def statement(books: Books, number: int = 1) -> list[dict[str, str]]:
    response = books.ask("GET", f"{BASE}/{number}/statement.csv")
    assert response.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))


def cents(text: str) -> int:
    return int(text.replace(".", ""))


def test_the_statement_adds_up_level_by_level_in_both_files(books: Books) -> None:
    prepared(books)
    rows = statement(books)
    by_level = {level: [row for row in rows if row["level"] == level] for level in ("line", "claim", "transfer")}
    for claim in by_level["claim"]:
        own = [row for row in by_level["line"] if row["claim_id"] == claim["claim_id"]]
        assert sum(cents(row["paid"]) for row in own) == cents(claim["paid"])
        assert cents(claim["charge"]) - cents(claim["patient"]) - cents(claim["borne"]) == cents(claim["paid"])
    (transfer,) = by_level["transfer"]
    assert sum(cents(row["paid"]) for row in by_level["claim"]) == cents(transfer["paid"])

    book = books.ask("GET", f"{BASE}/1/statement.xlsx")
    with zipfile.ZipFile(io.BytesIO(book.content)) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
    assert sheet.count("<row ") == len(rows) + 1
    assert f"<v>{transfer['paid']}</v>" in sheet
    assert "<f>" not in sheet


def test_each_side_sees_its_own_batches_only(books: Books) -> None:
    prepared(books)
    pharmacist = books.token("pharmacist-1", Role.PHARMACIST, organisation=PHARMACY)
    other = books.token("pharmacist-2", Role.PHARMACIST, organisation="P31010100002")
    assert books.ask("GET", f"{BASE}/1", as_=pharmacist).status_code == 200
    assert len(books.ask("GET", "/settlement-batches", as_=pharmacist).json()["items"]) == 1
    assert books.ask("GET", "/settlement-batches", as_=other).json()["items"] == []
    for stranger in (other, books.other_officer()):
        assert problem(books.ask("GET", f"{BASE}/1", as_=stranger)) == "batch.not_yours"
        assert problem(books.ask("GET", f"{BASE}/1/statement.csv", as_=stranger)) == "batch.not_yours"
    body = {"reason": "not mine"}
    assert problem(books.ask("POST", f"{BASE}/1/withdrawal", body, as_=books.other_officer())) == "batch.not_yours"
    assert problem(books.ask("GET", f"{BASE}/9")) == "batch.unknown"


def test_a_day_that_is_not_over_is_not_cleared(books: Books) -> None:
    assert problem(prepared(books, "2026-03-03")) == "batch.day_not_over"
    later = UUID(int=990)
    settled(books.memory, later)
    batch = prepared(books).json()
    shown = books.ask("GET", f"{BASE}/1/claims").json()["items"]
    assert batch["claims"] == len(SUPPLIES)
    assert str(claim_id_of(later, 1)) not in {item["claim_id"] for item in shown}


def test_a_batch_ends_where_it_is_full_and_the_next_one_goes_on(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    rest, stored = PAGE + 1, books.memory.rows
    entries = [
        {"kind": "recovered", "position": number, "claim_id": UUID(int=number), "amount": 1, "day": DAY}
        for number in range(1, BATCH_ENTRIES_MAX + rest + 1)
    ]

    def rows(query: str, **asked: Any) -> list[dict[str, Any]]:
        if query != "clearing_entries":
            return stored(query, **asked)
        return [row for row in entries if asked["after"] < row["position"] <= asked["upto"]][: asked["limit"]]

    monkeypatch.setattr(books.memory, "rows", rows)
    first = prepared(books).json()
    assert (first["after"], first["upto"], first["recovered"]) == (0, BATCH_ENTRIES_MAX, BATCH_ENTRIES_MAX)
    remitted(books, 1, 0)
    second = prepared(books).json()
    assert (second["after"], second["upto"]) == (BATCH_ENTRIES_MAX, BATCH_ENTRIES_MAX + rest)
    assert (second["recovered"], second["brought_forward"]) == (rest, BATCH_ENTRIES_MAX)


def test_an_account_has_one_batch_at_a_time(books: Books) -> None:
    prepared(books)
    state = books.memory.state(clearing_of(INSURER, PHARMACY))
    refused = prepare(state, INSURER, PHARMACY, date.fromisoformat(DAY), Sums(0), "officer-1")
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.facts) == ("batch.wrong_state", {"state": "prepared", "trigger": "PrepareBatch"})


def test_a_claim_that_does_not_balance_is_not_paid() -> None:
    line = RemittedLine(line=1, charge=100, adjustments=(Adjustment(group="PR", amount=10),), payers=(("hifp", 89),))
    with pytest.raises(OutOfBalance, match="line 1"):
        Sums(0).add(RemittedClaim(position=1, claim_id=UUID(int=1), status="1", charge=100, paid=89, lines=(line,)))
    good = line.model_copy(update={"payers": (("hifp", 90),)})
    with pytest.raises(OutOfBalance, match="claim"):
        Sums(0).add(RemittedClaim(position=1, claim_id=UUID(int=1), status="1", charge=101, paid=90, lines=(good,)))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x")'])
def test_text_is_never_a_formula(text: str) -> None:
    rows = [{"name": text, "amount": -5, "count": 3, "none": None}]
    columns = ("name", "amount", "count", "none")
    (cells,) = list(csv.reader(io.StringIO(b"".join(csv_pieces(columns, rows, {"amount"})).decode("utf-8-sig"))))[1:]
    assert cells == [f"'{text}", "-0.05", "3", ""]
    with zipfile.ZipFile(io.BytesIO(xlsx_file("s", columns, rows, {"amount"}))) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert "<v>-0.05</v>" in sheet  # exact, never by way of a float
    assert harmless("plain") == "plain"
    assert str(yuan(123456789012345678901)) == "1234567890123456789.01"


def test_a_long_file_comes_in_pieces() -> None:
    pieces = list(csv_pieces(("n",), ({"n": number} for number in range(1_200))))
    assert len(pieces) > 2
    assert b"".join(pieces).count(b"\n") == 1_201


def test_a_sheet_that_is_full_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.seedwork.spreadsheets.SHEET_ROWS_MAX", 2)
    assert SHEET_ROWS_MAX > 2
    with pytest.raises(ValueError, match="rows"):
        xlsx_file("s", ("n",), ({"n": 1} for _ in range(3)))


@pytest.fixture
def paid_on(tmp_path: Path) -> Clearing:
    """A share and a delivery fee of one supply, earned; the provider's first batch is prepared."""
    story = Clearing({"given": {"alone": False}}, tmp_path)
    for step in ("dispensed", "pay share", "pay fee", "delivered", "next day", "prepare"):
        story.do(step)
    return story


def test_a_payment_providers_remittance_names_claim_and_fee(paid_on: Clearing) -> None:
    batch = paid_on.batch().json()
    assert (batch["insurer"], batch["side"]) == (CHANNEL, "provider")
    assert batch["payers"] == [{"payer": "delivery_fee", "amount": 600}, {"payer": "patient", "amount": 4200}]

    share, fee = sorted(paid_on.batch("/claims").json()["items"], key=lambda item: item["item"] == "delivery_fee")

    assert (share["item"], share["claim_id"]) == ("share", str(claim_id_of(SUPPLY, 1)))
    assert (share["charge"], share["adjustments"], share["paid"]) == (22500, {"OA": 18300}, 4200)
    assert sum(line["paid"] for line in share["lines"]) == 4200
    assert "corrects" not in share
    assert (fee["item"], fee["claim_id"], fee["supply_id"]) == (
        "delivery_fee",
        str(fee_of(SUPPLY).stream_id),
        str(SUPPLY),
    )
    (line,) = fee["lines"]
    assert (fee["charge"], fee["adjustments"], line["paid"]) == (600, {}, 600)


def test_a_payment_providers_statement_adds_up_in_both_files(paid_on: Clearing) -> None:
    file = paid_on.batch("/statement.csv").content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(file)))
    claims = [row for row in rows if row["level"] == "claim"]
    assert {row["item"]: row["attempt"] for row in claims} == {"share": "1", "delivery_fee": ""}
    for row in [*claims, *(row for row in rows if row["level"] == "line")]:
        rest = cents(row["patient"]) + cents(row["borne"]) + cents(row["others"])
        assert cents(row["charge"]) - rest == cents(row["paid"])
    (transfer,) = [row for row in rows if row["level"] == "transfer"]
    assert sum(cents(row["paid"]) for row in claims) == cents(transfer["paid"]) == 4800
    with zipfile.ZipFile(io.BytesIO(paid_on.batch("/statement.xlsx").content)) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
    assert sheet.count("<row ") == len(rows) + 1
    assert "<v>183.00</v>" in sheet


def test_a_payment_providers_batch_is_its_own_and_the_pharmacys(paid_on: Clearing) -> None:
    path = f"/settlement-batches/{CHANNEL}/{PHARMACY}/1"
    pharmacist = paid_on.token("pharmacist-1", Role.PHARMACIST, organisation=PHARMACY)
    insurers = paid_on.token("officer-2", Role.INSURANCE_OFFICER, organisation=INSURER)
    assert paid_on._call(pharmacist, "GET", path).status_code == 200
    assert len(paid_on._call(pharmacist, "GET", "/settlement-batches").json()["items"]) == 1
    for asked in (
        paid_on._call(insurers, "GET", path),
        paid_on._call(insurers, "POST", f"{path}/withdrawal", json={"reason": "not mine"}),
        paid_on._call(pharmacist, "POST", f"{path}/remittance", json={}),
    ):
        assert asked.status_code in {403, 404}
    assert paid_on._call(insurers, "GET", "/settlement-batches").json()["items"] == []


def test_the_insurers_batch_of_the_same_claims_is_apart(paid_on: Clearing) -> None:
    insurers = paid_on.token("officer-2", Role.INSURANCE_OFFICER, organisation=INSURER)
    body = {"pharmacy": PHARMACY, "until": DAY}
    batch = paid_on._call(insurers, "POST", "/settlement-batches", json=body).json()
    assert (batch["side"], batch["paid"], batch["patient"], batch["others"]) == ("insurer", 18300, 4200, 0)


def test_the_pharmacys_books_are_even_once_both_have_paid(paid_on: Clearing) -> None:
    insurers = paid_on.token("officer-2", Role.INSURANCE_OFFICER, organisation=INSURER)
    paid_on._call(insurers, "POST", "/settlement-batches", json={"pharmacy": PHARMACY, "until": DAY})
    for token, payer, transferred in ((paid_on._officer, CHANNEL, 4800), (insurers, INSURER, 18300)):
        body = {"transferred": transferred, "reference": "TRN-1", "transferred_on": DAY}
        path = f"/settlement-batches/{payer}/{PHARMACY}/1/remittance"
        assert paid_on._call(token, "POST", path, json=body).status_code == 200
    pharmacist = paid_on.token("pharmacist-1", Role.PHARMACIST, organisation=PHARMACY)
    balance = paid_on._call(pharmacist, "GET", "/ledger/trial-balance").json()
    assert {account["account"]: account["balance"] for account in balance["accounts"] if account["balance"]} == {}
    assert balance["balance"] == 0


def test_a_correction_is_shown_with_what_it_corrects() -> None:
    lines = [line_of(1, 5100).model_dump(mode="json"), line_of(2, 14400).model_dump(mode="json")]
    row = {
        "position": 7,
        "kind": "share",
        "claim_id": UUID(int=1),
        "supply_id": SUPPLY,
        "attempt": 2,
        "lines": lines,
        "held_before": 7800,
        "amount": 19500,
    }

    shown = entry_view(row)

    assert (shown["status"], shown["paid"], shown["corrects"]["status"], shown["corrects"]["paid"]) == (
        "1",
        19500,
        "22",
        -7800,
    )
    zero = {"claims": 2, "charge": 0, "patient": 0, "borne": 0, "recovered": 0, "brought_forward": 0}
    batch = Batch(
        number=1, after=0, upto=7, until=date(2026, 3, 2), paid=11700, carried_forward=0, transferred=11700,
        payers=(), sha256="", **zero,
    )  # fmt: skip
    prepared = BatchPrepared(insurer=CHANNEL, pharmacy=PHARMACY, batch=batch, prepared_by="officer-1", side="provider")
    rows = list(statement_rows(prepared, [row]))
    assert [(each["status"], each["paid"]) for each in rows if each["level"] == "claim"] == [
        ("22", -7800),
        ("1", 19500),
    ]


def test_more_than_the_patients_part_of_a_claim_is_not_paid_on() -> None:
    with pytest.raises(OutOfBalance, match="claim"):
        held_claims(1, UUID(int=1), "share", [line_of(1, 100)], 0, 101)
