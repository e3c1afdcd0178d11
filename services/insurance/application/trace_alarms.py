"""A repeated trace code becomes a fact of the insurer whose money the first sale took, and a finding of its audit.

Where another region sold it first, it is one of the second sale: that supply was dispensed while the code's owner could
not be asked, and its claim waits until the owner has spoken.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any
from uuid import UUID

from contracts.envelope import Envelope
from contracts.events.dispatch_later import TraceCodeRepeated, TraceCodesDecided
from services.insurance.application.claim_work import ClaimWork, Outside, work_on
from services.insurance.application.claims import FIRST_ATTEMPT, current_attempt, open_next
from services.insurance.application.draft import Draft
from services.insurance.domain.claim import ClaimState, claim_of
from services.insurance.domain.claim_transitions import QUOTED
from services.insurance.domain.trace_alarm import CodePlace, RepeatNoted, TraceAlarmState, note_repeat, trace_alarm_of
from services.seedwork.model import Loaded
from services.seedwork.usecase import Decision, Load, Moment, UseCase

Working = Generator[Load, Any, ClaimWork | None]


def trace_code_repeated(event: TraceCodeRepeated, _envelope: Envelope, outside: Outside) -> UseCase:
    """Kept beside the claim of the supply that sold the code first, or else of the second; each is flagged."""

    def decide(moment: Moment, alarm: Loaded[TraceAlarmState]) -> Generator[Load, Any, Decision]:
        draft, claim_id, insurer = Draft(alarm), None, None
        for place in (event.second, event.first):
            if place.supply_id is None:
                continue
            (first,) = yield Load.of(claim_of(place.supply_id, FIRST_ATTEMPT))
            work = yield from _standing(draft, first, place.supply_id, moment, outside)
            if work is not None:
                claim_id, insurer = work.opened.claim_id, work.claim.insurer
                work.flag_repeat()
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
        draft.add(alarm, note_repeat(alarm.state, noted))
        return draft.decision()

    return UseCase((trace_alarm_of(event.code_sha256),), decide)


def trace_codes_decided(event: TraceCodesDecided, outside: Outside) -> UseCase:
    """The claim goes on where it waited; with a code that was sold elsewhere it stays where the audit puts it."""

    def decide(moment: Moment, first: Loaded[ClaimState]) -> Generator[Load, Any, Decision]:
        draft = Draft(first)
        work = yield from _standing(draft, first, event.supply_id, moment, outside)
        if work is None:
            return Decision.nothing()
        work.know_codes(repeated=bool(event.repeated))
        work.apply_facts()
        yield from open_next(moment, draft, outside, work)
        return draft.decision()

    return UseCase((claim_of(event.supply_id, FIRST_ATTEMPT),), decide)


def _standing(draft: Draft, first: Loaded[ClaimState], supply_id: UUID, moment: Moment, outside: Outside) -> Working:
    """The claim that stands for a supply now, if there is one; as of the day of its amounts."""
    claim = yield from current_attempt(supply_id, first, outside.policy(moment).attempts_all)
    opened = claim.state.opened
    if opened is None:
        return None
    day = None if claim.state.state == QUOTED else claim.state.policy_date
    return (yield from work_on(draft, outside, opened, moment, day))
