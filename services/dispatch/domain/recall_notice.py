"""RecallNotice: a patient has packs that are not to be used, and is told so; the patient acknowledges it.

Their lot is recalled, or their parcel was too warm or too cold on the way and the quality manager has rejected it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from services.seedwork.model import Aggregate, DomainEvent, Outcome, Refusal, StreamRef, derived_id


class RecallNoticeGiven(DomainEvent):
    """The patient is told. Of a lot there is its recall, of a parcel its delivery."""

    TOPIC: ClassVar[str] = "dispatch.recall_notice.given"

    notice_id: UUID
    reason: Literal["lot_recalled", "excursion_rejected"] = "lot_recalled"
    recall_id: UUID | None = None
    recall_class: str | None = None
    delivery_id: UUID | None = None
    patient_ref: UUID
    fulfilment_id: UUID
    supply_id: UUID
    pharmacy: str
    product: str
    lot: str
    instruction: str
    given_at: datetime


class RecallNoticeAcknowledged(DomainEvent):
    """The patient, or a representative for them, has read it. Who it was is not known of what was recorded before
    representatives were."""

    TOPIC: ClassVar[str] = "dispatch.recall_notice.acknowledged"

    acknowledged_at: datetime
    acknowledged_by: str | None = None
    acknowledged_as: Literal["patient", "representative"] | None = None


@dataclass(frozen=True)
class NoticeState:
    """What was told, and whether it was read."""

    given: RecallNoticeGiven | None = None
    acknowledged: bool = False


def evolve(state: NoticeState, event: DomainEvent) -> NoticeState:
    if isinstance(event, RecallNoticeGiven):
        return NoticeState(event)
    return NoticeState(state.given, acknowledged=True)


def acknowledge(
    state: NoticeState, account: str, patient_ref: UUID | None, now: datetime, *, representing: bool = False
) -> Outcome:
    """By the patient it is for, or whoever acts for them; the first one's word stands."""
    if state.given is None:
        return Refusal("recall_notice.unknown", {})
    if patient_ref is None or state.given.patient_ref != patient_ref:
        return Refusal("recall_notice.not_yours", {})
    if state.acknowledged:
        return []
    as_whom: Literal["patient", "representative"] = "representative" if representing else "patient"
    return [RecallNoticeAcknowledged(acknowledged_at=now, acknowledged_by=account, acknowledged_as=as_whom)]


NOTICES: Aggregate[NoticeState] = Aggregate(
    name="recall_notice",
    events=(RecallNoticeGiven, RecallNoticeAcknowledged),
    initial=NoticeState(),
    evolve=evolve,
)


def notice_ref(recall_id: UUID, supply_id: UUID, lot: str) -> StreamRef[NoticeState]:
    """One per recall, supply and lot: nobody is told twice of the same packs."""
    return NOTICES.ref(derived_id("recall_notice", recall_id, supply_id, lot))


def parcel_notice_ref(delivery_id: UUID, product: str, lot: str) -> StreamRef[NoticeState]:
    """One per parcel, product and lot, however many of its excursions are rejected."""
    return NOTICES.ref(derived_id("recall_notice", delivery_id, product, lot))


def notice_of_sold_ref(delivery_id: UUID, supply_id: UUID, product: str, lot: str) -> StreamRef[NoticeState]:
    """Of a supply that was given packs of such a parcel."""
    return NOTICES.ref(derived_id("recall_notice", delivery_id, supply_id, product, lot))
