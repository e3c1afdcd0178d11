"""What a pharmacy must know beside its nominations and holds: lots that expire, contradictions between what is said and
what the books say, recalls, transfers it should give or get, reserves on their way to its region, packs it supplied
whose code turns out to be sold in another region, and what others decide or find about it (`PharmacyTold`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.dispatch.domain.fulfilment.owned_codes import CodesDecided
from services.dispatch.domain.pharmacy_notice import PharmacyTold
from services.dispatch.domain.recall import RecallDone, RecallLate, RecallLoaded
from services.dispatch.domain.recall_notice import RecallNoticeAcknowledged, RecallNoticeGiven
from services.dispatch.domain.reserve import ReserveKnown, ReserveOver
from services.dispatch.domain.stock.events import DemandUnfilled, ExpiryWarned, LotExpired, LotWithdrawn
from services.dispatch.domain.transfer import TransferAnswered, TransferArrived, TransferOffered, TransferSent
from services.seedwork.calendar import end_of_day
from services.seedwork.clock import to_micros
from services.seedwork.model import derived_id
from services.seedwork.projection import Recorded

EVERYBODY = "*"
"""In the place of a pharmacy: told to each of them."""
EXPIRY, CONTRADICTION, RECALL, RECALLED_SHELF, STOP_USE, TRANSFER, RESERVE, TRACE_CODE = (
    "expiry",
    "contradiction",
    "recall",
    "recalled_shelf",
    "stop_use",
    "transfer",
    "reserve",
    "trace_code",
)
NODE_DIGITS = (2, 4, 6)
"""Of a division's code: province, city, county."""


def everybody_in(node: str) -> str:
    """In the place of a pharmacy: told to each of those in this region node (leading digits of a division's code)."""
    return f"{EVERYBODY}{node}"


@dataclass(frozen=True)
class Row:
    """One notice and its columns; `pharmacy` None: of whoever has it, these columns have changed."""

    kind: str
    subject_id: UUID
    pharmacy: str | None
    values: Mapping[str, Any]


def notices(recorded: Recorded) -> Iterator[Row]:
    """Those that an event gives or changes."""
    stream = recorded.stream_id
    match recorded.event:
        case ExpiryWarned() as event:
            facts = event.model_dump(mode="json", include={"product", "lot", "expiry", "quantity"})
            subject = derived_id(EXPIRY, stream, event.lot)
            yield Row(EXPIRY, subject, event.pharmacy, {"status": "expires_soon", "facts": facts})
        case LotExpired(pharmacy=str(pharmacy)) as event:
            facts = event.model_dump(mode="json", include={"product", "lot", "expiry", "quantity"})
            yield Row(EXPIRY, derived_id(EXPIRY, stream, event.lot), pharmacy, {"status": "expired", "facts": facts})
        case DemandUnfilled(contradicts_the_books=True) as event:
            facts = event.model_dump(mode="json", include={"product", "on_hand", "quantity"})
            subject = derived_id(CONTRADICTION, stream, recorded.version)
            yield Row(CONTRADICTION, subject, event.pharmacy, {"status": event.reason, "facts": facts})
        case PharmacyTold() as event:
            about = event.model_dump(exclude={"kind", "pharmacy", "facts"})
            yield Row(event.kind, stream, event.pharmacy, {**about, "facts": dict(event.facts)})
        case ReserveKnown() as event:
            facts = event.model_dump(mode="json")
            due = event.expected_on and to_micros(end_of_day(event.expected_on))
            values = {"status": "on_its_way", "due_at": due, "facts": facts}
            yield Row(RESERVE, stream, everybody_in(event.region), values)
        case CodesDecided(repeated=(_, *_)) as event:
            about = {"fulfilment_id": stream, "supply_id": event.supply_id}
            facts = {"trace_codes": list(event.repeated)}
            yield Row(TRACE_CODE, event.supply_id, event.pharmacy, {**about, "status": "repeated", "facts": facts})
        case ReserveOver(ended_as=ended_as):
            yield Row(RESERVE, stream, None, {"status": "over", "reason": ended_as, "due_at": None})
        case _:
            yield from _of_recall(recorded)
            yield from _of_transfer(recorded)


def _of_transfer(recorded: Recorded) -> Iterator[Row]:
    """Both sides follow each other's steps; what is agreed waits for nobody's answer any more."""
    stream = recorded.stream_id
    match recorded.event:
        case TransferOffered() as event:
            facts = event.model_dump(mode="json", exclude={"number"})
            due = to_micros(end_of_day(event.valid_until))
            for side, pharmacy in (("giver", event.from_pharmacy), ("taker", event.to_pharmacy)):
                values = {"status": "offered", "due_at": due, "facts": {**facts, "side": side}}
                yield Row(TRANSFER, stream, pharmacy, values)
        case TransferAnswered(accepted=True, agreed=False) as event:
            yield Row(TRANSFER, stream, None, {"status": "accepted", "reason": event.side})
        case TransferAnswered() as event:
            status = "agreed" if event.agreed else "declined"
            yield Row(TRANSFER, stream, None, {"status": status, "reason": event.side, "due_at": None})
        case TransferSent():
            yield Row(TRANSFER, stream, None, {"status": "sent", "reason": None, "due_at": None})
        case TransferArrived():
            yield Row(TRANSFER, stream, None, {"status": "arrived", "reason": None, "due_at": None})


def _of_recall(recorded: Recorded) -> Iterator[Row]:
    stream = recorded.stream_id
    match recorded.event:
        case RecallLoaded() as event:
            facts = event.model_dump(
                mode="json", include={"product", "lots", "recall_class", "reason", "instruction", "organisation"}
            )
            values = {"status": "recalled", "due_at": to_micros(event.due_at), "facts": facts}
            yield Row(RECALL, event.recall_id, EVERYBODY, values)
        case RecallLate():
            yield Row(RECALL, stream, None, {"status": "late"})
        case RecallDone():
            yield Row(RECALL, stream, None, {"status": "worked_off", "due_at": None})
        case LotWithdrawn(pharmacy=str(pharmacy)) as event:
            facts = event.model_dump(mode="json", include={"recall_id", "product", "lot", "quantity"})
            subject = derived_id(RECALLED_SHELF, stream, event.recall_id, event.lot)
            yield Row(RECALLED_SHELF, subject, pharmacy, {"status": "set_apart", "facts": facts})
        case RecallNoticeGiven() as event:
            said = {"reason", "recall_id", "recall_class", "delivery_id", "product", "lot", "instruction"}
            facts = event.model_dump(mode="json", include=said, exclude_none=True)
            about = {"fulfilment_id": event.fulfilment_id, "supply_id": event.supply_id}
            yield Row(STOP_USE, event.notice_id, event.pharmacy, {**about, "status": "patient_told", "facts": facts})
        case RecallNoticeAcknowledged():
            yield Row(STOP_USE, stream, None, {"status": "acknowledged"})
