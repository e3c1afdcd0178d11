"""What is known of one prescription: its signed form, its review, its quantities by instalment, who asked for what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.prescribe.domain import prescription_events as happened
from services.prescribe.domain.block_events import QueryRaised
from services.prescribe.domain.buckets import Buckets
from services.prescribe.domain.calendar import past
from services.prescribe.domain.commands import CancelPrescription
from services.prescribe.domain.confirmation_events import FindingsConfirmed
from services.prescribe.domain.parts import NOTHING, Parts
from services.prescribe.domain.prescription_transitions import PRESCRIPTION_TRANSITIONS
from services.prescribe.domain.stop_use_events import StopUseAcknowledged, StopUseNotified
from services.prescribe.domain.substitution_events import (
    ASKS_PRESCRIBER,
    SubstituteScreened,
    SubstitutionChecked,
    SubstitutionDeclined,
    SubstitutionProposed,
)
from services.prescribe.domain.values import FINAL, CancelledLine, Finding, LineQuantity, Reviewer, Status
from services.seedwork.model import Refusal, derived_id


@dataclass(frozen=True)
class KeptCancellation:
    """A cancellation that waits for its prescription."""

    request_id: UUID
    requested_by: str
    organisation: str | None
    reason_code: str

    def is_for(self, command: CancelPrescription) -> bool:
        """Whether a command with this id asks for the same."""
        return (command.scope, command.reason_code) == (None, self.reason_code)


@dataclass(frozen=True)
class Cancellation:
    """A request to cancel, and the answer so far (`requested`, `undecided`, or what dispatch said)."""

    request_id: UUID
    requested_by: str
    reason_code: str
    answer: str
    scope: tuple[LineQuantity, ...] | None = None
    lines: tuple[CancelledLine, ...] = ()
    answer_due_at: datetime | None = None
    undecided: bool = False
    final: bool = False
    fulfilments: tuple[UUID, ...] = ()
    """Whose answers it waits for."""
    urgent: bool = False
    unopened: tuple[LineQuantity, ...] = ()
    decided: Mapping[UUID, tuple[tuple[CancelledLine, ...], bool]] = field(default_factory=dict)
    """What each fulfilment has answered so far, and whether that is its last word."""

    def is_for(self, command: CancelPrescription) -> bool:
        """Whether a command with this id asks for the same; urgency is known of what dispatch was asked only."""
        asked = self.answer_due_at is None or command.urgent == self.urgent
        return asked and (command.scope, command.reason_code) == (self.scope, self.reason_code)


@dataclass(frozen=True)
class Block:
    """Lines that wait for the prescriber's word; `answered_by`: the digest of the signed answer, once there is one."""

    raised: QueryRaised
    answered_by: str | None = None

    @property
    def lines(self) -> tuple[int, ...]:
        return self.raised.lines


@dataclass(frozen=True)
class Proposal:
    """A substitute that a pharmacy proposes; `confirmed_by`: the digest of the prescriber's signature, or `declined`,
    once there is one; `checked`: what was told where no prescriber is asked."""

    proposed: SubstitutionProposed
    confirmed_by: str | None = None
    declined: SubstitutionDeclined | None = None
    checked: SubstitutionChecked | None = None

    @property
    def asks_prescriber(self) -> bool:
        return self.proposed.mode == ASKS_PRESCRIBER


@dataclass(frozen=True)
class StopUse:
    """A notice to stop using what is in the patient's hands, and who acknowledged it when."""

    notified: StopUseNotified
    acknowledged: StopUseAcknowledged | None = None


@dataclass(frozen=True)
class Window:
    """When an opened instalment may be held, and when the patient last received something of it."""

    opens_at: datetime
    closes_at: datetime
    received_at: datetime | None = None
    lapsed: bool = False


