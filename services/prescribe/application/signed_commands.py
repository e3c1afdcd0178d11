"""Use cases of the signed commands: issue and amend. The body is a compact JWS, kept exactly as it was received."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from pydantic import ValidationError

from services.prescribe.application.allocations import allocation_warnings
from services.prescribe.application.known import known, signing_keys
from services.prescribe.application.links import linked
from services.prescribe.application.nearest import refused_with_nearest
from services.prescribe.application.registers import REGISTER
from services.prescribe.domain.allocation import ALLOCATIONS_IN_FORCE, AllocationsState
from services.prescribe.domain.commands import AmendPrescription, IssuePrescription, WrittenPrescription
from services.prescribe.domain.issue import Signed, amend, issue
from services.prescribe.domain.patient_record import PATIENT, PatientState
from services.prescribe.domain.policy import POLICIES
from services.prescribe.domain.prescription import PRESCRIPTION, PrescriptionState
from services.prescribe.domain.values import Signature
from services.seedwork.calendar import civil_day
from services.seedwork.model import Command, Loaded, Outcome, Refusal, StreamRef
from services.seedwork.reference import EntryState, entry
from services.seedwork.signing import verify_compact
from services.seedwork.usecase import Answer, Deciding, Decision, Moment, UseCase

C = TypeVar("C", bound=WrittenPrescription)
P = TypeVar("P", bound=Command)
DecidingOn = Callable[..., Outcome]


def issue_prescription(jws: str) -> UseCase:
    """A prescriber's first signature; the same bytes again get the same answer."""
    return _signed(jws, IssuePrescription, issue)


def amend_prescription(jws: str, expected: object = None) -> UseCase:
    """A new signature after a return; `expected` is the prescription the request is about."""
    return _signed(jws, AmendPrescription, amend, expected)


def _signed(jws: str, kind: type[C], decide_on: DecidingOn, expected: object = None) -> UseCase:
    command = read_payload(jws, kind)
    if isinstance(command, Refusal):
        refusal = command
        return UseCase((), lambda _moment: Decision.refused(refusal))
    if expected is not None and command.prescription_id != expected:
        return UseCase((), lambda _moment: Decision.refused(Refusal("prescription.other_id")))
    return _SignedUseCase(jws, command, decide_on).use_case()


def read_payload(jws: str, kind: type[P]) -> P | Refusal:
    """The command in the payload, not yet verified: it only tells which streams to read. Never shows values back."""
    try:
        segment = jws.split(".")[1]
        payload = base64.b64decode(segment + "=" * (-len(segment) % 4), "-_", validate=True)
    except (IndexError, binascii.Error, ValueError):
        return Refusal("signature.malformed", {"reason": "form"})
    try:
        return kind.model_validate_json(payload)
    except ValidationError as error:
        complaints = [{"at": ".".join(map(str, each["loc"])), "message": each["msg"]} for each in error.errors()[:20]]
        return Refusal("prescription.payload", {"errors": complaints})


@dataclass(frozen=True)
class _SignedUseCase:
    """One signed command with what its decision needs."""

    jws: str
    command: WrittenPrescription
    decide_on: DecidingOn

    def use_case(self) -> UseCase:
        command = self.command
        people: tuple[StreamRef[Any], ...] = (
            entry(REGISTER, "person", command.prescriber),
            entry(REGISTER, "institution", command.institution),
        )
        products = dict.fromkeys(line.product for line in command.lines)
        drugs = tuple(entry(REGISTER, "drug", product) for product in products)
        streams = (PRESCRIPTION.ref(command.prescription_id), PATIENT.ref(command.patient_ref))
        return UseCase(streams, self.decide, relaxed=(*people, ALLOCATIONS_IN_FORCE, *drugs), starts_work=True)

    def decide(
        self,
        moment: Moment,
        prescription: Loaded[PrescriptionState],
        patient: Loaded[PatientState],
        person: Loaded[EntryState],
        institution: Loaded[EntryState],
        limits: Loaded[AllocationsState],
        *drugs: Loaded[EntryState],
    ) -> Deciding:
        if moment.actor.subject != self.command.prescriber:
            return Decision.refused(Refusal("prescription.not_yours"))
        day = civil_day(moment.now)
        facts = known(patient.state, person.state, institution.state, [drug.state for drug in drugs], day)
        signed = Signed(self.jws, check_signature(self.jws, person.state, moment))
        outcome = self.decide_on(
            prescription.state,
            self.command,
            signed,
            facts,
            policy=POLICIES.on(day, moment.jurisdiction),
            now=moment.now,
        )
        if isinstance(outcome, Refusal):
            return refused_with_nearest(outcome)
        after = prescription.after(outcome)
        return linked(
            moment, self.command, after, Decision.on(prescription, outcome, _answer(after, limits.state, day))
        )


def check_signature(jws: str, person: EntryState, moment: Moment) -> Signature | Refusal:
    """Whether a key of the person's register entry, good at this moment, signed these bytes."""
    certifying = moment.trust.at(moment.now, moment.jurisdiction)
    verified = verify_compact(jws, signing_keys(person), civil_day(moment.now), certifying)
    if isinstance(verified, Refusal):
        return verified
    return Signature(
        kid=verified.kid,
        sha256=hashlib.sha256(jws.encode()).hexdigest(),
        algorithm=verified.algorithm,
        certificate=verified.certificate,
        degraded=verified.degraded,
    )


def _answer(state: PrescriptionState, limits: AllocationsState, day: date) -> Answer:
    signed = state.signed
    return Answer(
        status=201,
        body={
            "prescription_id": str(signed.prescription_id),
            "status": str(state.status),
            "revision": signed.revision,
            "confirmation_no": signed.confirmation_no,
            "signed_sha256": signed.signature.sha256,
            "valid_until": signed.valid_until.isoformat(),
            "warnings": allocation_warnings(limits, state, day),
        },
    )
