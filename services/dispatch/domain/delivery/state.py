"""The state of a delivery, and how its events change it. Never validates: yesterday's facts stay true."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from services.dispatch.domain.delivery import events as e
from services.dispatch.domain.delivery.temperature import merged
from services.dispatch.domain.delivery.transitions import ABROAD, RANK
from services.dispatch.domain.delivery.values import Breach, InspectedPack, Pack, Reading, ReturnReason, Storage
from services.dispatch.domain.values import LineQuantity, Road
from services.seedwork.model import Aggregate, DomainEvent
from services.seedwork.transitions import NOT_YET

RETRY, SILENCE, BOOKING = "retry", "silence", "booking"
"""Deadlines."""


@dataclass(frozen=True)
class Excursion:
    """A breach of a threshold, and what the quality manager said about it (None: open)."""

    breach: Breach
    decision: str | None = None
    reason: str | None = None
    assessed_by: str | None = None
    mkt_hundredths: int | None = None


@dataclass(frozen=True)
class DeliveryState:
    """One delivery."""

    status: str = NOT_YET
    created: e.DeliveryCreated | None = None
    seal_no: str | None = None
    logger_id: str | None = None
    packed_at: datetime | None = None
    booking: str | None = None
    booking_tries: int = 0
    booking_due: datetime | None = None
    attempts: int = 0
    may_retry: bool = True
    proof_sha256: str | None = None
    exception: bool = False
    accepted: tuple[LineQuantity, ...] = ()
    rejected: tuple[LineQuantity, ...] = ()
    opened_at_door: bool = False
    """The patient had it open: nothing of it is restocked (药品一经售出不得退换)."""
    was_lost: bool = False
    ended: bool = False
    """Its end has been told; what follows is the pharmacy's own affair."""
    return_reason: ReturnReason | None = None
    called_back_spoilt: bool = False
    """It was turned round because an excursion was rejected, this parcel's own or one that its packs had been through
    before, or waited in quarantine when that was: no later reason for the return makes that good."""
    returned_at: datetime | None = None
    seal_intact: bool | None = None
    counted: tuple[int, ...] = ()
    verdicts: Mapping[int, InspectedPack] = field(default_factory=dict)
    readings: tuple[Reading, ...] = ()
    excursions: Mapping[int, Excursion] = field(default_factory=dict)
    assessed: frozenset[datetime] = frozenset()
    """Moments of the readings that were known when the quality manager decided last."""
    handed_over_at: datetime | None = None
    moved_at: datetime | None = None
    """The courier's own time of the last word that counted."""
    word_due: datetime | None = None
    retry_due: datetime | None = None
    next_attempt_at: datetime | None = None
    reports: frozenset[str] = frozenset()
    """Messages of the courier's that were taken."""
    temperature_reports: int = 0
    """Of those, the ones in which a logger was read."""

    @property
    def storage(self) -> Storage:
        """By what was arranged; of deliveries of before, by whether they must stay cold."""
        by_chain: Storage = "refrigerated" if self.created and self.created.cold_chain else "ambient"
        return (self.created.storage if self.created else None) or by_chain

    @property
    def freeze_sensitive(self) -> bool:
        return self.created is None or self.created.freeze_sensitive

    @property
    def packs(self) -> Mapping[int, Pack]:
        return {pack.number: pack for pack in self.created.packs} if self.created else {}

    @property
    def open_excursions(self) -> tuple[int, ...]:
        return tuple(number for number, each in self.excursions.items() if each.decision is None)

    @property
    def doubtful(self) -> bool:
        """An excursion is open, or one was rejected: it does not go on to the patient, nor back to the shelf."""
        return self.spoilt or bool(self.open_excursions)

    @property
    def spoilt(self) -> bool:
        """An excursion was rejected: who has any of it is not to use it."""
        return self.called_back_spoilt or self.spoilt_itself

    @property
    def spoilt_itself(self) -> bool:
        """An excursion of its own was, which all of its packs have been through."""
        return any(each.decision == "rejected" for each in self.excursions.values())

    def road(self, *, lost: bool) -> Road | None:
        """Why the parcel did not arrive; None: no courier had it. What was spoilt on the way, whatever turned it round,
        is that."""
        if lost:
            return "lost"
        return "excursion_rejected" if self.return_reason and self.doubtful else self.return_reason

    @property
    def place_in_time(self) -> tuple[datetime, int] | None:
        """Of the last word about the way; a later word has a greater one."""
        return None if self.moved_at is None else (self.moved_at, RANK.get(self.status, len(RANK)))

    def with_verdict(self, verdict: str) -> tuple[int, ...]:
        return tuple(number for number, each in self.verdicts.items() if each.verdict == verdict)


def evolve(state: DeliveryState, event: DomainEvent) -> DeliveryState:
    match event:
        case e.DeliveryCreated():
            return replace(state, status="created", created=event, booking_due=event.booking_due)
        case e.DeliveryPacked(seal_no=seal_no, logger_id=logger_id, at=at):
            return replace(state, status="packed", seal_no=seal_no, logger_id=logger_id, packed_at=at)
        case e.CourierBooked(reference=reference):
            return replace(state, booking=reference, booking_due=None)
        case e.BookingFailed(tries=tries, again_at=again_at):
            return replace(state, booking_tries=tries, booking_due=again_at)
        case e.DeliveryCancelled():
            return replace(state, status="cancelled", ended=True, booking_due=None)
        case e.TemperaturesLogged() | e.TemperatureBreached() | e.ExcursionAssessed():
            return _evolve_temperature(state, event)
        case e.CourierReported(message_id=message_id, report=kind):
            measured = state.temperature_reports + (kind == "temperature")
            return replace(state, reports=state.reports | {message_id}, temperature_reports=measured)
        case e.DeliveryIrregular():
            return replace(state, exception=True)
        case (
            e.DeliveryReturnArrived()
            | e.ReturnInspected()
            | e.QuarantineDecided()
            | e.DeliveryLost()
            | e.DeliveryFound()
        ):
            return _evolve_return(state, event)
        case _:
            return _evolve_way(state, event)


