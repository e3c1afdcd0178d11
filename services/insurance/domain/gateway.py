"""The way to a payer: what is asked, and the four answers there are.

Requests to a payer beyond the network are saved before they are sent. `duplicate` is the first answer
again; `unknown` is no answer, and only asking again under the same message id resolves it, never a timer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from services.insurance.domain.amounts import Adjudication, ClaimLine
from services.insurance.domain.catalogue import Listing
from services.insurance.domain.claim_values import Steps
from services.insurance.domain.entitlement import Entitlement, SelfPayReason
from services.insurance.domain.payer_items import Figures, Item, Listed


class OutcomeKind(StrEnum):
    """What came of a request to a payer."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    DUPLICATE = "duplicate"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class BenefitRequest:
    """A quote or an authorisation (2101, 2102). The credential (医保电子凭证) is passed on and never written down."""

    message_id: UUID
    lines: tuple[ClaimLine, ...]
    listings: Mapping[str, Listing]
    entitlement: Entitlement | SelfPayReason
    credential: str | None = None


@dataclass(frozen=True)
class GatewayOutcome:
    """The payer's answer: amounts and reference when accepted or duplicate, reasons when refused."""

    kind: OutcomeKind
    adjudication: Adjudication | None = None
    insurer: str | None = None
    reference: str | None = None
    reasons: tuple[str, ...] = ()


class Gateway(Protocol):
    """An insurer that answers in the same instant, so that its answer is saved with the request; it also quotes for
    the others (one-step: authorise books at once, void takes it back)."""

    def quote(self, request: BenefitRequest) -> Adjudication:
        """What the claim would come to; nothing is booked."""
        ...

    def authorise(self, request: BenefitRequest) -> GatewayOutcome: ...

    def inquire(self, message_id: UUID) -> GatewayOutcome:
        """What became of an authorisation that was not answered: its amounts where it is booked, refused where not."""
        ...

    def void(self, message_id: UUID, original: UUID) -> GatewayOutcome: ...


@dataclass(frozen=True)
class Reach:
    """Where an insurer beyond the network is reached: its code, its place, its address, and how it books."""

    insurer: str
    region: str
    url: str
    steps: Steps = "one_step"


@dataclass(frozen=True)
class Original:
    """The authorisation that a later message is about; without a reference its answer was lost."""

    message_id: UUID
    requested_at: datetime
    reference: str | None = None


@dataclass(frozen=True)
class Asked:
    """One message to an insurer beyond the network; a repeat of it is the same to the byte, but for the credential.

    `member_number`: as whom the insurer knows the patient (psn_no). The credential (医保电子凭证) is passed on and
    never written down.
    """

    message_id: UUID
    requested_at: datetime
    member_number: str
    pharmacy: str
    region: str
    prescription_id: UUID
    insutype: str
    med_type: str
    lines: tuple[ClaimLine, ...]
    original: Original | None = None
    credential: str | None = None


class RemoteGateway(Protocol):
    """An insurer beyond the network. Whatever goes wrong on the way is `unknown`, because the message may have arrived;
    nothing raises."""

    def quote(self, reach: Reach, asked: Asked) -> GatewayOutcome:
        """What the claim would come to (2101); nothing is booked."""
        ...

    def authorise(self, reach: Reach, asked: Asked) -> GatewayOutcome:
        """Book it, or in two steps reserve it (2102)."""
        ...

    def inquire(self, reach: Reach, asked: Asked) -> GatewayOutcome:
        """What became of `original`: its amounts where it is booked, refused where it is not and never will be: the
        insurer is told to reverse the lost message (2601), should it still arrive."""
        ...

    def settle(self, reach: Reach, asked: Asked) -> GatewayOutcome:
        """Book what `original` has reserved."""
        ...

    def void(self, reach: Reach, asked: Asked) -> GatewayOutcome:
        """Take back what `original` has booked or reserved (2103), or the lost message that it was (2601)."""
        ...

    def equal_totals(self, reach: Reach, day: date, figures: Figures) -> bool | None:
        """Whether the insurer's day comes to these figures (3201); None: no answer."""
        ...

    def differing(self, reach: Reach, day: date, ours: Sequence[Item]) -> list[Listed] | None:
        """The lines on which the insurer's day differs from ours (9101, 3202); None: no answer."""
        ...
