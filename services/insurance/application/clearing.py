"""Use cases of clearing: a batch is prepared, withdrawn or paid; and what a batch holds."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from contracts.roles import Role
from services.insurance.domain.amounts import LineAmounts
from services.insurance.domain.clearing import (
    BATCH_ENTRIES_MAX,
    BatchPrepared,
    BatchRemitted,
    ClearingState,
    clearing_of,
    may_prepare,
    prepare,
    remit,
    withdraw,
)
from services.insurance.domain.reconciliation import Side
from services.insurance.domain.remittance import HELD_KINDS, RemittedClaim, Sums, held_claims, remitted_claim
from services.seedwork.calendar import civil_day
from services.seedwork.model import Loaded, Outcome, Refusal
from services.seedwork.usecase import Actor, Answer, Decision, Find, Moment, UseCase

PAGE = 200
END = 2**63 - 1


@dataclass(frozen=True)
class Account:
    """One pharmacy with one insurer, or with one payment provider by its channel."""

    insurer: str
    pharmacy: str

    def concerns(self, actor: Actor) -> bool:
        """Each side sees its own."""
        own = self.pharmacy if actor.role == Role.PHARMACIST else self.insurer
        return actor.organisation == own

    def entries(self, after: int, upto: int = END, limit: int = PAGE) -> Mapping[str, Any]:
        """What is asked of the query `clearing_entries`."""
        return {"insurer": self.insurer, "pharmacy": self.pharmacy, "after": after, "upto": upto, "limit": limit}


def prepare_batch(of: Account, until: date, side: Side) -> UseCase:
    """All that was settled, taken back and recovered up to the end of a day since the batch before, in pages; of a
    payment provider all that it holds for what the pharmacy has earned."""

    def decide(moment: Moment, found: Loaded[ClearingState]) -> Generator[Find, Any, Decision]:
        if refusal := may_prepare(found.state):
            return Decision.refused(refusal)
        if until >= civil_day(moment.now):
            return Decision.refused(Refusal("batch.day_not_over", {"until": until.isoformat()}))
        sums = Sums(brought_forward=found.state.owed)
        after, last = found.state.upto, until.isoformat()
        for _ in range(BATCH_ENTRIES_MAX // PAGE):
            rows = yield Find("clearing_entries", of.entries(after))
            due = [row for row in rows if row["day"] <= last]
            add(sums, due)
            if len(due) < PAGE:
                break
            after = due[-1]["position"]
        outcome = prepare(found.state, of.insurer, of.pharmacy, until, sums, moment.actor.subject, side)
        return _decided(found, outcome)

    return UseCase((clearing_of(of.insurer, of.pharmacy),), decide)


def add(sums: Sums, rows: Iterable[Mapping[str, Any]]) -> None:
    """Rows of the projection on top of what was added up so far."""
    for row in rows:
        if row["kind"] == "recovered":
            sums.recover(row["position"], row["claim_id"], row["amount"])
        for claim in claims_of_row(row):
            sums.add(claim)


def claims_of_row(row: Mapping[str, Any]) -> tuple[RemittedClaim, ...]:
    """The claim of an entry, after the one it corrects; none for what is recovered."""
    position, claim_id, kind = row["position"], row["claim_id"], row["kind"]
    if kind == "recovered":
        return ()
    lines = [LineAmounts.model_validate(line) for line in row["lines"] or ()]
    if kind in HELD_KINDS:
        return held_claims(position, claim_id, kind, lines, row["held_before"], row["amount"])
    return (remitted_claim(position, claim_id, kind, lines),)


def withdraw_batch(of: Account, number: int, reason: str) -> UseCase:
    """The batch is not paid."""

    def decide(moment: Moment, found: Loaded[ClearingState]) -> Decision:
        return _decided(found, withdraw(found.state, number, reason, moment.actor.subject))

    return UseCase((clearing_of(of.insurer, of.pharmacy),), decide)


def remit_batch(of: Account, number: int, transferred: int, reference: str, day: date) -> UseCase:
    """The transfer is made."""

    def decide(moment: Moment, found: Loaded[ClearingState]) -> Decision:
        return _decided(found, remit(found.state, number, transferred, reference, day, moment.actor.subject))

    return UseCase((clearing_of(of.insurer, of.pharmacy),), decide)


def _decided(found: Loaded[ClearingState], outcome: Outcome) -> Decision:
    after = found.state if isinstance(outcome, Refusal) else found.after(outcome)
    shown = batch_view(after, after.batches[-1]) if after.batches else {}
    return Decision.on(found, outcome, Answer(200, shown))


def batch_view(state: ClearingState, prepared: BatchPrepared) -> Mapping[str, Any]:
    """A batch: its sums, and what became of it."""
    fate = state.fate(prepared.batch.number)
    paid = isinstance(fate, BatchRemitted)
    return {
        "insurer": prepared.insurer,
        "pharmacy": prepared.pharmacy,
        "side": prepared.side,
        **prepared.batch.model_dump(mode="json"),
        "state": "prepared" if fate is None else "remitted" if paid else "withdrawn",
        "prepared_by": prepared.prepared_by,
        "remittance": None if fate is None else fate.model_dump(mode="json", exclude={"insurer", "pharmacy"}),
    }


def entry_view(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """An entry of a batch: a claim (CLP) with its lines (SVC), or what is recovered (PLB). Fen. `corrects`: the claim
    as it had been remitted before, taken back."""
    *before, claim = claims_of_row(row) or (None,)
    if claim is None:
        return {**_named(row), "status": "WO", "charge": 0, "paid": -row["amount"], "lines": []}
    shown = {**_named(row), **_claim_view(claim)}
    return {**shown, "corrects": _claim_view(before[0])} if before else shown


def _named(row: Mapping[str, Any]) -> Mapping[str, Any]:
    item = row["kind"] if row["kind"] in HELD_KINDS else "claim"
    named = {"position": row["position"], "item": item, "claim_id": str(row["claim_id"])}
    return {**named, "supply_id": str(row["supply_id"])}


def _claim_view(claim: RemittedClaim) -> Mapping[str, Any]:
    return {
        "status": claim.status,
        "charge": claim.charge,
        "adjustments": dict(claim.adjustments),
        "payers": dict(claim.payers),
        "paid": claim.paid,
        "lines": [
            {**line.model_dump(mode="json", exclude={"payers"}), "paid": line.paid, "payers": dict(line.payers)}
            for line in claim.lines
        ],
    }


STATEMENT_COLUMNS = (
    "level", "status", "item", "claim_id", "supply_id", "attempt", "line", "charge", "patient", "borne", "others",
    "paid",
)  # fmt: skip
"""Of a statement: what a row is about, then amounts in fen (in the files in yuan)."""
AMOUNT_COLUMNS = frozenset({"charge", "patient", "borne", "others", "paid"})


def statement_rows(prepared: BatchPrepared, rows: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Every line, claim, adjustment of the provider and, last, the transfer: each level comes to the next."""
    for row in rows:
        named = {**_named(row), "attempt": row["attempt"] or None}
        if row["kind"] == "recovered":
            yield {**named, "level": "provider", "status": "WO", "paid": -row["amount"]}
        for claim in claims_of_row(row):
            yield from _claim_rows(named, claim)
    batch = prepared.batch
    for amount in (-batch.brought_forward, batch.carried_forward):
        if amount:
            yield {"level": "provider", "status": "FB", "paid": amount}
    yield {"level": "transfer", "status": str(batch.number), "paid": batch.transferred}


def _claim_rows(named: Mapping[str, Any], claim: RemittedClaim) -> Iterator[Mapping[str, Any]]:
    for line in claim.lines:
        parts: dict[str, int] = {each.group: each.amount for each in line.adjustments}
        shown = {"line": line.line, "charge": line.charge, "paid": line.paid}
        yield {**named, "level": "line", "status": claim.status, **shown, **_parts(parts)}
    yield {**named, "level": "claim", "status": claim.status, **_parts(claim.adjustments), **_sums(claim)}


def _parts(adjustments: Mapping[str, int]) -> Mapping[str, int]:
    return {name: adjustments.get(group, 0) for name, group in (("patient", "PR"), ("borne", "CO"), ("others", "OA"))}


def _sums(claim: RemittedClaim) -> Mapping[str, int]:
    return {"charge": claim.charge, "paid": claim.paid}
