"""What the pharmacists of a hospital do with a case, one call each."""

from typing import Any
from uuid import UUID

from services.review.application import batches, use_cases
from services.review.domain.case import case_ref
from services.review.domain.commands import CodedFinding, PutBack, RefuseCase, ReturnCase, TakeCase, TakeOver
from services.seedwork.ports import Outcome
from services.seedwork.usecase import Actor
from tests.unit.review.conftest import Hospital, reviewer


def take(hospital: Hospital, case: UUID, actor: Actor | None = None) -> Outcome:
    actor = actor or reviewer()
    return hospital.store.run(use_cases.take_case(TakeCase(case_id=case), actor), actor)


def take_over(hospital: Hospital, case: UUID, actor: Actor) -> Outcome:
    return hospital.store.run(use_cases.take_over(TakeOver(case_id=case), actor), actor)


def pass_(hospital: Hospital, case: UUID, jws: str | None = None, actor: Actor | None = None) -> Outcome:
    actor = actor or reviewer()
    jws = jws or hospital.signed(case, person=actor.subject)
    return hospital.store.run(use_cases.pass_case(case, jws, actor), actor)


def pass_batch(hospital: Hospital, signatures: list[str], actor: Actor | None = None) -> Outcome:
    actor = actor or reviewer()
    return hospital.store.run(batches.pass_batch(signatures, actor), actor)


def return_(hospital: Hospital, case: UUID, *findings: CodedFinding, actor: Actor | None = None) -> Outcome:
    actor = actor or reviewer()
    command = ReturnCase(
        case_id=case,
        findings=findings or (CodedFinding(code="2-5", lines=(1,), confirmable=True),),
        comment="请核对剂量",
    )
    return hospital.store.run(use_cases.return_case(command, actor), actor)


def refuse(hospital: Hospital, case: UUID, *codes: str, actor: Actor | None = None) -> Outcome:
    actor = actor or reviewer()
    command = RefuseCase(case_id=case, codes=codes or ("3-1",), reason="诊断不支持用药")
    return hospital.store.run(use_cases.refuse_case(command, actor), actor)


def put_back(hospital: Hospital, case: UUID, actor: Actor | None = None) -> Outcome:
    return hospital.store.run(use_cases.put_back(PutBack(case_id=case)), actor or reviewer())


def status(hospital: Hospital, case: UUID) -> str:
    state: str = hospital.store.state(case_ref(case)).status
    return state


def taken(hospital: Hospital, **changes: Any) -> UUID:
    case = hospital.issue(**changes)
    assert take(hospital, case).refusal is None
    return case
