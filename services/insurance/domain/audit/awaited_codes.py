"""Trace codes of a supply whose owner in another region could not be asked when it was dispensed: part of its case."""

from __future__ import annotations

from typing import ClassVar

from services.seedwork.model import DomainEvent


class CodesAwaited(DomainEvent):
    """The insurer's money waits for the owner's word."""

    TOPIC: ClassVar[str] = "insurance.audit.codes_awaited"


class CodesKnown(DomainEvent):
    """The owners have spoken; what they do not let the supply have is a finding."""

    TOPIC: ClassVar[str] = "insurance.audit.codes_known"


CODES_EVENTS: tuple[type[DomainEvent], ...] = (CodesAwaited, CodesKnown)


def await_codes(*, awaited: bool) -> list[DomainEvent]:
    """Once."""
    return [] if awaited else [CodesAwaited()]


def know_codes(*, awaited: bool) -> list[DomainEvent]:
    """Of a supply that waits for them."""
    return [CodesKnown()] if awaited else []
