"""What the audit means for a claim: it is refused, and goes on where the audit's case is decided in its favour."""

from __future__ import annotations

from typing import ClassVar

from services.seedwork.model import DomainEvent


class AuditLifted(DomainEvent):
    """What the audit had against the claim does not stand: it is where it was before, and is quoted anew."""

    TOPIC: ClassVar[str] = "insurance.claim.audit_lifted"
