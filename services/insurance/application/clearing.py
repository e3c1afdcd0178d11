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
from services.insurance.domain.remittance import RemittedClaim, Sums, remitted_claim
from services.seedwork.calendar import civil_day
from services.seedwork.model import Loaded, Outcome, Refusal
from services.seedwork.usecase import Actor, Answer, Decision, Find, Moment, UseCase

PAGE = 200
END = 2**63 - 1


@dataclass(frozen=True)
class Account:
    """One pharmacy with one insurer."""

    insurer: str
    pharmacy: str

    def concerns(self, actor: Actor) -> bool:
        """Each side sees its own."""
        own = self.pharmacy if actor.role == Role.PHARMACIST else self.insurer
        return actor.organisation == own

    def entries(self, after: int, upto: int = END, limit: int = PAGE) -> Mapping[str, Any]:
        """What is asked of the query `clearing_entries`."""
        return {"insurer": self.insurer, "pharmacy": self.pharmacy, "after": after, "upto": upto, "limit": limit}


def prepare_batch(of: Account, until: date) -> UseCase:
    """All that was settled, taken back and recovered up to the end of a day since the batch before, in pages."""

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
        outcome = prepare(found.state, of.insurer, of.pharmacy, until, sums, moment.actor.subject)
        return _decided(found, outcome)

    return UseCase((clearing_of(of.insurer, of.pharmacy),), decide)


def add(sums: Sums, rows: Iterable[Mapping[str, Any]]) -> None:
    """Rows of the projection on top of what was added up so far."""
    for row in rows:
        claim = claim_of_row(row)
        if claim is None:
            sums.recover(row["position"], row["claim_id"], row["amount"])
        else:
            sums.add(claim)


def claim_of_row(row: Mapping[str, Any]) -> RemittedClaim | None:
    """The claim of an entry; None for what is recovered."""
    if row["kind"] == "recovered":
        return None
    lines = [LineAmounts.model_validate(line) for line in row["lines"]]
    return remitted_claim(row["position"], row["claim_id"], row["kind"], lines)


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
        **prepared.batch.model_dump(mode="json"),
        "state": "prepared" if fate is None else "remitted" if paid else "withdrawn",
        "prepared_by": prepared.prepared_by,
        "remittance": None if fate is None else fate.model_dump(mode="json", exclude={"insurer", "pharmacy"}),
    }


def entry_view(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """An entry of a batch: a claim (CLP) with its lines (SVC), or what is recovered (PLB). Fen."""
    claim = claim_of_row(row)
    named = {"position": row["position"], "claim_id": str(row["claim_id"]), "supply_id": str(row["supply_id"])}
    if claim is None:
        return {**named, "status": "WO", "charge": 0, "paid": -row["amount"], "lines": []}
    return {
        **named,
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
    "level", "status", "claim_id", "supply_id", "attempt", "line", "charge", "patient", "borne", "paid",
)  # fmt: skip
"""Of a statement: what a row is about, then amounts in fen (in the files in yuan)."""
AMOUNT_COLUMNS = frozenset({"charge", "patient", "borne", "paid"})


def statement_rows(prepared: BatchPrepared, rows: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Every line, claim, adjustment of the provider and, last, the transfer: each level comes to the next."""
    for row in rows:
        claim = claim_of_row(row)
        named = {"claim_id": str(row["claim_id"]), "supply_id": str(row["supply_id"]), "attempt": row["attempt"]}
        if claim is None:
            yield {**named, "level": "provider", "status": "WO", "paid": -row["amount"]}
            continue
        for line in claim.lines:
            parts: dict[str, int] = {each.group: each.amount for each in line.adjustments}
            shown = {"line": line.line, "charge": line.charge, "paid": line.paid}
            yield {**named, "level": "line", "status": claim.status, **shown, **_parts(parts)}
        yield {**named, "level": "claim", "status": claim.status, **_parts(claim.adjustments), **_sums(claim)}
    batch = prepared.batch
    for amount in (-batch.brought_forward, batch.carried_forward):
        if amount:
            yield {"level": "provider", "status": "FB", "paid": amount}
    yield {"level": "transfer", "status": str(batch.number), "paid": batch.transferred}


def _parts(adjustments: Mapping[str, int]) -> Mapping[str, int]:
    return {"patient": adjustments.get("PR", 0), "borne": adjustments.get("CO", 0)}


def _sums(claim: RemittedClaim) -> Mapping[str, int]:
    return {"charge": claim.charge, "paid": claim.paid}