@dataclass(frozen=True)
class PrescriptionState:
    """A prescription as it is now. `current` is its last signed form, `confirmation` its second signature; `parts`
    where its quantities are by instalment, `windows` those that were opened, `holders` the pharmacies at work on them,
    by hold and by supply."""

    status: Status = Status.NOT_YET
    current: happened.SignedRevision | None = None
    parts: Parts = NOTHING
    windows: Mapping[int, Window] = field(default_factory=dict)
    confirmation: FindingsConfirmed | None = None
    reviewers: tuple[Reviewer, ...] = ()
    findings: tuple[Finding, ...] = ()
    comment: str | None = None
    open_instalments: tuple[int, ...] = ()
    kept: tuple[KeptCancellation, ...] = ()
    cancellations: tuple[Cancellation, ...] = ()
    blocks: tuple[Block, ...] = ()
    stop_use: Mapping[UUID, StopUse] = field(default_factory=dict)
    proposals: Mapping[UUID, Proposal] = field(default_factory=dict)
    screenings: Mapping[UUID, SubstituteScreened] = field(default_factory=dict)
    holders: Mapping[UUID, str] = field(default_factory=dict)
    validity_over: bool = False
    nominated_pharmacy: str | None = None

    @property
    def signed(self) -> happened.SignedRevision:
        """The last signed form; only for a prescription that has arrived."""
        if self.current is None:
            raise LookupError("nothing has been signed yet")
        return self.current

    @property
    def buckets(self) -> Buckets:
        """Where the prescribed quantity of each line is, over all instalments."""
        return self.parts.total

    @property
    def unopened(self) -> tuple[int, ...]:
        """Instalments that have not been opened, in their order."""
        return tuple(number for number in self.parts.instalments if number not in self.windows)

    @property
    def to_come(self) -> tuple[int, ...]:
        """Instalments of which something is still to be opened."""
        parts = self.parts.instalments
        return tuple(n for n in self.unopened if any(line.remaining for line in parts[n].values()))

    @property
    def was_released(self) -> bool:
        """Whether it ever was in circulation: its first instalment is opened with the release, never before."""
        return bool(self.windows)

    @property
    def ended(self) -> bool:
        return self.status in FINAL

    @property
    def fulfilments(self) -> tuple[UUID, ...]:
        """The fulfilments not known to be closed, by the id dispatch gives them."""
        return tuple(fulfilment_id(self.signed.prescription_id, number) for number in self.open_instalments)

    def instalment_of(self, fulfilment: UUID) -> int | None:
        """The opened instalment of a fulfilment; None when there is none."""
        prescription_id = self.signed.prescription_id
        return next((n for n in self.windows if fulfilment_id(prescription_id, n) == fulfilment), None)

    def block(self, block_id: UUID) -> Block | None:
        return next((each for each in self.blocks if each.raised.block_id == block_id), None)

    @property
    def blocked_lines(self) -> frozenset[int]:
        """Lines that nobody may hold until the prescriber has answered every question about them."""
        return frozenset(line for each in self.blocks if each.answered_by is None for line in each.lines)

    def cancellation(self, request_id: UUID) -> Cancellation | None:
        return next((each for each in self.cancellations if each.request_id == request_id), None)

    def kept_cancellation(self, request_id: UUID) -> KeptCancellation | None:
        return next((each for each in self.kept if each.request_id == request_id), None)

    def past_validity(self, now: datetime) -> bool:
        """Whether validity is over, whether or not the clock has said so yet."""
        return now >= past(self.signed.valid_until)

    def refuses(self, trigger: str) -> Refusal | None:
        """The refusal of a trigger that the transition table does not list for this state."""
        if PRESCRIPTION_TRANSITIONS.allows(self.status, trigger):
            return None
        code = "prescription.ended" if self.ended else "prescription.wrong_state"
        return Refusal(code, {"state": str(self.status), "trigger": trigger})


def fulfilment_id(prescription_id: UUID, instalment: int) -> UUID:
    """The id of an instalment's fulfilment, the same in every service."""
    return derived_id("fulfilment", prescription_id, instalment)
