"""What happens to a delivery. Contact and notes are sealed. Fields that came later have defaults, for older events."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.dispatch.domain.delivery.values import (
    Breach,
    CallOffReason,
    ContactAddress,
    FailureReason,
    InspectedPack,
    Note,
    Pack,
    Reading,
    ReturnReason,
    Storage,
)
from services.dispatch.domain.values import LineQuantity
from services.seedwork.model import DomainEvent, Personal, PersonalClass


class DeliveryCreated(DomainEvent):
    """A courier is to bring a supply."""

    TOPIC: ClassVar[str] = "dispatch.delivery.delivery_created"

    delivery_id: UUID
    prescription_id: UUID
    fulfilment_id: UUID
    supply_id: UUID
    patient_ref: UUID
    pharmacy: str
    courier: str
    cold_chain: bool
    contact: Annotated[ContactAddress | None, Personal(PersonalClass.CONTACT)]
    storage: Storage | None = None
    """None in deliveries of before: by `cold_chain`."""
    freeze_sensitive: bool = True
    identity_required: bool = False
    """Something in it is given only to somebody whose identity was checked."""
    packs: tuple[Pack, ...] = ()
    booking_due: datetime | None = None
    """When the courier is to be asked by its interface; None: it takes orders by hand."""


class DeliveryPacked(DomainEvent):
    """In the sealed parcel: the medicine and the sales slip."""

    TOPIC: ClassVar[str] = "dispatch.delivery.delivery_packed"

    seal_no: str
    packed_by: str
    logger_id: str | None = None
    at: datetime | None = None


class CourierBooked(DomainEvent):
    """The courier's interface has taken the order."""

    TOPIC: ClassVar[str] = "dispatch.delivery.courier_booked"

    reference: str


class BookingFailed(DomainEvent):
    """No answer, or a refusal; asked again at `again_at`, None: by hand from now on."""

    TOPIC: ClassVar[str] = "dispatch.delivery.booking_failed"

    tries: int
    outcome: Literal["refused", "unknown"]
    again_at: datetime | None


class DeliveryHandedOver(DomainEvent):
    """The courier has it."""

    TOPIC: ClassVar[str] = "dispatch.delivery.delivery_handed_over"

    proof_sha256: str
    at: datetime | None = None
    eta: datetime | None = None
    word_due: datetime | None = None
    """When nobody has said anything more by then, it counts as lost."""


class DeliveryMoved(DomainEvent):
    """On the way, or at the door."""

    TOPIC: ClassVar[str] = "dispatch.delivery.delivery_moved"

    to: Literal["in_transit", "arrived"]
    at: datetime | None = None
    word_due: datetime | None = None


class DeliveryAttemptFailed(DomainEvent):
    """Nobody took it."""

    TOPIC: ClassVar[str] = "dispatch.delivery.delivery_attempt_failed"

    patient_ref: UUID
    attempt: int
    reason: FailureReason
    note: Note = None
    may_retry: bool
    at: datetime | None = None
    word_due: datetime | None = None
    retry_due: datetime | None = None
    """When nobody has gone again by then, it goes back."""


class RetryScheduled(DomainEvent):
    """The next attempt is agreed."""

    TOPIC: ClassVar[str] = "dispatch.delivery.retry_scheduled"

    next_at: datetime
    retry_due: datetime


class DeliveryDelivered(DomainEvent):
    """In the patient's hands: all of it, or what was accepted of it."""

    TOPIC: ClassVar[str] = "dispatch.delivery.delivery_delivered"

    proof_sha256: str
    delivered_at: datetime
    exception: bool
    accepted: tuple[LineQuantity, ...] = ()
    """Empty in deliveries of before: all."""
    rejected: tuple[LineQuantity, ...] = ()
    photo_sha256: str | None = None
    identity_checked: bool = False
    word_due: datetime | None = None


class DeliveryReturnStarted(DomainEvent):
    """It goes back to the pharmacy ("abandoned" of other systems), for a reason; of one that is back: this is one."""

    TOPIC: ClassVar[str] = "dispatch.delivery.delivery_return_started"

    reason: ReturnReason
    at: datetime
    word_due: datetime | None = None


