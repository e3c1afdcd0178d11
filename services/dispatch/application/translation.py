"""How dispatch's own events are told to the others: one table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from contracts.envelope import IntegrationEvent
from contracts.events import dispatch as told
from contracts.events import dispatch_later as told_later
from contracts.events.dispatch_returned import SupplyTakenBack
from contracts.values import LineBuckets
from services.dispatch.application import translation_stock
from services.dispatch.application.translation_deliveries import DELIVERIES_TOLD
from services.dispatch.domain.fulfilment import events as e
from services.dispatch.domain.fulfilment import return_events
from services.dispatch.domain.fulfilment.nomination import PharmacyNominated
from services.dispatch.domain.fulfilment.owned_codes import CodesDecided
from services.dispatch.domain.fulfilment.state import FulfilmentState, Hold
from services.dispatch.domain.fulfilment.substituting import ASKS_PRESCRIBER
from services.dispatch.domain.fulfilment.wishes import SubstitutionProposed
from services.dispatch.domain.trace_code import FATES, code_sha256
from services.dispatch.domain.trace_code_events import CodeRepeated
from services.dispatch.domain.values import Bucket, DispensedLine, HeldLine
from services.seedwork.composition import Happened, Translation
from services.seedwork.model import DomainEvent, Immutable

Told = Iterable[IntegrationEvent]


def buckets(state: FulfilmentState) -> tuple[LineBuckets, ...]:
    """Where every line's quantity is."""
    return tuple(
        LineBuckets.model_validate({"line": line, **{bucket.value: row.buckets.of(bucket) for bucket in Bucket}})
        for line, row in state.lines.items()
    )


def _about(happened: Happened) -> dict[str, Any]:
    """What every event of a fulfilment says, and what stands after it."""
    state: FulfilmentState = happened.after
    return {
        "prescription_id": state.prescription_id,
        "fulfilment_id": state.fulfilment_id,
        "buckets": buckets(state),
    }


def _plain(values: Iterable[Immutable]) -> tuple[dict[str, Any], ...]:
    return tuple(value.model_dump(mode="json") for value in values)


def _fulfilment_opened(happened: Happened, _event: e.FulfilmentOpened) -> Told:
    state: FulfilmentState = happened.after
    yield told.FulfilmentOpened(
        **_about(happened),
        instalment=state.instalment,
        instalments=state.instalments,
        opens_at=state.opens_at,
        closes_at=state.closes_at,
    )


def _pharmacy_nominated(happened: Happened, event: PharmacyNominated) -> Told:
    state: FulfilmentState = happened.after
    yield told.PharmacyNominated(
        prescription_id=state.prescription_id, fulfilment_id=state.fulfilment_id, pharmacy=event.pharmacy
    )


def _quantity_held(happened: Happened, event: e.QuantityHeld) -> Told:
    hold = happened.after.holds[event.hold_id]
    yield told.QuantityHeld.model_validate(
        {
            **_about(happened),
            "hold_id": hold.hold_id,
            "kind": hold.kind,
            "replaces": hold.replaces,
            "pharmacy": hold.pharmacy,
            "region": hold.region,
            "lines": _plain(hold.lines),
            "way": hold.way.value,
            "expires_at": hold.expires_at,
        }
    )


def _hold_ended(happened: Happened, event: e.HoldEnded) -> Told:
    yield told.HoldEnded.model_validate(
        {
            **_about(happened),
            "hold_id": event.hold_id,
            "pharmacy": happened.after.holds[event.hold_id].pharmacy,
            "how": event.how,
            "reason": event.reason,
            "freed": _plain(event.freed),
            "offers": _plain(event.offers),
        }
    )


def _supply_dispensed(happened: Happened, event: e.SupplyDispensed) -> Told:
    state: FulfilmentState = happened.after
    hold, supply = state.holds[event.hold_id], state.supplies[event.supply_id]
    yield told.SupplyDispensed.model_validate(
        {
            **_about(happened),
            "supply_id": event.supply_id,
            "hold_id": event.hold_id,
            "fill_no": event.fill_no,
            "pharmacy": hold.pharmacy,
            "region": hold.region,
            "way": hold.way.value,
            "patient_ref": state.patient_ref,
            "insurance_intent": state.insurance_intent,
            "designations": _plain(hold.designations),
            "self_pay_only": hold.self_pay_only,
            "prescription_revision": state.prescription_revision,
            "lines": tuple(_dispensed_line(state, hold, row) for row in event.lines),
            "reviewer": hold.reviewer,
            "preparer": supply.preparer,
            "checker": event.checker,
            "trace_codes_undecided": bool(supply.codes_undecided),
        }
    )


def _dispensed_line(state: FulfilmentState, hold: Hold, row: DispensedLine) -> dict[str, Any]:
    """What the prescriber states of the restriction is about the prescribed drug; of a substitute, it is stated by
    whoever answers for it."""
    said: dict[str, Any] = {"restricted_use_met": state.lines[row.line].content.restricted_use_met}
    if row.substitution == "protocol":
        said = _answered_for(state, hold, next(each for each in hold.lines if each.line == row.line))
    return {**row.model_dump(mode="json"), "split_pack": row.split_pack, **said}


def _answered_for(state: FulfilmentState, hold: Hold, held: HeldLine) -> dict[str, Any]:
    """By the prescriber who signed, for whoever holds it; where none is asked, by the pharmacist who passed it."""
    mode = held.substitution.mode if held.substitution else None
    if mode == ASKS_PRESCRIBER:
        signed = [each for each in state.proposals.values() if each.signed and each.is_about(held)]
        asked, by = (signed[-1], signed[-1].prescriber) if signed else (None, None)
    else:
        asked, by = state.last_proposal(hold.hold_id, held), hold.reviewer
    met = asked.restricted_use_met if asked else None
    return {"substitution_mode": mode, "substitution_answered_by": by, "restricted_use_met": met}


