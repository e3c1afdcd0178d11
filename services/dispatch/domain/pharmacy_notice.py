"""PharmacyNotice: what others decided that a pharmacy must know and that belongs to no hold of it any more, such as a
claim that is disputed or reversed, a question of the audit, a difference of an insurer's daily close, or an alert about
what it reports. One per subject; what it says last stands. Nothing here
is about a patient.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.seedwork.model import Aggregate, DomainEvent, StreamRef, derived_id

NoticeKind = Literal["claim", "audit", "difference", "reporter"]


class PharmacyTold(DomainEvent):
    """How a subject stands for the pharmacy from now on; `facts` are codes and figures in fen."""

    TOPIC: ClassVar[str] = "dispatch.pharmacy_notice.told"

    kind: NoticeKind
    pharmacy: str
    status: str
    reason: str | None = None
    fulfilment_id: UUID | None = None
    supply_id: UUID | None = None
    facts: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True)
class PharmacyNoticeState:
    """What was told last."""

    told: PharmacyTold | None = None


def evolve(_state: PharmacyNoticeState, event: PharmacyTold) -> PharmacyNoticeState:
    return PharmacyNoticeState(event)


def tell(state: PharmacyNoticeState, news: PharmacyTold) -> list[DomainEvent]:
    """The same again is nothing new."""
    return [] if state.told == news else [news]


PHARMACY_NOTICES: Aggregate[PharmacyNoticeState] = Aggregate(
    name="pharmacy_notice", events=(PharmacyTold,), initial=PharmacyNoticeState(), evolve=evolve
)


def notice_about(kind: NoticeKind, *subject: object) -> StreamRef[PharmacyNoticeState]:
    """The one notice about this subject."""
    return PHARMACY_NOTICES.ref(derived_id(f"{kind}_notice", *subject))
