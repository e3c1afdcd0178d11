"""The queue, one case, and what a pharmacist does with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from pydantic import Field

from services.review.api.access import LICENCE, may_see
from services.review.application import batches, use_cases
from services.review.domain.case import CaseState, case_ref
from services.review.domain.commands import CodedFinding, Codes, PutBack, RefuseCase, ReturnCase, TakeCase, TakeOver
from services.review.domain.values import Severity, Words
from services.seedwork.api import Body, Paging, Read, Refused, Run, allowed, answer, compact_jws, problems
from services.seedwork.calendar import civil_day
from services.seedwork.clock import from_micros
from services.seedwork.usecase import Actor

router = APIRouter(tags=["review"])

MayRead = Annotated[Actor, Depends(allowed("case.read"))]
MayReview = Annotated[Actor, Depends(allowed("case.review"))]
BEFORE_THE_FIRST = (2**31 - 1, 0, UUID(int=0))
"""Sort keys ahead of every row of the queue."""
QUEUED = (
    "case_id",
    "prescription_id",
    "revision",
    "confirmation_no",
    "institution",
    "region",
    "state",
    "level",
    "findings",
    "degraded",
    "emergency",
    "holder",
)
"""What the queue shows of a case as it stands in the row."""
STEP = ("case.unknown", "case.wrong_state")
HELD = ("case.taken_by_another", "case.lease_expired")
DECIDING = (*HELD, "case.second_must_be_another")
SIGNED = (
    "signature.malformed",
    "signature.unknown_key",
    "signature.key_not_valid",
    "signature.invalid",
    "signature.certificate",
    "signature.revoked",
    "signature.revocation_unknown",
    "signature.unavailable",
    "case.signed_something_else",
)


SIGNATURE_CHARACTERS_MAX = 16 * 1024
"""Of one pass in a batch: it has no comments to carry."""


class ReturnBody(Body):
    """Why the prescription goes back: official codes with their lines, and the pharmacist's words."""

    findings: Annotated[tuple[CodedFinding, ...], Field(min_length=1, max_length=20)]
    comment: Words


class RefuseBody(Body):
    """Why the prescription is refused for good: codes of the serious list, and the reason."""

    codes: Codes
    reason: Words


class BatchBody(Body):
    """Passes, each a compact JWS like the body of a single pass."""

    signatures: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=SIGNATURE_CHARACTERS_MAX)], ...],
        Field(min_length=1, max_length=50),
    ]


@router.get("/cases")
async def queue(
    actor: MayRead,
    read: Read,
    page: Paging,
    institution: Annotated[str | None, Query(max_length=30, description="only of this institution")] = None,
    region: Annotated[str | None, Query(pattern=r"^\d{2,6}$", description="GB/T 2260, or its beginning")] = None,
) -> Response:
    """Open cases of the caller's institution and of those it reviews for (委托审方): escalated ones first, then the
    most severe, then the oldest."""
    rank, opened_at, case_id = page.after or BEFORE_THE_FIRST
    rows = await read.find(
        "open_cases",
        organisation=actor.organisation or "",
        today=civil_day(await read.now()).isoformat(),
        institution=institution or "",
        region=region or "",
        after_rank=rank,
        after_opened_at=opened_at,
        after_case_id=UUID(str(case_id)),
        limit=page.fetch,
    )
    return page.answer(rows, key=lambda row: [row["rank"], row["opened_at"], str(row["case_id"])], item=_shown_in_queue)


@router.get("/cases/{id}", responses=problems("case.unknown", "case.not_yours"))
async def read_case(id: UUID, actor: MayRead, read: Read) -> Response:  # noqa: A002 - the path's name
    """One case with everything its reviewer must see; the answer's ETag is its version."""
    (loaded,) = await read.load(case_ref(id))
    state: CaseState = loaded.state
    if state.opened is None:
        raise Refused("case.unknown", case_id=str(id))
    await may_see(state.opened.institution, actor, read)
    return answer(shown(state), version=loaded.version)


@router.post("/cases/{id}/take", responses=problems(*STEP, *LICENCE))
async def take(id: UUID, actor: MayReview, run: Run) -> Response:  # noqa: A002
    """Take a queued case; it is the caller's until `lease_until`."""
    return await run(use_cases.take_case(TakeCase(case_id=id), actor))


