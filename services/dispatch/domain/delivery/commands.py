"""What can be asked of a delivery. Who asks is part of the command: rights are decided with the record."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from services.dispatch.domain.delivery.temperature import READINGS_PER_COMMAND_MAX
from services.dispatch.domain.delivery.values import CallOffReason, FailureReason, Reading, ReturnReason, Verdict
from services.dispatch.domain.values import LINES_MAX
from services.seedwork.model import Command, Immutable

PACKS_MAX = 100
SHA256 = r"^[0-9a-f]{64}$"


class PackDelivery(Command):
    """Seal the parcel. Inside: the medicine, the sales slip, and a logger where it must stay cold."""

    pharmacy: str
    packed_by: str
    seal_no: str = Field(min_length=1, max_length=64)
    logger_id: str | None = Field(default=None, min_length=1, max_length=64)


class HandOver(Command):
    """The courier takes the parcel; `seal_no` is what the courier reads on it, where it says so."""

    pharmacy: str
    proof_sha256: str
    seal_no: str | None = None
    eta: datetime | None = None


class Proof(Immutable):
    """What shows that the patient has it: digests of signature and picture, the patient's code, the identity check."""

    proof_sha256: str = Field(pattern=SHA256)
    photo_sha256: str | None = Field(default=None, pattern=SHA256)
    collector_kind: Literal["patient", "agent"] = "patient"
    identity_checked: bool = False
    code: str | None = None
    seal_intact: bool = True
    attended: bool = True
    """False: left in a locker or at the door."""
    rejected_lines: tuple[int, ...] = Field(default=(), max_length=LINES_MAX)
    """What the patient did not accept, by whole lines of the sales slip."""


class FailAttempt(Command):
    """Nobody took it."""

    courier: str
    reason: FailureReason
    note: str | None = None


class ScheduleRetry(Command):
    """The next attempt is agreed with the patient."""

    courier: str
    next_at: datetime


class Recall(Command):
    """The pharmacy, a cancellation or a recall of a lot calls the parcel back."""

    pharmacy: str
    reason: ReturnReason


class CancelDelivery(Command):
    """Call it off."""

    pharmacy: str
    reason: CallOffReason
    note: str | None = None


class ReceiveReturn(Command):
    """It is back: which packs are there, and how the seal looks."""

    pharmacy: str
    received_by: str
    seal_intact: bool
    packs: tuple[int, ...] = Field(max_length=PACKS_MAX)


class PackVerdict(Immutable):
    """What is decided about one pack; a reason where it is not sold again."""

    pack: int = Field(ge=1, le=PACKS_MAX)
    verdict: Verdict
    reason: str | None = Field(default=None, min_length=1, max_length=200)


class InspectReturn(Command):
    """Every pack that was counted is looked at."""

    pharmacy: str
    inspected_by: str
    verdicts: tuple[PackVerdict, ...] = Field(max_length=PACKS_MAX)


class DecideQuarantine(Command):
    """The quality manager's decision about packs in quarantine; `packs` None: all of them."""

    pharmacy: str
    decided_by: str
    to: Literal["restocked", "destroyed"]
    reason: str = Field(min_length=1, max_length=200)
    packs: tuple[int, ...] | None = Field(default=None, max_length=PACKS_MAX)


class LogTemperatures(Command):
    """A logger was read, by the pharmacy or the courier."""

    party: Literal["pharmacy", "courier"]
    organisation: str
    readings: tuple[Reading, ...] = Field(min_length=1, max_length=READINGS_PER_COMMAND_MAX)


class AssessExcursion(Command):
    """The quality manager decides whether what was in the parcel is still good."""

    pharmacy: str
    excursion: int
    decision: Literal["released", "rejected"]
    reason: str = Field(min_length=1, max_length=400)
    assessed_by: str


class Report(Immutable):
    """A signed message of the courier's, read: what it says happened, and when, by the courier's clock."""

    message_id: str
    courier: str
    delivery_id: UUID
    kind: Literal[
        "picked_up",
        "in_transit",
        "arrived",
        "attempt_failed",
        "delivered",
        "refused",
        "lost",
        "damaged",
        "temperature",
    ]
    at: datetime
    reason: FailureReason | None = None
    proof: Proof | None = None
    readings: tuple[Reading, ...] = Field(default=(), max_length=READINGS_PER_COMMAND_MAX)
