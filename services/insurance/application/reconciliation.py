"""Use cases of reconciliation: a payer's totals, then its items in parts, then an answer to each difference."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from services.insurance.domain.payer_items import Figures, Item, Pair, payers_figures
from services.insurance.domain.reconciliation import (
    KINDS,
    AnswerKind,
    Difference,
    ReconciliationState,
    Side,
    day_of,
)
from services.insurance.domain.reconciliation_decisions import (
    DIFFERENCES_MAX,
    Known,
    answer,
    compare_listed,
    compare_part,
    compare_totals,
    difference,
    differing,
    record_part,
    take,
)
from services.seedwork.calendar import civil_day
from services.seedwork.model import Loaded, Outcome, Refusal
from services.seedwork.usecase import Answer, Decision, Find, Moment, UseCase

LOWEST, HIGHEST = UUID(int=0), UUID(int=2**128 - 1)
Finding = Generator[Find, Any, Any]
BOOKS: Mapping[Side, str] = {"insurer": "payer", "provider": "provider"}
"""How the queries of our side of a day begin."""


@dataclass(frozen=True)
class PayerDay:
    """Whose day it is: an insurer's, or a payment provider's by its channel."""

    insurer: str
    day: date
    side: Side = "insurer"

    @property
    def parameters(self) -> dict[str, Any]:
        return {"insurer": self.insurer, "day": self.day.isoformat()}

    def query(self, about: str) -> str:
        """What is asked about our side of it."""
        return f"{BOOKS[self.side]}_{about}"


def tell_totals(of: PayerDay, theirs: Figures) -> UseCase:
    """The payer says what it has booked on the day."""

    def decide(moment: Moment, found: Loaded[ReconciliationState]) -> Generator[Find, Any, Decision]:
        (sums,) = yield Find(of.query("totals_of_day"), of.parameters)
        outcome = compare_totals(
            found.state,
            insurer=of.insurer,
            day=of.day,
            ours=Figures(**sums),
            theirs=theirs,
            person=moment.actor.subject,
            today=civil_day(moment.now),
            side=of.side,
        )
        return _decided(found, outcome)

    return UseCase((day_of(of.insurer, of.day),), decide)


def tell_items(of: PayerDay, theirs: Sequence[Item], *, last: bool) -> UseCase:
    """A stretch of what the payer has booked, from where the part before ended: ascending by message id, each once or
    all of its repetitions together."""

    def decide(_moment: Moment, found: Loaded[ReconciliationState]) -> Generator[Find, Any, Decision]:
        state = found.state
        upto = None if last else theirs[-1].key
        rows = yield Find(
            of.query("items_of_day"),
            {
                **of.parameters,
                "after": state.upto or LOWEST,
                "upto": upto or HIGHEST,
                # more of ours than this differ too much, whatever they are
                "limit": len(theirs) + DIFFERENCES_MAX + 1,
            },
        )
        known = {row["message_id"]: _known(row) for row in rows}
        comparison = compare_part(state, _items(known), theirs)
        if isinstance(comparison, Refusal):
            return Decision.refused(comparison)
        pairs = differing(comparison, len(state.found))
        if isinstance(pairs, Refusal):
            return Decision.refused(pairs)
        differences: list[Difference] = []
        for pair in pairs:
            about = known.get(pair.key) or (yield from _message(of, pair.key))
            differences.append(difference(pair, about, of.day))
        return _decided(found, record_part(state, comparison, differences, upto))

    return UseCase((day_of(of.insurer, of.day),), decide)


def tell_listed(of: PayerDay, ours: Figures, pairs: Sequence[Pair]) -> UseCase:
    """The payer has compared the day with what was sent to it, which came to `ours`, and lists what differs."""

    def decide(moment: Moment, found: Loaded[ReconciliationState]) -> Generator[Find, Any, Decision]:
        (sums,) = yield Find(of.query("totals_of_day"), of.parameters)
        if Figures(**sums) != ours:
            return Decision.refused(Refusal("reconciliation.items_not_totals", {"side": "ours", "items": sums}))
        differences = []
        for pair in pairs:
            about = yield from _message(of, pair.key)
            differences.append(difference(pair, about, of.day))
        outcome = compare_listed(
            found.state,
            insurer=of.insurer,
            day=of.day,
            ours=ours,
            theirs=payers_figures(ours, pairs),
            differences=differences,
            person=moment.actor.subject,
            today=civil_day(moment.now),
        )
        return _decided(found, outcome)

    return UseCase((day_of(of.insurer, of.day),), decide)


def take_difference(of: PayerDay, key: UUID) -> UseCase:
    """The person looks after it from now on."""

    def decide(moment: Moment, found: Loaded[ReconciliationState]) -> Decision:
        return _decided(found, take(found.state, key, moment.actor.subject))

    return UseCase((day_of(of.insurer, of.day),), decide)


def answer_difference(of: PayerDay, key: UUID, kind: AnswerKind, reason: str) -> UseCase:
    """The person says what becomes of it, and why."""

    def decide(moment: Moment, found: Loaded[ReconciliationState]) -> Generator[Find, Any, Decision]:
        known = yield from _message(of, key)
        return _decided(found, answer(found.state, key, kind, reason, moment.actor.subject, known))

    return UseCase((day_of(of.insurer, of.day),), decide)


def _message(of: PayerDay, key: UUID) -> Finding:
    """What is known of a message; one that went to another payer is none of this one's."""
    rows = yield Find(of.query("message"), {"message_id": key})
    known = [_known(row) for row in rows if row["insurer"] in {None, of.insurer}]
    return known[0] if known else None


