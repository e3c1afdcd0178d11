"""What holds today: the limits, the licence of those who act, the agreements between institutions."""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from contracts.registers import Institution, Person, agreement_code
from services.review.domain.case import CaseState
from services.review.domain.commands import PassCase
from services.review.domain.policy import POLICIES, ReviewPolicy
from services.review.domain.values import Licence, Signature, SignatureCheck
from services.seedwork.calendar import civil_day
from services.seedwork.model import Loaded, Refusal, StreamRef
from services.seedwork.reference import EntryState, entry, register
from services.seedwork.signing import Verified, verify_compact
from services.seedwork.strict_json import NotStrictJson, parse_strict
from services.seedwork.usecase import Actor, Load, Moment

REFERENCE = register("reference")
"""Review's copies of the registers it obeys."""

Entry = Loaded[EntryState]


def policy_on(moment: Moment) -> ReviewPolicy:
    """The limits in force at this moment."""
    return POLICIES.on(civil_day(moment.now), moment.jurisdiction)


def registers_of(actor: Actor) -> tuple[StreamRef[EntryState], ...]:
    """The actor's person entry and the entry of the organisation the token names. A change of either a moment after
    the decision would not have made it wrong, so they are read but not asserted."""
    return (
        entry(REFERENCE, "person", actor.subject),
        entry(REFERENCE, "institution", actor.organisation or ""),
    )


def agreement_ref(institution: str, reviewed_by: str) -> StreamRef[EntryState]:
    """The agreement by which one institution's prescriptions are reviewed by another (委托审方)."""
    return entry(REFERENCE, "review_agreement", agreement_code(institution, reviewed_by))


def agreed(agreement: EntryState, now: datetime) -> bool:
    """Whether the agreement holds today."""
    return agreement.in_force(civil_day(now))


def licence_of(moment: Moment, person: Entry, institution: Entry) -> Licence:
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


def licence_for(
    case: CaseState, moment: Moment, person: Entry, institution: Entry
) -> Generator[Load, tuple[Entry, ...], Licence]:
    """The licence with what it is worth for this case."""
    return (yield from licence_at(case.opened.institution if case.opened else None, moment, person, institution))


def licence_at(
    place: str | None, moment: Moment, person: Entry, institution: Entry
) -> Generator[Load, tuple[Entry, ...], Licence]:
    """The licence with what it is worth at an institution: for another one than the own, the agreement is read, too."""
    licence = licence_of(moment, person, institution)
    if place is None or place == licence.organisation:
        return licence
    (agreement,) = yield Load.of(agreement_ref(place, licence.organisation))
    return licence.model_copy(update={"agreement_in_force": agreed(agreement.state, moment.now)})


def signed_pass(compact: str, case_id: UUID, moment: Moment, person: Entry) -> tuple[PassCase, Signature] | Refusal:
    """What was signed, when a key of the signer's own register entry did and it is about this case; and how it was."""
    content = person.state.read(Person)
    certifying = moment.trust.at(moment.now, moment.jurisdiction)
    verified = verify_compact(compact, content.keys if content else (), civil_day(moment.now), certifying)
    if isinstance(verified, Refusal):
        return verified
    try:
        parse_strict(verified.payload, names_once=True)
        command = PassCase.model_validate_json(verified.payload)
    except NotStrictJson as error:
        return Refusal("request.malformed", {"reason": f"payload: {error}"})
    except ValidationError as error:
        return Refusal("request.invalid", {"errors": _fields(error)})
    if command.case_id != case_id:
        return Refusal("case.signed_something_else", {"case_id": str(command.case_id)})
    return command, _signature(compact, verified)


def _signature(compact: str, verified: Verified) -> Signature:
    check = SignatureCheck(
        kid=verified.kid,
        algorithm=verified.algorithm,
        certificate=verified.certificate,
        degraded=verified.degraded,
    )
    return Signature(compact=compact, sha256=hashlib.sha256(compact.encode()).hexdigest(), check=check)


def _fields(error: ValidationError) -> list[dict[str, Any]]:
    """Which fields of the payload are wrong, without their content."""
    return [{"at": "/".join(map(str, one["loc"])), "message": one["msg"]} for one in error.errors()]
