"""A trace code asked about at settlement, and a pack that comes back to a counter."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any
from uuid import UUID

from services.dispatch.application.recorded import answered
from services.dispatch.application.registers import admitted_pharmacy, pharmacy_ref
from services.dispatch.domain.codes.reading import PackCode, read_code
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
from services.seedwork.usecase import Answer, Change, Decision, Load, Moment, UseCase

Thinking = Generator[Load, Any, Decision]


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


def return_pack(command: ReturnPack) -> UseCase:
    """Is it a pack of ours? One that another pharmacy sold is refused and told (回流药)."""

    def decide(moment: Moment, pharmacy: Loaded[EntryState]) -> Thinking:
        place = admitted_pharmacy(pharmacy.state, moment)
        if isinstance(place, Refusal):
            return Decision.refused(place)
        code = read_code(command.scanned, civil_day(moment.now))
        if isinstance(code, Refusal):
            return Decision.refused(code)
        (known,) = yield Load.of(TRACE_CODES.ref(trace_code_id(code.normal)))
        if known.state.pack is None:
            return Decision.refused(Refusal("trace_code.unknown", {"trace_code": code.normal}))
        outcome = check_return(known.state, code.normal, command.pharmacy)
        if not isinstance(outcome, Refusal):
            supplies = [str(supply_id) for supply_id in known.state.sold]
            return Decision.nothing(Answer(200, {**trace_code_view(code, known.state), "supplies": supplies}))
        if outcome.code != "trace_code.repeated":
            return Decision.refused(outcome)
        attempt = derived_id("returned_pack", command.pharmacy, civil_day(moment.now), code.normal)
        second = Place(pharmacy=command.pharmacy, region=place.region, at=moment.now)
        told = repeated(known.state, attempt, "return", second)
        return Decision((Change(known, tuple(told)),) if told else (), answered(outcome))

    return UseCase((), decide, relaxed=(pharmacy_ref(command.pharmacy),))