def _known(row: Mapping[str, Any]) -> Known:
    booked = row["status"] == "booked"
    item = Item(row["message_id"], row["total"], row["fund"], row["account"]) if booked else None
    day = date.fromisoformat(row["day"]) if row["day"] else None
    return Known(row["status"], row["claim_id"], row["pharmacy"], day, item)


def _items(known: Mapping[UUID, Known]) -> Iterator[Item]:
    return (each.item for each in known.values() if each.item is not None)


def _decided(found: Loaded[ReconciliationState], outcome: Outcome) -> Decision:
    after = found.state if isinstance(outcome, Refusal) else found.after(outcome)
    return Decision.on(found, outcome, Answer(200, summary(after)))


def summary(state: ReconciliationState) -> Mapping[str, Any]:
    """How the day stands, without its differences."""
    told = state.told
    return {
        "state": state.state,
        "how": state.closed,
        "insurer": told.insurer if told else None,
        "side": told.side if told else None,
        "day": told.day.isoformat() if told else None,
        "ours": told.ours.model_dump() if told else None,
        "theirs": told.theirs.model_dump() if told else None,
        "items_compared": state.theirs.count,
        "upto": str(state.upto) if state.upto else None,
        "differences": len(state.differences) or len(state.found),
        "open": len(state.open_differences),
        "netted": state.netted,
    }


def view(
    state: ReconciliationState, today: date, due_days: int, schemes: Sequence[Mapping[str, Any]]
) -> Mapping[str, Any]:
    """The day with its differences: kind, owner, age in days since the day, and the answer with who gave it. `schemes`:
    our totals by scheme (insutype), or by what patients paid for (item), which add up to ours."""
    told = state.told
    age = (today - told.day).days if told else 0
    side: Side = told.side if told else "insurer"
    shown = [_shown(state, each, side, age, due_days) for each in state.differences.values()]
    return {**summary(state), "schemes": [dict(row) for row in schemes], "items": shown}


def _shown(state: ReconciliationState, each: Difference, side: Side, age: int, due_days: int) -> Mapping[str, Any]:
    given = state.answers.get(each.key)
    answered = (
        None
        if given is None
        else given.model_dump(mode="json", include={"answer", "answered_by", "reason", "postings"})
    )
    return {
        **each.model_dump(mode="json", exclude={"key"}),
        "message_id": str(each.key),
        "missing": each.missing.model_dump(),
        "owner": KINDS[each.kind].owner(side),
        "person": state.taken.get(each.key),
        "age_days": age,
        "overdue": given is None and age > due_days,
        "answered": answered,
    }
