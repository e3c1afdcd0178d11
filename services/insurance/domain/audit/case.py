"""AuditCase: what the audit found in one supply, and what people decided about it.

| grade | before settlement | at or after settlement |
|---|---|---|
| hint | told | told |
| suspicious | the claim waits until an officer has decided | an officer decides |
| violation | the claim is refused | an officer decides |

A decision against the claim may be appealed by its patient or pharmacy, once; another officer decides the appeal. After
settlement a decision that stands orders the claim's reversal, once its time of appeal is over.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Annotated, ClassVar, Literal, assert_never
from uuid import UUID

from services.insurance.domain.audit.awaited_codes import CODES_EVENTS, CodesAwaited, CodesKnown
from services.insurance.domain.audit.findings import AuditFinding, gravest
from services.insurance.domain.audit.rules import Grade, Stage
from services.seedwork.calendar import first_moment
from services.seedwork.model import (
    Aggregate,
    Command,
    DomainEvent,
    Outcome,
    Personal,
    PersonalClass,
    Refusal,
    StreamRef,
    derived_id,
)
from services.seedwork.transitions import NOT_YET, Transition, Transitions

TRACE_REUSE = "trace_reuse"
NOTED, OPEN, BLOCKED, CLEARED = "noted", "open", "blocked", "cleared"
UPHELD, APPEALED, FINAL = "upheld", "appealed", "final"

HINTED = "found: hints only"
SUSPECTED = "found: suspicion"
VIOLATED = "found: violation before settlement"
DECIDE_CLEARED = "DecideAudit: cleared"
DECIDE_UPHELD = "DecideAudit: upheld"
APPEAL = "AppealAudit"
GRANT = "DecideAppeal: granted"
REJECT = "DecideAppeal: rejected"
TIME_OVER = "clock: appeal"

_FINDABLE = (NOT_YET, NOTED, OPEN, CLEARED)
AUDIT_TRANSITIONS = Transitions(
    (
        *(Transition(state, HINTED, "", NOTED if state == NOT_YET else state, "audit_flagged") for state in _FINDABLE),
        *(Transition(state, SUSPECTED, "or a violation, not before", OPEN, "audit_flagged") for state in _FINDABLE),
        *(Transition(state, VIOLATED, "the claim is refused", BLOCKED, "audit_flagged") for state in _FINDABLE),
        Transition(OPEN, DECIDE_CLEARED, "officer of the claim's insurer; reason", CLEARED, "audit_flagged"),
        Transition(OPEN, DECIDE_UPHELD, "officer of the claim's insurer; reason", UPHELD, "audit_flagged"),
        Transition(BLOCKED, APPEAL, "patient or pharmacy of the claim; in time", APPEALED, "audit_flagged"),
        Transition(UPHELD, APPEAL, "patient or pharmacy of the claim; in time", APPEALED, "audit_flagged"),
        Transition(APPEALED, GRANT, "officer; not who decided before", CLEARED, "audit_flagged"),
        Transition(APPEALED, REJECT, "officer; not who decided before", FINAL, "audit_flagged; settled: reversal"),
        Transition(UPHELD, TIME_OVER, "", FINAL, "audit_flagged; settled: reversal"),
        Transition(BLOCKED, TIME_OVER, "", FINAL, "audit_flagged"),
    )
)


class DecideAudit(Command):
    """An officer decides about a suspicion, and says why."""

    audit_id: UUID
    decision: Literal["cleared", "upheld"]
    reason: str


class AppealAudit(Command):
    """The patient or the pharmacy does not agree, and says why."""

    audit_id: UUID
    grounds: str


class DecideAppeal(Command):
    """Another officer decides about the appeal, and says why."""

    audit_id: UUID
    decision: Literal["granted", "rejected"]
    reason: str


class AuditFlagged(DomainEvent):
    """The audit found something that it had not found before."""

    TOPIC: ClassVar[str] = "insurance.audit.flagged"

    audit_id: UUID
    supply_id: UUID
    claim_id: UUID
    prescription_id: UUID
    fulfilment_id: UUID
    patient_ref: UUID
    pharmacy: str
    insurer: str
    stage: Stage
    findings: tuple[AuditFinding, ...]
    unchecked: tuple[str, ...]
    appeal_until: date
    reached: str = NOTED
    """The state of the case once this is found, and the gravest grade that it then has."""
    grade: Grade = "hint"


class AuditDecided(DomainEvent):
    """A named officer decided about the suspicion."""

    TOPIC: ClassVar[str] = "insurance.audit.decided"

    decision: Literal["cleared", "upheld"]
    decided_by: str
    reason: str
    appeal_until: date


class AuditAppealed(DomainEvent):
    """A party of the claim does not agree."""

    TOPIC: ClassVar[str] = "insurance.audit.appealed"

    patient_ref: UUID
    appealed_by: str
    role: str
    grounds: Annotated[str | None, Personal(PersonalClass.CLINICAL)]


class AppealDecided(DomainEvent):
    """Another named officer decided about the appeal."""

    TOPIC: ClassVar[str] = "insurance.audit.appeal_decided"

    decision: Literal["granted", "rejected"]
    decided_by: str
    reason: str


class AppealTimeOver(DomainEvent):
    """Nobody has appealed in time."""

    TOPIC: ClassVar[str] = "insurance.audit.appeal_time_over"


AuditEvent = AuditFlagged | AuditDecided | AuditAppealed | AppealDecided | AppealTimeOver | CodesAwaited | CodesKnown


@dataclass(frozen=True)
class AuditState:
    """A case as it stands. `flagged` tells what it is about; `stage` is that of its gravest open finding."""

    state: str = NOT_YET
    flagged: AuditFlagged | None = None
    findings: tuple[AuditFinding, ...] = ()
    unchecked: tuple[str, ...] = ()
    stage: Stage = "before"
    decided: AuditDecided | None = None
    appealed: AuditAppealed | None = None
    appeal_decided: AppealDecided | None = None
    appeal_until: date | None = None
    codes_awaited: bool = False

    @property
    def grade(self) -> Grade | None:
        return gravest(self.findings) if self.findings else None

    @property
    def holds(self) -> bool:
        """The claim waits for a person."""
        return self.state == OPEN

    @property
    def holds_settlement(self) -> bool:
        """A trace code (药品追溯码) of the supply was met again and it is not decided for good, or its owner in another
        region has not said yet whether it was: the money waits."""
        repeated = any(each.kind == TRACE_REUSE and each.grade != "hint" for each in self.findings)
        return self.codes_awaited or (repeated and self.state in {OPEN, UPHELD, APPEALED})

    @property
    def against(self) -> bool:
        """What was found stands against the claim, as long as nothing else is decided."""
        return self.state in {BLOCKED, UPHELD, APPEALED, FINAL}


def evolve(state: AuditState, event: AuditEvent) -> AuditState:
    match event:
        case AuditFlagged():
            found = replace(state, flagged=event, findings=state.findings + event.findings, unchecked=event.unchecked)
            if trigger_of(event.findings, event.stage) == HINTED:
                return replace(found, state=event.reached)
            again = replace(found, decided=None, appealed=None, appeal_decided=None, appeal_until=event.appeal_until)
            return replace(again, state=event.reached, stage=event.stage)
        case AuditDecided():
            reached = CLEARED if event.decision == "cleared" else UPHELD
            return replace(state, state=reached, decided=event, appeal_until=event.appeal_until)
        case AuditAppealed():
            return replace(state, state=APPEALED, appealed=event)
        case AppealDecided():
            return replace(state, state=CLEARED if event.decision == "granted" else FINAL, appeal_decided=event)
        case AppealTimeOver():
            return replace(state, state=FINAL)
        case CodesAwaited() | CodesKnown():
            return replace(state, codes_awaited=isinstance(event, CodesAwaited))
        case _:
            assert_never(event)


def trigger_of(findings: tuple[AuditFinding, ...], stage: Stage) -> str:
    """What findings of a stage mean for their case."""
    grade = gravest(findings)
    if grade == "hint":
        return HINTED
    return VIOLATED if grade == "violation" and stage == "before" else SUSPECTED


def flag(state: AuditState, found: AuditFlagged) -> list[DomainEvent]:
    """What was not found before; a case against the claim is not made worse."""
    known = {each.key for each in state.findings}
    new = tuple(each for each in found.findings if each.key not in known)
    if not new or not AUDIT_TRANSITIONS.allows(state.state, trigger_of(new, found.stage)):
        return []
    trigger = trigger_of(new, found.stage)
    (reached,) = (row.next for row in AUDIT_TRANSITIONS.rows if (row.state, row.trigger) == (state.state, trigger))
    grade = gravest(state.findings + new)
    return [found.model_copy(update={"findings": new, "reached": reached, "grade": grade})]


def wrong_state(state: AuditState, trigger: str) -> Refusal:
    return Refusal("audit.wrong_state", {"state": state.state, "trigger": trigger})


def decide(state: AuditState, command: DecideAudit, person: str, appeal_until: date) -> Outcome:
    """A person decides about what is suspected."""
    trigger = DECIDE_CLEARED if command.decision == "cleared" else DECIDE_UPHELD
    if not AUDIT_TRANSITIONS.allows(state.state, trigger):
        return wrong_state(state, "DecideAudit")
    return [
        AuditDecided(decision=command.decision, decided_by=person, reason=command.reason, appeal_until=appeal_until)
    ]


def appeal(state: AuditState, command: AppealAudit, person: str, role: str, today: date) -> Outcome:
    """Once, and in time."""
    if not AUDIT_TRANSITIONS.allows(state.state, APPEAL) or state.flagged is None or state.appealed is not None:
        return wrong_state(state, APPEAL)
    if state.appeal_until is not None and today > state.appeal_until:
        return Refusal("audit.appeal_too_late", {"until": state.appeal_until.isoformat()})
    patient = state.flagged.patient_ref
    return [AuditAppealed(patient_ref=patient, appealed_by=person, role=role, grounds=command.grounds)]


def decide_appeal(state: AuditState, command: DecideAppeal, person: str) -> Outcome:
    """Not by who decided before (回避)."""
    trigger = GRANT if command.decision == "granted" else REJECT
    if not AUDIT_TRANSITIONS.allows(state.state, trigger):
        return wrong_state(state, "DecideAppeal")
    if state.decided is not None and state.decided.decided_by == person:
        return Refusal("audit.same_person")
    return [AppealDecided(decision=command.decision, decided_by=person, reason=command.reason)]


def end_of_appeal(state: AuditState, today: date) -> list[DomainEvent]:
    """The clock: a decision that nobody has appealed in time stands."""
    over = state.appeal_until is not None and today > state.appeal_until
    return [AppealTimeOver()] if over and AUDIT_TRANSITIONS.allows(state.state, TIME_OVER) else []


APPEAL_DEADLINE = "appeal"


def next_due(state: AuditState) -> dict[str, datetime]:
    """The first moment of the day after the last one on which an appeal is in time."""
    if state.appeal_until is None or not AUDIT_TRANSITIONS.allows(state.state, TIME_OVER):
        return {}
    return {APPEAL_DEADLINE: first_moment(state.appeal_until + timedelta(days=1))}


AUDIT: Aggregate[AuditState] = Aggregate(
    name="audit",
    events=(AuditFlagged, AuditDecided, AuditAppealed, AppealDecided, AppealTimeOver, *CODES_EVENTS),
    initial=AuditState(),
    evolve=evolve,
    next_due=next_due,
)


def audit_id_of(supply_id: UUID) -> UUID:
    return derived_id("audit", supply_id)


def audit_of(supply_id: UUID) -> StreamRef[AuditState]:
    """The case of a supply, over all attempts at a claim for it."""
    return AUDIT.ref(audit_id_of(supply_id))
