"""Consultations and medication reviews (用药咨询, 药物重整, 精简处方)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import Field

from contracts.roles import Role
from services.review.api.access import PHARMACIST, may_see
from services.review.application import advice
from services.review.domain.advice import AdviceState, AskerKind, advice_ref
from services.review.domain.commands import AnswerConsultation, AskConsultation, Reasoned, SuggestChanges
from services.review.domain.values import Words
from services.seedwork.api import Body, Paging, Read, Refused, Run, allowed, answer, problems
from services.seedwork.calendar import civil_day
from services.seedwork.clock import from_micros
from services.seedwork.usecase import Actor

router = APIRouter(tags=["advice"])

MayAsk = Annotated[Actor, Depends(allowed("advice.ask"))]
MayGive = Annotated[Actor, Depends(allowed("advice.give"))]
MayRead = Annotated[Actor, Depends(allowed("advice.read"))]
ASKERS: Mapping[str, AskerKind] = {Role.PATIENT: "patient", Role.PRESCRIBER: "prescriber"}
STEP = ("advice.unknown", "advice.wrong_state")


class QuestionBody(Body):
    """What somebody wants to know about prescriptions of one patient. `institution`: whose pharmacists are asked, when
    not those of the institution that issued the first one."""

    prescriptions: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=10)]
    question: Words
    institution: Annotated[str | None, Field(max_length=30)] = None


class AnswerBody(Body):
    """A pharmacist's answer."""

    answer: Words


class ReviewBody(Body):
    """Whose medicines are to be reviewed: the patient of this prescription."""

    prescription_id: UUID


class SuggestionBody(Body):
    """Medicines of the list that could be changed, and the pharmacist's words to the prescriber."""

    candidates: Annotated[tuple[Reasoned, ...], Field(min_length=1, max_length=20)]
    advice: Words


@router.post(
    "/consultations",
    status_code=201,
    responses=problems(
        "advice.prescription_unknown", "advice.not_yours", "advice.several_patients", "advice.no_agreement"
    ),
)
async def ask(body: QuestionBody, actor: MayAsk, run: Run) -> Response:
    """Ask a pharmacist about prescriptions: a patient about the own ones, a prescriber about those they issued."""
    command = AskConsultation(
        prescriptions=tuple(dict.fromkeys(body.prescriptions)), question=body.question, institution=body.institution
    )
    return await run(advice.ask_consultation(command, actor, ASKERS[actor.role]))


@router.post("/consultations/{advice_id}/answer", responses=problems(*STEP, *PHARMACIST, "advice.own_question"))
async def answer_it(advice_id: UUID, body: AnswerBody, actor: MayGive, run: Run) -> Response:
    """Answer by name, on the record; the prescriber hears of it, too."""
    return await run(advice.answer_consultation(advice_id, AnswerConsultation(answer=body.answer), actor))


@router.post("/consultations/{advice_id}/withdraw", responses=problems(*STEP, "advice.not_yours"))
async def withdraw(advice_id: UUID, actor: MayAsk, run: Run) -> Response:
    """The asker needs no answer any more."""
    return await run(advice.withdraw_consultation(advice_id, actor))


@router.post(
    "/medication-reviews",
    status_code=201,
    responses=problems(*PHARMACIST, "advice.prescription_unknown", "case.own_prescription"),
)
async def open_review(body: ReviewBody, actor: MayGive, run: Run) -> Response:
    """Look at everything a patient takes: the list, duplicates, what screening says of this prescription with it."""
    return await run(advice.open_medication_review(body.prescription_id, actor))


@router.post("/medication-reviews/{review_id}/suggest", responses=problems(*STEP, *PHARMACIST, "advice.not_taken"))
async def suggest(review_id: UUID, body: SuggestionBody, actor: MayGive, run: Run) -> Response:
    """Suggest what could be stopped, reduced, replaced or watched; the prescriber decides."""
    command = SuggestChanges(candidates=body.candidates, advice=body.advice)
    return await run(advice.suggest_changes(review_id, command, actor))


@router.post("/medication-reviews/{review_id}/close", responses=problems(*STEP, *PHARMACIST))
async def close(review_id: UUID, actor: MayGive, run: Run) -> Response:
    """There is nothing to suggest."""
    return await run(advice.close_medication_review(review_id, actor))


@router.get("/advice")
async def listed(actor: MayRead, read: Read, page: Paging) -> Response:
    """For pharmacists what waits for them, of their institution and those it reviews for; for others what they asked;
    the oldest first."""
    begun_at, advice_id = page.after or (0, UUID(int=0))
    after = {"after_begun_at": begun_at, "after_advice_id": UUID(str(advice_id)), "limit": page.fetch}
    if actor.role == Role.REVIEWER:
        today = civil_day(await read.now()).isoformat()
        rows = await read.find("advice_waiting", organisation=actor.organisation or "", today=today, **after)
    else:
        rows = await read.find("advice_asked_by", asker=actor.subject, **after)
    return page.answer(rows, key=lambda row: [row["begun_at"], str(row["advice_id"])], item=_row)


@router.get("/advice/{advice_id}", responses=problems("advice.unknown", "advice.not_yours", "case.not_yours"))
async def read_advice(advice_id: UUID, actor: MayRead, read: Read) -> Response:
    """One consultation or medication review: for the pharmacists of the institution, the asker, the patient, and the
    prescriber it is told to. Personal parts are null once the patient is forgotten."""
    (loaded,) = await read.load(advice_ref(advice_id))
    state: AdviceState = loaded.state
    begun = state.begun
    if begun is None:
        raise Refused("advice.unknown", advice_id=str(advice_id))
    if actor.role == Role.REVIEWER:
        await may_see(begun.institution, actor, read)
    elif actor.subject not in _concerned(state) and actor.patient_ref != begun.patient_ref:
        raise Refused("advice.not_yours")
    return answer(_shown(state), version=loaded.version)


def _concerned(state: AdviceState) -> tuple[str, ...]:
    """Who may read it beside the patient and the pharmacists."""
    asked, opened = state.asked, state.opened
    return ((asked.asked_by,) if asked else ()) + ((opened.prescriber,) if opened else ())


def _row(row: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**row, "begun_at": from_micros(row["begun_at"])}


def _shown(state: AdviceState) -> Mapping[str, Any]:
    begun = state.begun.model_dump(mode="json") if state.begun else {}
    return {
        **begun,
        "kind": state.kind,
        "state": state.status,
        "pharmacist": state.pharmacist.model_dump(mode="json") if state.pharmacist else None,
        "words": state.words,
        "candidates": [candidate.model_dump(mode="json") for candidate in state.candidates],
    }