@router.post("/cases/{id}/take-over", responses=problems(*STEP, *LICENCE, "case.not_a_supervisor"))
async def take_over(id: UUID, actor: MayReview, run: Run) -> Response:  # noqa: A002
    """Take a case from the pharmacist who holds it; for supervisors."""
    return await run(use_cases.take_over(TakeOver(case_id=id), actor))


@router.post("/cases/{id}/put-back", responses=problems(*STEP, *HELD))
async def put_back(id: UUID, _actor: MayReview, run: Run) -> Response:  # noqa: A002
    """Leave a taken case to others."""
    return await run(use_cases.put_back(PutBack(case_id=id)))


@router.post(
    "/cases/{id}/pass",
    responses=problems(
        *STEP, *LICENCE, *DECIDING, *SIGNED, "case.blocking_finding", "case.comment_missing", "case.unknown_finding"
    ),
)
async def pass_case(
    id: UUID,  # noqa: A002
    actor: MayReview,
    run: Run,
    jws: Annotated[str, Depends(compact_jws)],
) -> Response:
    """Pass a case. The body is a compact JWS whose payload names case, revision and digest of the prescription, and
    comments each serious finding."""
    return await run(use_cases.pass_case(id, jws, actor))


@router.post("/cases/pass-batch", responses=problems("case.batch_too_large"))
async def pass_batch(body: BatchBody, actor: MayReview, run: Run) -> Response:
    """Pass clean cases straight from the queue, each by its own signature. The answer's `rows` say which were passed,
    which wait for a second pharmacist and, by problem code, why others were not; a case that is refused holds up no
    other."""
    return await run(batches.pass_batch(body.signatures, actor))


@router.post(
    "/cases/{id}/return", responses=problems(*STEP, *LICENCE, *DECIDING, "case.unknown_code", "case.unknown_line")
)
async def return_case(id: UUID, body: ReturnBody, actor: MayReview, run: Run) -> Response:  # noqa: A002
    """Send the prescription back to the prescriber, to confirm or to write anew."""
    wanted = ReturnCase(case_id=id, findings=body.findings, comment=body.comment)
    return await run(use_cases.return_case(wanted, actor))


@router.post("/cases/{id}/refuse", responses=problems(*STEP, *LICENCE, *DECIDING, "case.code_not_serious"))
async def refuse(id: UUID, body: RefuseBody, actor: MayReview, run: Run) -> Response:  # noqa: A002
    """Refuse a seriously unreasonable prescription or a medication error, for good."""
    return await run(use_cases.refuse_case(RefuseCase(case_id=id, codes=body.codes, reason=body.reason), actor))


def _shown_in_queue(row: Mapping[str, Any]) -> Mapping[str, Any]:
    lease_until, deadline = row["lease_until"], row["deadline"]
    return {name: row[name] for name in QUEUED} | {
        "severity": Severity(row["severity"]).word if row["severity"] else None,
        "opened_at": from_micros(row["opened_at"]),
        "valid_until": from_micros(row["valid_until"]),
        "lease_until": from_micros(lease_until) if lease_until else None,
        "deadline": from_micros(deadline) if deadline else None,
    }


def shown(state: CaseState) -> Mapping[str, Any]:
    """A case as its reviewers see it."""
    opened = state.opened.model_dump(mode="json") if state.opened else {}
    findings = [
        {
            **finding.model_dump(mode="json"),
            "severity": finding.severity.word,
            "confirmed": finding.number in state.confirmed,
        }
        for finding in state.findings
    ]
    return {
        **opened,
        "state": state.status,
        "findings": findings,
        "degraded": state.degraded,
        "level": state.level,
        "deadline": state.deadline,
        "second_wanted": state.second_wanted,
        "rescreened": sorted(state.rescreened),
        "holder": state.holder.person if state.holder else None,
        "lease_until": state.lease_until,
        "reviewers": [reviewer.model_dump(mode="json") for reviewer in state.reviewers],
        "codes": state.codes,
        "words": state.words,
        "closed_as": state.closed_as,
        "sampled_at": state.sampled.sampled_at if state.sampled else None,
        "comment": state.commented.model_dump(mode="json", exclude={"patient_ref"}) if state.commented else None,
    }
