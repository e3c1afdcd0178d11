"""A repeated trace code becomes a fact of the insurer whose money the first sale took."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from contracts.envelope import Envelope
from contracts.events.dispatch_later import TraceCodeRepeated
from services.insurance.domain.claim import claim_of
from services.insurance.domain.trace_alarm import CodePlace, RepeatNoted, TraceAlarmState, note_repeat, trace_alarm_of
from services.seedwork.model import Loaded
from services.seedwork.usecase import Decision, Load, Moment, UseCase

FIRST_ATTEMPT = 1


def trace_code_repeated(event: TraceCodeRepeated, _envelope: Envelope) -> UseCase:
    """Kept beside the claim of the supply that sold the code first."""

    def decide(_moment: Moment, alarm: Loaded[TraceAlarmState]) -> Generator[Load, Any, Decision]:
        claim_id, insurer = None, None
        if event.first.supply_id is not None:
            (claim,) = yield Load.of(claim_of(event.first.supply_id, FIRST_ATTEMPT))
            if claim.state.opened is not None:
                claim_id, insurer = claim.stream_id, claim.state.insurer
        noted = RepeatNoted(
            code_sha256=event.code_sha256,
            product=event.product,
            kind=event.kind,
            found=event.found,
            first=CodePlace(pharmacy=event.first.pharmacy, region=event.first.region, at=event.first.at),
            second=CodePlace(pharmacy=event.second.pharmacy, region=event.second.region, at=event.second.at),
            claim_id=claim_id,
            insurer=insurer,
        )
        return Decision.on(alarm, note_repeat(alarm.state, noted))

    return UseCase((trace_alarm_of(event.code_sha256),), decide)
