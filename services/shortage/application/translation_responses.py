"""What shortage tells of its responses: families `protocol`, `allocation` and `response`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from contracts.events import shortage as public
from contracts.events import shortage_responses as told
from contracts.values import SubstitutionRatio
from services.seedwork.composition import Happened, Translation
from services.seedwork.model import DomainEvent
from services.shortage.domain.allocation import AllocationEnded, AllocationSet, AllocationState
from services.shortage.domain.protocol import ProtocolOver, ProtocolSigned, ProtocolState, Signature
from services.shortage.domain.regions import Level
from services.shortage.domain.response import ReserveReleased, ResponseOver, ResponseState, TransfersProposed


def _issued(happened: Happened) -> Iterator[public.ProtocolIssued]:
    state, event = cast(ProtocolState, happened.after), cast(ProtocolSigned, happened.event)
    drafted = state.drafted
    assert drafted is not None  # noqa: S101 - what was signed was drafted
    text = drafted.text
    yield public.ProtocolIssued(
        protocol_id=drafted.protocol_id,
        case_id=drafted.case_id,
        ratio=SubstitutionRatio(numerator=text.numerator, denominator=text.denominator),
        issuer=public.ProtocolIssuer(
            authority=drafted.authority,
            level="nation" if drafted.level is Level.NATION else "province",
            person=event.person,
            signed_sha256=event.digest,
            signature=_signature(event.signature),
        ),
        **text.model_dump(exclude={"numerator", "denominator"}),
    )


def _signature(signature: Signature | None) -> public.ProtocolSignature | None:
    return None if signature is None else public.ProtocolSignature.model_validate(signature.model_dump())


def _protocol_over(happened: Happened) -> Iterator[public.ProtocolEnded]:
    """A draft that nobody signed was never told, so its end is not either."""
    before, event = cast(ProtocolState, happened.before), cast(ProtocolOver, happened.event)
    if before.in_force and before.drafted is not None:
        names = {"protocol_id": before.drafted.protocol_id, "case_id": before.drafted.case_id}
        yield public.ProtocolEnded(**names, ended_as=event.ended_as, ends_on=event.ends_on)


def _allocation_set(happened: Happened) -> Iterator[told.AllocationSet]:
    event = cast(AllocationSet, happened.event)
    yield told.AllocationSet.model_validate(event.model_dump(include=set(told.AllocationSet.model_fields)))


def _allocation_ended(happened: Happened) -> Iterator[told.AllocationEnded]:
    state, event = cast(AllocationState, happened.after), cast(AllocationEnded, happened.event)
    assert state.limit is not None  # noqa: S101 - only a limit that was set ends
    about = state.limit.model_dump(include={"allocation_id", "case_id", "drug_key"})
    yield told.AllocationEnded(**about, ended_as=event.ended_as)


def _transfers(happened: Happened) -> Iterator[told.TransferProposed]:
    """One for each pair of pharmacies."""
    event = cast(TransfersProposed, happened.event)
    about = event.model_dump(include={"response_id", "case_id", "drug_key", "valid_until"})
    for number, row in enumerate(event.proposals, start=1):
        ordered = row.legal_ground == "authority_order"
        yield told.TransferProposed(
            **about,
            number=number,
            distance_metres=row.explanation.distance_metres,
            order_reason=event.order_reason if ordered else None,
            **row.model_dump(exclude={"explanation"}),
        )


def _reserve(happened: Happened) -> Iterator[told.ReserveReleased]:
    event = cast(ReserveReleased, happened.event)
    yield told.ReserveReleased.model_validate(event.model_dump(include=set(told.ReserveReleased.model_fields)))


def _over(happened: Happened) -> Iterator[told.ReserveEnded]:
    """Of a reserve; a transfer that was proposed tells its own last day."""
    released, event = cast(ResponseState, happened.before).decided, cast(ResponseOver, happened.event)
    if isinstance(released, ReserveReleased):
        about = released.model_dump(include={"response_id", "case_id", "drug_key"})
        yield told.ReserveEnded(**about, ended_as=event.ended_as or "time_over")


RESPONSES_TOLD: Mapping[type[DomainEvent], Translation] = {
    ProtocolSigned: _issued,
    ProtocolOver: _protocol_over,
    AllocationSet: _allocation_set,
    AllocationEnded: _allocation_ended,
    TransfersProposed: _transfers,
    ReserveReleased: _reserve,
    ResponseOver: _over,
}