def _evolve_way(state: DeliveryState, event: DomainEvent) -> DeliveryState:
    match event:
        case e.DeliveryHandedOver(at=at, word_due=due):
            handed = replace(state, status="handed_over", handed_over_at=at, moved_at=at)
            return replace(handed, word_due=due, booking_due=None)
        case e.DeliveryMoved(to=to, at=at, word_due=due):
            return replace(state, status=to, moved_at=at, word_due=due, retry_due=None, next_attempt_at=None)
        case e.DeliveryAttemptFailed(attempt=attempt, may_retry=may_retry, at=at, word_due=due, retry_due=retry_due):
            failed = replace(state, status="attempt_failed", attempts=attempt, may_retry=may_retry, moved_at=at)
            return replace(failed, word_due=due, retry_due=retry_due)
        case e.RetryScheduled(next_at=next_at, retry_due=retry_due):
            return replace(state, next_attempt_at=next_at, retry_due=retry_due)
        case e.DeliveryDelivered(proof_sha256=proof, exception=exception, accepted=accepted, rejected=rejected):
            delivered = replace(state, status="delivered", proof_sha256=proof, retry_due=None, word_due=event.word_due)
            opened = bool(rejected)
            return replace(
                delivered,
                exception=state.exception or exception,
                accepted=accepted,
                rejected=rejected,
                opened_at_door=opened,
                ended=not opened,
            )
        case e.DeliveryReturnStarted(reason=reason, word_due=due):
            spoilt = state.called_back_spoilt or reason == "excursion_rejected"
            turned = replace(state, return_reason=reason, called_back_spoilt=spoilt)
            if state.status == "quarantined":  # it came back for what it came back for
                return replace(state, called_back_spoilt=spoilt)
            if state.status == "return_arrived":  # only why is news
                return turned
            return replace(turned, status="returning", word_due=due, retry_due=None)
    return state  # pragma: no cover - the aggregate names no other event


def _evolve_return(state: DeliveryState, event: DomainEvent) -> DeliveryState:
    match event:
        case e.DeliveryReturnArrived(seal_intact=seal_intact, packs=packs, at=at):
            back = replace(state, status="return_arrived", seal_intact=seal_intact, counted=packs, returned_at=at)
            return replace(back, word_due=None, retry_due=None)
        case e.DeliveryFound(seal_intact=seal_intact, packs=packs, at=at):
            return replace(state, status="return_arrived", seal_intact=seal_intact, counted=packs, returned_at=at)
        case e.ReturnInspected(verdicts=verdicts):
            return _judged(replace(state, ended=True, word_due=None), {each.pack: each for each in verdicts})
        case e.QuarantineDecided(packs=packs, to=to, reason=reason):
            decided = {number: InspectedPack(pack=number, verdict=to, reason=reason) for number in packs}
            return _judged(state, {**state.verdicts, **decided})
        case e.DeliveryLost():
            return replace(state, status="lost", was_lost=True, ended=True, word_due=None, retry_due=None)
    return state  # pragma: no cover - evolve sends nothing else here


def _judged(state: DeliveryState, verdicts: Mapping[int, InspectedPack]) -> DeliveryState:
    """In quarantine while something is; then restocked if anything was, else destroyed (or missing altogether)."""
    found = {each.verdict for each in verdicts.values()}
    status = next((name for name in ("quarantined", "restocked", "destroyed") if name in found), "lost")
    return replace(state, verdicts=verdicts, status=status)


def _evolve_temperature(state: DeliveryState, event: DomainEvent) -> DeliveryState:
    match event:
        case e.TemperaturesLogged(readings=readings, word_due=due):
            return replace(state, readings=merged(state.readings, readings), word_due=due or state.word_due)
        case e.TemperatureBreached(excursion=number, breach=breach):
            return replace(state, excursions={**state.excursions, number: Excursion(breach)})
        case e.ExcursionAssessed(excursion=number, decision=decision, reason=reason, assessed_by=by):
            known = state.excursions[number]
            assessed = replace(known, decision=decision, reason=reason, assessed_by=by)
            assessed = replace(assessed, mkt_hundredths=event.mkt_hundredths)
            excursions = {**state.excursions, number: assessed}
            return replace(state, excursions=excursions, assessed=frozenset(each.at for each in state.readings))
    return state  # pragma: no cover - evolve sends nothing else here


def next_due(state: DeliveryState) -> Mapping[str, datetime]:
    """The deadlines that run: ask the courier's interface, go again, say something."""
    running = {
        BOOKING: state.booking_due if state.status in {"created", "packed"} else None,
        RETRY: state.retry_due if state.status == "attempt_failed" else None,
        SILENCE: state.word_due if state.status in ABROAD else None,
    }
    return {name: due for name, due in running.items() if due is not None}


DELIVERIES: Aggregate[DeliveryState] = Aggregate(
    name="delivery", events=e.EVENTS, initial=DeliveryState(), evolve=evolve, next_due=next_due
)