def _supply_received(happened: Happened, event: e.SupplyReceived) -> Told:
    yield told.SupplyReceived.model_validate(
        {
            **_about(happened),
            "supply_id": event.supply_id,
            "accepted": _plain(event.accepted),
            "rejected": _plain(event.rejected),
            "collector_kind": event.collector_kind,
            "identity_checked": event.identity_checked,
            "proof_sha256": event.proof_sha256,
            "exception": event.exception,
            "carried": happened.after.supplies[event.supply_id].delivery_id is not None,
        }
    )


def _supply_undone(happened: Happened, event: return_events.SupplyUndone) -> Told:
    packs = [
        {**pack.model_dump(mode="json"), "code_is": FATES[pack.disposition] if pack.trace_code else None}
        for pack in event.packs
    ]
    yield told.SupplyUndone.model_validate({**_about(happened), **event.model_dump(mode="json"), "packs": packs})


def _supply_taken_back(happened: Happened, event: return_events.SupplyTakenBack) -> Told:
    yield SupplyTakenBack.model_validate(
        {
            **_about(happened),
            "supply_id": event.supply_id,
            "pharmacy": happened.after.supplies[event.supply_id].pharmacy,
            "lines": _plain(event.lines),
            "why": event.why,
            "replace_until": event.replace_until,
        }
    )


def _cancellation_decided(happened: Happened, event: e.CancellationDecided) -> Told:
    yield told.CancellationDecided.model_validate(
        {
            **_about(happened),
            "request_id": event.request_id,
            "lines": _plain(event.lines),
            "final": event.final,
        }
    )


def _supply_refused(happened: Happened, event: e.SupplyRefused) -> Told:
    state: FulfilmentState = happened.after
    yield told.SupplyRefused(
        prescription_id=state.prescription_id,
        fulfilment_id=state.fulfilment_id,
        patient_ref=event.patient_ref,
        block_id=event.block_id,
        hold_id=event.hold_id,
        pharmacy=state.holds[event.hold_id].pharmacy,
        pharmacist=event.pharmacist,
        lines=event.lines,
        codes=(event.code,),
        reason=event.reason,
    )


def _fulfilment_closed(happened: Happened, event: e.FulfilmentClosed) -> Told:
    yield told.FulfilmentClosed(**_about(happened), outcome=event.outcome)


def _substitution_proposed(happened: Happened, event: SubstitutionProposed) -> Told:
    state: FulfilmentState = happened.after
    held, substitution = event.line, event.line.substitution
    if substitution is None:  # pragma: no cover - only a substitute is ever proposed
        return
    facts = event.substitute.model_dump()
    yield told_later.SubstitutionProposed.model_validate(
        {
            "prescription_id": state.prescription_id,
            "fulfilment_id": state.fulfilment_id,
            "patient_ref": event.patient_ref,
            "proposal_id": event.proposal_id,
            "hold_id": event.hold_id,
            "pharmacy": state.holds[event.hold_id].pharmacy,
            "pharmacist": event.pharmacist,
            "line": held.line,
            "prescribed_product": state.lines[held.line].content.product,
            "quantity": held.quantity,
            "substitute": {name: facts[name] for name in told_later.Substitute.model_fields},
            "substitute_quantity": held.units(held.quantity),
            "unit_price": event.unit_price,
            "ratio": substitution.ratio.model_dump(),
            "protocol_id": substitution.protocol_id,
            "excluded": substitution.excluded,
            "answer_due_at": event.answer_due_at,
            "mode": substitution.mode,
            "restricted_use_met": event.restricted_use_met,
            "restricted_use_reason": event.restricted_use_reason,
        }
    )


def _trace_codes_decided(happened: Happened, event: CodesDecided) -> Told:
    state: FulfilmentState = happened.after
    yield told_later.TraceCodesDecided(
        prescription_id=state.prescription_id,
        fulfilment_id=state.fulfilment_id,
        supply_id=event.supply_id,
        pharmacy=event.pharmacy,
        repeated=tuple(code_sha256(code) for code in event.repeated),
    )


def _trace_code_repeated(happened: Happened, event: CodeRepeated) -> Told:
    pack = happened.after.pack
    yield told_later.TraceCodeRepeated.model_validate(
        {
            "code_sha256": code_sha256(event.code or pack.code),
            "product": event.product or pack.product,
            "kind": event.kind,
            "found": event.found,
            "first": event.first.model_dump(),
            "second": event.second.model_dump(),
        }
    )


_BY_EVENT: Mapping[type[DomainEvent], Callable[[Happened, Any], Told]] = {
    e.FulfilmentOpened: _fulfilment_opened,
    PharmacyNominated: _pharmacy_nominated,
    e.QuantityHeld: _quantity_held,
    e.HoldEnded: _hold_ended,
    e.SupplyDispensed: _supply_dispensed,
    e.SupplyReceived: _supply_received,
    return_events.SupplyUndone: _supply_undone,
    return_events.SupplyTakenBack: _supply_taken_back,
    e.CancellationDecided: _cancellation_decided,
    e.SupplyRefused: _supply_refused,
    e.FulfilmentClosed: _fulfilment_closed,
    SubstitutionProposed: _substitution_proposed,
    CodesDecided: _trace_codes_decided,
    CodeRepeated: _trace_code_repeated,
    **translation_stock.BY_EVENT,
}


def _translation(tell: Callable[[Happened, Any], Told]) -> Translation:
    return lambda happened: tell(happened, happened.event)


TRANSLATE: dict[type[DomainEvent], Translation] = {
    event: _translation(tell) for event, tell in {**_BY_EVENT, **DELIVERIES_TOLD}.items()
}
