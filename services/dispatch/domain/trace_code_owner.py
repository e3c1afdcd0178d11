"""What the owner of a trace code decides when another regional store asks: in the code's own stream, so that its
pharmacies and those of all other regions stand in one line, and the first has it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from uuid import UUID

from services.dispatch.domain.owner_words import AskedCode, FirstSale, Operation, Question, Word
from services.dispatch.domain.trace_code import (
    TRACE_CODES,
    USED,
    TraceCodeState,
    check_return,
    end_sale,
    repeated,
    scan,
    sell,
)
from services.dispatch.domain.trace_code_events import (
    CodeDiscarded,
    CodeScanned,
    CodeUnscanned,
    Place,
    ReservationReleased,
)
from services.seedwork.model import DomainEvent, Outcome, Refusal


def reserve(state: TraceCodeState, supply_id: UUID, asked: AskedCode, at: datetime, store: str) -> Outcome:
    """Scan and sale in one: the packs were scanned there, and the supply waits for this word. Once it is released, a
    question that was under way for long comes to nothing."""
    if supply_id in state.released:
        return Refusal("trace_code.not_free", {"trace_code": asked.code, "state": "released"})
    if any(supply_id in getattr(state, part) for part in USED):
        return []
    scanned = scan(state, supply_id, asked.facts, asked.quantity)
    if isinstance(scanned, Refusal):
        return scanned
    sold = sell(TRACE_CODES.fold(scanned, state), supply_id, asked.code, at, store)
    return sold if isinstance(sold, Refusal) else [*scanned, *sold]


def release(state: TraceCodeState, supply_id: UUID) -> list[DomainEvent]:
    """The pack is on its shelf again, or was never dispensed."""
    if supply_id in state.released:
        return []
    return [*end_sale(state, supply_id, "freed"), ReservationReleased(supply_id=supply_id)]


def spend(state: TraceCodeState, supply_id: UUID) -> list[DomainEvent]:
    """The pack is gone, or may never be sold again."""
    return end_sale(state, supply_id, "spent")


def discard(state: TraceCodeState, discard_id: UUID, asked: AskedCode, by: str) -> list[DomainEvent]:
    """So much of the pack was on a shelf there and is sold no more, whatever is still to be heard of supplies that had
    parts of it: no order of the words makes a repeat of them."""
    if discard_id in state.released:
        return []
    seen: list[DomainEvent] = [
        CodeScanned(supply_id=discard_id, pack=asked.facts, quantity=asked.quantity),
        CodeUnscanned(supply_id=discard_id),
    ]
    gone = CodeDiscarded(quantity=asked.quantity, discarded_by=by)
    return [*([] if state.pack else seen), gone, ReservationReleased(supply_id=discard_id)]


_DECIDE: Mapping[Operation, Callable[[TraceCodeState, Question, AskedCode], Outcome]] = {
    "reserve": lambda state, asked, code: reserve(state, asked.supply_id, code, asked.at, asked.asked_by),
    "release": lambda state, asked, _code: release(state, asked.supply_id),
    "spend": lambda state, asked, _code: spend(state, asked.supply_id),
    "discard": lambda state, asked, code: discard(state, asked.supply_id, code, asked.asked_by),
    "return": lambda state, _asked, code: check_return(state, code.code, code.pharmacy),
}


def decide(state: TraceCodeState, question: Question, code: AskedCode, now: datetime) -> tuple[list[DomainEvent], Word]:
    """What happens to one code, and what the store that asks is told. A repeat is on record here, too, and told to this
    region's insurer and regulator."""
    outcome = _DECIDE[question.operation](state, question, code)
    if not isinstance(outcome, Refusal):
        return outcome, Word(code=code.code)
    word = Word.model_validate({"code": code.code, "problem": outcome.code, "found": state.status})
    if outcome.code != "trace_code.repeated":
        return [], word
    second = Place(pharmacy=code.pharmacy, region=code.region, at=now)
    told = repeated(state, question.supply_id, "return" if question.operation == "return" else "sale", second)
    product = state.pack.product if state.pack else ""
    return told, word.model_copy(update={"first": FirstSale(**dict(state.first_sale)), "product": product})
