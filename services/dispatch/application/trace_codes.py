"""A trace code asked about at settlement, and a pack that comes back to a counter."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from services.dispatch.application.recorded import answered
from services.dispatch.application.registers import admitted_pharmacy, pharmacy_ref
from services.dispatch.domain.codes.reading import PackCode, read_code
from services.dispatch.domain.owner_words import AskedCode, Question, TraceCodeOwner, Word
from services.dispatch.domain.trace_code import (
    TRACE_CODES,
    TraceCodeState,
    check_return,
    code_sha256,
    repeated,
    trace_code_id,
)
from services.dispatch.domain.trace_code_events import Place
from services.seedwork.calendar import civil_day
from services.seedwork.model import Command, Loaded, Refusal, derived_id
from services.seedwork.reference import EntryState
from services.seedwork.usecase import Answer, Ask, Change, Decision, Load, Moment, UseCase

Thinking = Generator[Any, Any, Decision]


class ReturnPack(Command):
    """A pack that was given out is back in a pharmacy: from a courier, or from a patient."""

    pharmacy: str
    scanned: str


def trace_code_view(code: PackCode, state: TraceCodeState, supply_id: UUID | None = None) -> dict[str, Any]:
    """What insurers and regulators see: what the code is, where it was sold, how often it was met wrongly.

    `of_this_supply`: whether the supply asked about has sold it and nobody else has what is left of it.
    """
    pack = state.pack
    shown: dict[str, Any] = {
        "trace_code": code.normal,
        "code_sha256": code_sha256(code.normal),
        "kind": code.kind,
        "status": "unknown" if pack is None else state.status,
        "product": pack.product if pack else None,
        "pharmacy": pack.pharmacy if pack else None,
        "pack_size": pack.pack_size if pack else None,
        "sold": sum(state.sold.values()),
        "sales": [
            {
                "pharmacy": place.pharmacy,
                "region": place.region,
                "sold_at": place.at.isoformat() if place.at else None,
                "quantity": state.sold[sold_by],
            }
            for sold_by, place in state.sales.items()
            if sold_by in state.sold
        ],
        "repeats": len(state.repeats),
    }
    return shown if supply_id is None else {**shown, "of_this_supply": supply_id in state.sold}


def return_pack(command: ReturnPack, owners: TraceCodeOwner) -> UseCase:
    """Is it a pack of ours? One that another pharmacy sold is refused and told (回流药), also where that was in another
    region: the code's owner knows it."""

    def decide(moment: Moment, pharmacy: Loaded[EntryState]) -> Thinking:
        place = admitted_pharmacy(pharmacy.state, moment)
        if isinstance(place, Refusal):
            return Decision.refused(place)
        code = read_code(command.scanned, civil_day(moment.now))
        if isinstance(code, Refusal):
            return Decision.refused(code)
        (known,) = yield Load.of(TRACE_CODES.ref(trace_code_id(code.normal)))
        outcome = check_return(known.state, code.normal, command.pharmacy)
        if not isinstance(outcome, Refusal):
            supplies = [str(supply_id) for supply_id in known.state.sold]
            return Decision.nothing(Answer(200, {**trace_code_view(code, known.state), "supplies": supplies}))
        attempt = derived_id("returned_pack", command.pharmacy, civil_day(moment.now), code.normal)
        second = Place(pharmacy=command.pharmacy, region=place.region, at=moment.now)
        word: Word | None = None
        owner = owners.stores.elsewhere(code.normal)
        if owner and outcome.code != "trace_code.repeated":
            question = _question(owners, attempt, code.normal, second, moment)
            words: Sequence[Word] | None = yield Ask(partial(owners.ask, owner, question))
            if words is None:
                return Decision.refused(Refusal("trace_code.owner_away", {"trace_code": code.normal, "owner": owner}))
            word = words[0]
            if word.problem == "trace_code.repeated":
                outcome = Refusal(word.problem, {"trace_code": code.normal, "state": word.found})
        if outcome.code != "trace_code.repeated":
            return Decision.refused(outcome)
        told = [_told(event, code.normal, word) for event in _alarm(known.state, attempt, second, word)]
        return Decision((Change(known, tuple(told)),) if told else (), answered(outcome))

    return UseCase((), decide, relaxed=(pharmacy_ref(command.pharmacy),))


def _question(owners: TraceCodeOwner, attempt: UUID, code: str, place: Place, moment: Moment) -> Question:
    asked = AskedCode(code=code, pharmacy=place.pharmacy, region=place.region)
    return Question(asked_by=owners.stores.own, supply_id=attempt, operation="return", at=moment.now, codes=(asked,))


def _alarm(state: TraceCodeState, attempt: UUID, second: Place, word: Word | None) -> list[Any]:
    if word is None:
        return list(repeated(state, attempt, "return", second))
    return list(repeated(state, attempt, "return", second, word.found, word.first.place if word.first else None))


def _told(event: Any, code: str, word: Word | None) -> Any:
    return event if word is None else event.model_copy(update={"code": code, "product": word.product})
