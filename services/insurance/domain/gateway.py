"""The way to a payer: what is asked, and the four answers there are.

Requests are written before they are sent. `duplicate` is the first answer again; `unknown` is no answer, and only
asking again under the same message id resolves it, never a timer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from services.insurance.domain.amounts import Adjudication, ClaimLine
from services.insurance.domain.catalogue import Listing
from services.insurance.domain.entitlement import Entitlement, SelfPayReason


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
    """An insurer as rxflow reaches it (one-step: authorise books at once, void takes it back)."""

    def quote(self, request: BenefitRequest) -> Adjudication:
        """What the claim would come to; nothing is booked."""
        ...

    def authorise(self, request: BenefitRequest) -> GatewayOutcome: ...

    def inquire(self, message_id: UUID) -> GatewayOutcome:
        """What became of an authorisation that was not answered: its amounts where it is booked, refused where not."""
        ...

    def void(self, message_id: UUID, original: UUID) -> GatewayOutcome: ...
