"""Use cases of the audit: what people decide about a case, and what that means for its claim."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from datetime import date, timedelta
from typing import Any, cast
from uuid import UUID

from services.insurance.application.access import concerns
from services.insurance.application.claim_work import ClaimWork, Outside, work_on
from services.insurance.application.claims import FIRST_ATTEMPT, current_attempt, open_next
from services.insurance.application.draft import Draft
from services.insurance.domain.audit import case as audit_case
from services.insurance.domain.audit.case import (
    AUDIT,
    AppealAudit,
    AuditFlagged,
    AuditState,
    DecideAppeal,
    DecideAudit,
)
from services.insurance.domain.claim import claim_of
from services.insurance.domain.claim_events import ClaimOpened
from services.insurance.domain.claim_transitions import QUOTED, REFUSED
from services.seedwork.calendar import civil_day
from services.seedwork.model import DomainEvent, Loaded, Outcome, Refusal
from services.seedwork.usecase import Actor, Answer, Decision, Load, Moment, UseCase

Step = Callable[[AuditState, Moment, ClaimWork], Outcome]
"""What is decided about a case, beside its claim."""


def sees_audit(actor: Actor, flagged: AuditFlagged) -> bool:
    """The parties of the claim."""
    return concerns(actor, patient_ref=flagged.patient_ref, pharmacy=flagged.pharmacy, insurer=flagged.insurer)


def decide_audit(command: DecideAudit, outside: Outside) -> UseCase:
    """An officer of the claim's insurer decides about a suspicion."""

    def step(state: AuditState, moment: Moment, work: ClaimWork) -> Outcome:
        until = civil_day(moment.now) + timedelta(days=work.rule_set.appeal_days)
        return audit_case.decide(state, command, moment.actor.subject, until)

    return _by_party(command.audit_id, outside, step)


def appeal_audit(command: AppealAudit, outside: Outside) -> UseCase:
    """The patient or the pharmacy does not agree."""

    def step(state: AuditState, moment: Moment, _work: ClaimWork) -> Outcome:
        actor = moment.actor
        return audit_case.appeal(state, command, actor.subject, actor.role, civil_day(moment.now))

    return _by_party(command.audit_id, outside, step)


def decide_audit_appeal(command: DecideAppeal, outside: Outside) -> UseCase:
    """Another officer of the claim's insurer decides about the appeal."""

    def step(state: AuditState, moment: Moment, _work: ClaimWork) -> Outcome:
        return audit_case.decide_appeal(state, command, moment.actor.subject)

    return _by_party(command.audit_id, outside, step)


def end_audit_appeal(audit_id: UUID, outside: Outside) -> UseCase:
    """The clock: nobody has appealed in time."""

    def step(state: AuditState, moment: Moment, _work: ClaimWork) -> Outcome:
        return audit_case.end_of_appeal(state, civil_day(moment.now))

    return _on_case(audit_id, outside, step, lambda _actor, _flagged: True)


def _by_party(audit_id: UUID, outside: Outside, step: Step) -> UseCase:
    return _on_case(audit_id, outside, step, sees_audit)


def _on_case(audit_id: UUID, outside: Outside, step: Step, may: Callable[[Actor, AuditFlagged], bool]) -> UseCase:
    def decide(moment: Moment, case: Loaded[AuditState]) -> Generator[Load, Any, Decision]:
        flagged = case.state.flagged
        if flagged is None:
            return Decision.refused(Refusal("audit.unknown"))
        if not may(moment.actor, flagged):
            return Decision.refused(Refusal("audit.not_yours"))
        (first,) = yield Load.of(claim_of(flagged.supply_id, FIRST_ATTEMPT))
        claim = yield from current_attempt(flagged.supply_id, first, outside.policy(moment).attempts_all)
        draft, waits = Draft(case, claim), claim.state.state in {QUOTED, REFUSED}
        day: date | None = None if waits else claim.state.policy_date
        opened = cast("ClaimOpened", claim.state.opened)  # what is flagged was claimed
        work = yield from work_on(draft, outside, opened, moment, day)
        if refusal := draft.add(case, step(case.state, moment, work)):
            return Decision.refused(refusal)
        yield from _follow(work)
        yield from open_next(moment, draft, outside, work)
        return draft.decision(Answer(200, audit_view(draft.state(case))))

    return UseCase((AUDIT.ref(audit_id),), decide)


def _follow(work: ClaimWork) -> Generator[Load, Any, None]:
    """What the case, as it stands now, means for the claim."""
    if work.case.against:
        work.refuse_by_audit()
        work.reverse_by_audit()
    elif not work.case.holds:
        lifted = work.lift_audit()
        benefit = yield from work.load_benefit()
        if lifted:
            work.quote(benefit)
        work.authorise_by_standing(benefit)
    work.apply_facts()


def audit_view(state: AuditState) -> Mapping[str, Any]:
    """A case as its parties see it: what was found by which rules, how it stands, who decided what and why."""
    flagged = state.flagged
    if flagged is None:
        return {}
    return {
        **flagged.model_dump(mode="json", include=SHOWN),
        "state": state.state,
        "stage": state.stage,
        "grade": state.grade,
        "findings": [finding.model_dump(mode="json") for finding in state.findings],
        "unchecked": list(state.unchecked),
        "decision": _shown(state.decided, {"decision", "decided_by", "reason"}),
        "appeal": _shown(state.appealed, {"appealed_by", "role", "grounds"}),
        "appeal_decision": _shown(state.appeal_decided, {"decision", "decided_by", "reason"}),
        "appeal_until": state.appeal_until.isoformat() if state.appeal_until else None,
    }


SHOWN = {"audit_id", "supply_id", "claim_id", "prescription_id", "pharmacy", "insurer"}


def _shown(event: DomainEvent | None, fields: set[str]) -> Mapping[str, Any] | None:
    return None if event is None else event.model_dump(mode="json", include=fields)
