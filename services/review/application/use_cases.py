"""Use cases of review: what a pharmacist asks for, and what the clock does."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from contracts.registers import Institution, Person
from services.review.domain import decisions
from services.review.domain.case import CaseState, case_ref
from services.review.domain.commands import PassCase, PutBack, RefuseCase, ReturnCase, TakeCase
from services.review.domain.policy import CN
from services.review.domain.values import Licence, Signature, SignatureCheck
from services.seedwork.calendar import civil_day
from services.seedwork.model import Loaded, Outcome, Refusal, StreamRef
from services.seedwork.reference import EntryState, entry, register
from services.seedwork.signing import verify_compact
from services.seedwork.usecase import Actor, Answer, Decision, Moment, UseCase

REFERENCE = register("reference")
"""Review's copies of the registers it obeys."""

_Person = Loaded[EntryState]
_Institution = Loaded[EntryState]


def take_case(command: TakeCase, actor: Actor) -> UseCase:
    """A pharmacist takes a case for the time of the lease."""

    def decide(moment: Moment, case: Loaded[CaseState], person: _Person, institution: _Institution) -> Decision:
        policy = CN.on(civil_day(moment.now))
        licence = _licence(moment, person, institution)
        return _decided(case, decisions.take_case(case.state, command, moment.now, licence, policy))

    return UseCase((case_ref(command.case_id),), decide, relaxed=_registers(actor))


def put_back(command: PutBack) -> UseCase:
    """The pharmacist leaves the case to others."""

    def decide(moment: Moment, case: Loaded[CaseState]) -> Decision:
        return _decided(case, decisions.put_back(case.state, command, moment.now, moment.actor.subject))

    return UseCase((case_ref(command.case_id),), decide)


def pass_case(case_id: UUID, compact: str, actor: Actor) -> UseCase:
    """The pharmacist's signed pass. The signature is checked by the keys of the signer's own register entry."""

    def decide(moment: Moment, case: Loaded[CaseState], person: _Person, institution: _Institution) -> Decision:
        signed = _signed_command(compact, moment, person)
        if isinstance(signed, Refusal):
            return Decision.refused(signed)
        command, signature = signed
        if command.case_id != case_id:
            return Decision.refused(Refusal("case.signed_something_else", {"case_id": str(command.case_id)}))
        licence = _licence(moment, person, institution)
        return _decided(case, decisions.pass_case(case.state, command, moment.now, licence, signature))

    return UseCase((case_ref(case_id),), decide, relaxed=_registers(actor))


def return_case(command: ReturnCase, actor: Actor) -> UseCase:
    """The pharmacist sends the prescription back to the prescriber."""
    return _with_policy(command, actor, decisions.return_case)


def refuse_case(command: RefuseCase, actor: Actor) -> UseCase:
    """The pharmacist refuses the prescription for good."""
    return _with_policy(command, actor, decisions.refuse_case)


def expire_lease(case_id: UUID) -> UseCase:
    """The clock: the lease of a taken case may be over."""

    def decide(moment: Moment, case: Loaded[CaseState]) -> Decision:
        return Decision.on(case, decisions.expire_lease(case.state, moment.now))

    return UseCase((case_ref(case_id),), decide)


def _with_policy(command: ReturnCase | RefuseCase, actor: Actor, decision: Callable[..., Outcome]) -> UseCase:
    def decide(moment: Moment, case: Loaded[CaseState], person: _Person, institution: _Institution) -> Decision:
        policy = CN.on(civil_day(moment.now))
        licence = _licence(moment, person, institution)
        return _decided(case, decision(case.state, command, moment.now, licence, policy))

    return UseCase((case_ref(command.case_id),), decide, relaxed=_registers(actor))


def _registers(actor: Actor) -> tuple[StreamRef[EntryState], ...]:
    """The actor's person entry and the entry of the organisation the token names. A change of either a moment after
    the decision would not have made it wrong, so they are read but not asserted."""
    return (
        entry(REFERENCE, "person", actor.subject),
        entry(REFERENCE, "institution", actor.organisation or ""),
    )


def _licence(moment: Moment, person: _Person, institution: _Institution) -> Licence:
    """What the registers say today. Who is registered elsewhere than the token says belongs where the register says."""
    today = civil_day(moment.now)
    content = person.state.read(Person)
    place = institution.state.read(Institution)
    organisation = content.organisation if content else ""
    return Licence(
        person=moment.actor.subject,
        name=content.name if content else "",
        organisation=organisation,
        professions=content.professions if content else (),
        in_force=person.state.in_force(today),
        organisation_in_force=place is not None
        and institution.state.code == organisation
        and institution.state.in_force(today),
    )


def _signed_command(compact: str, moment: Moment, person: _Person) -> tuple[PassCase, Signature] | Refusal:
    content = person.state.read(Person)
    certifying = moment.trust.at(moment.now)
    verified = verify_compact(compact, content.keys if content else (), civil_day(moment.now), certifying)
    if isinstance(verified, Refusal):
        return verified
    try:
        command = PassCase.model_validate_json(verified.payload)
    except ValidationError as error:
        return Refusal("request.invalid", {"errors": _fields(error)})
    check = SignatureCheck(
        kid=verified.kid,
        algorithm=verified.algorithm,
        certificate=verified.certificate,
        degraded=verified.degraded,
    )
    return command, Signature(compact=compact, sha256=hashlib.sha256(compact.encode()).hexdigest(), check=check)


def _fields(error: ValidationError) -> list[dict[str, Any]]:
    """Which fields of the payload are wrong, without their content."""
    return [{"at": "/".join(map(str, one["loc"])), "message": one["msg"]} for one in error.errors()]


def _decided(case: Loaded[CaseState], outcome: Outcome) -> Decision:
    """The case after the decision, as its reviewer is told."""
    if isinstance(outcome, Refusal):
        return Decision.refused(outcome)
    state = case.after(outcome)
    body = {
        "case_id": str(case.stream_id),
        "state": state.status,
        "lease_until": state.lease_until.isoformat() if state.lease_until else None,
    }
    return Decision.on(case, outcome, Answer(200, body))