class DeliveryReturnArrived(DomainEvent):
    """Back in the pharmacy: counted, its seal looked at."""

    TOPIC: ClassVar[str] = "dispatch.delivery.delivery_return_arrived"

    received_by: str
    seal_intact: bool
    packs: tuple[int, ...]
    """Numbers of the packs that are there."""
    at: datetime


class ReturnInspected(DomainEvent):
    """Every pack was looked at: what may be sold again, what waits, what is destroyed, what is missing."""

    TOPIC: ClassVar[str] = "dispatch.delivery.return_inspected"

    inspected_by: str
    verdicts: tuple[InspectedPack, ...]
    at: datetime
    found_again: bool = False
    """It had been written off as lost: money and quantity stay as decided then."""


class QuarantineDecided(DomainEvent):
    """The quality manager (质量负责人) has decided about packs in quarantine."""

    TOPIC: ClassVar[str] = "dispatch.delivery.quarantine_decided"

    packs: tuple[int, ...]
    to: Literal["restocked", "destroyed"]
    decided_by: str
    reason: str
    at: datetime


class DeliveryLost(DomainEvent):
    """Nobody knows where it is."""

    TOPIC: ClassVar[str] = "dispatch.delivery.delivery_lost"

    how: Literal["reported", "no_word"]
    at: datetime


class DeliveryFound(DomainEvent):
    """It had been lost, and is in the pharmacy now."""

    TOPIC: ClassVar[str] = "dispatch.delivery.delivery_found"

    received_by: str
    seal_intact: bool
    packs: tuple[int, ...]
    at: datetime


class TemperaturesLogged(DomainEvent):
    """A logger was read."""

    TOPIC: ClassVar[str] = "dispatch.delivery.temperatures_logged"

    readings: tuple[Reading, ...] = Field(min_length=1)
    word_due: datetime | None = None


class TemperatureBreached(DomainEvent):
    """An excursion is open: by the threshold in force, which is kept with it."""

    TOPIC: ClassVar[str] = "dispatch.delivery.temperature_breached"

    excursion: int
    breach: Breach


class ExcursionAssessed(DomainEvent):
    """The quality manager has decided whether what was in the parcel is still good."""

    TOPIC: ClassVar[str] = "dispatch.delivery.excursion_assessed"

    excursion: int
    decision: Literal["released", "rejected"]
    reason: str
    assessed_by: str
    at: datetime
    ended_at: datetime
    mkt_hundredths: int | None = None
    """Mean kinetic temperature over the window of the policy, hundredths of a degree Celsius."""


class CourierReported(DomainEvent):
    """A signed message of the courier's, and what became of it."""

    TOPIC: ClassVar[str] = "dispatch.delivery.courier_reported"

    message_id: str
    report: str
    event_time: datetime
    effect: Literal["applied", "late", "out_of_turn", "against_a_rule"]
    code: str | None = None


class DeliveryIrregular(DomainEvent):
    """Something happened although a rule was broken: recorded, and explained by the organisation that did it."""

    TOPIC: ClassVar[str] = "dispatch.delivery.delivery_irregular"

    fulfilment_id: UUID
    supply_id: UUID
    organisation: str
    recorded_by: str
    irregularities: tuple[str, ...]
    """Codes of the error catalogue."""


class DeliveryCancelled(DomainEvent):
    """Called off before the courier had it."""

    TOPIC: ClassVar[str] = "dispatch.delivery.delivery_cancelled"

    patient_ref: UUID
    reason: CallOffReason
    note: Note = None


EVENTS: tuple[type[DomainEvent], ...] = (
    DeliveryCreated,
    DeliveryPacked,
    CourierBooked,
    BookingFailed,
    DeliveryHandedOver,
    DeliveryMoved,
    DeliveryAttemptFailed,
    RetryScheduled,
    DeliveryDelivered,
    DeliveryReturnStarted,
    DeliveryReturnArrived,
    ReturnInspected,
    QuarantineDecided,
    DeliveryLost,
    DeliveryFound,
    TemperaturesLogged,
    TemperatureBreached,
    ExcursionAssessed,
    CourierReported,
    DeliveryIrregular,
    DeliveryCancelled,
)
