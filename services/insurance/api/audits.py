"""Cases of the audit: listed, read, decided, appealed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from contracts.roles import Role
from services.insurance.api.books import POSITION_MAX
from services.insurance.application.audits import (
    appeal_audit,
    audit_view,
    decide_audit,
    decide_audit_appeal,
    sees_audit,
)
from services.insurance.composition import OUTSIDE
from services.insurance.domain.audit.case import AUDIT, AppealAudit, DecideAppeal, DecideAudit
from services.seedwork.api import Body, Paging, Read, Refused, Run, allowed, answer, problems
from services.seedwork.clock import from_micros
from services.seedwork.usecase import Actor

Reason = Annotated[str, Field(min_length=4, max_length=500)]
State = Literal["noted", "open", "blocked", "cleared", "upheld", "appealed", "final"]
_PROBLEMS = ("audit.unknown", "audit.not_yours")

router = APIRouter()


class AuditDecisionBody(Body):
    decision: Literal["cleared", "upheld"]
    reason: Reason


class AppealBody(Body):
    grounds: Reason


class AppealDecisionBody(Body):
    decision: Literal["granted", "rejected"]
    reason: Reason


@router.get("/audits")
async def audits(
    actor: Annotated[Actor, Depends(allowed("audit.list"))],
    read: Read,
    page: Paging,
    state: Annotated[State | None, Query(description="none: of any state")] = None,
) -> Response:
    """Cases about the claims of the officer's insurer, or of the pharmacist's pharmacy; the last change comes first."""
    query = "audits_of_pharmacy" if actor.role == Role.PHARMACIST else "audits_of_insurer"
    before = page.after[0] if page.after else POSITION_MAX
    party = actor.organisation or ""
    rows = await read.find(query, party=party, state=state or "", before=before, limit=page.fetch)
    return page.answer(rows, key=lambda row: [row["position"]], item=_case)


def _case(row: Mapping[str, Any]) -> dict[str, Any]:
    hidden = {"position", "changed_at", "patient_ref"}
    return {name: value for name, value in row.items() if name not in hidden} | {
        "changed_at": from_micros(row["changed_at"])
    }


@router.get("/audits/{audit_id}", responses=problems(*_PROBLEMS))
async def get_audit(audit_id: UUID, actor: Annotated[Actor, Depends(allowed("audit.read"))], read: Read) -> Response:
    """What was found in a supply by which rules, what could not be checked, and what was decided by whom."""
    (case,) = await read.load(AUDIT.ref(audit_id))
    if case.state.flagged is None:
        raise Refused("audit.unknown", audit_id=str(audit_id))
    if not sees_audit(actor, case.state.flagged):
        raise Refused("audit.not_yours", audit_id=str(audit_id))
    return answer(audit_view(case.state), version=case.version)


@router.post("/audits/{audit_id}/decision", responses=problems(*_PROBLEMS, "audit.wrong_state"))
async def decide(
    audit_id: UUID, body: AuditDecisionBody, _actor: Annotated[Actor, Depends(allowed("audit.decide"))], run: Run
) -> Response:
    """A suspicion is cleared or upheld; the token's person is named."""
    return await run(decide_audit(DecideAudit(audit_id=audit_id, **body.model_dump()), OUTSIDE))


@router.post("/audits/{audit_id}/appeal", responses=problems(*_PROBLEMS, "audit.wrong_state", "audit.appeal_too_late"))
async def appeal(
    audit_id: UUID, body: AppealBody, _actor: Annotated[Actor, Depends(allowed("audit.appeal"))], run: Run
) -> Response:
    """The patient or the pharmacy appeals what stands against the claim, once and in time."""
    return await run(appeal_audit(AppealAudit(audit_id=audit_id, grounds=body.grounds), OUTSIDE))


@router.post(
    "/audits/{audit_id}/appeal-decision",
    responses=problems(*_PROBLEMS, "audit.wrong_state", "audit.same_person"),
)
async def decide_appeal(
    audit_id: UUID, body: AppealDecisionBody, _actor: Annotated[Actor, Depends(allowed("audit.decide"))], run: Run
) -> Response:
    """Another officer grants or rejects the appeal. Rejected after settlement, the claim is taken back."""
    return await run(decide_audit_appeal(DecideAppeal(audit_id=audit_id, **body.model_dump()), OUTSIDE))
