"""Problems of the prescribe service."""

from contracts.errors.catalogue import Problem
from contracts.errors.issuing import ISSUE_RULES

_PATIENT = (
    Problem(
        "patient.identity_number",
        422,
        "Identity number invalid",
        "18 characters by GB 11643: known region, real birth date, check digit. 15-digit numbers are no longer valid.",
    ),
    Problem(
        "patient.birth_date",
        422,
        "Birth date contradicts the identity number",
        "Digits 7 to 14 are the birth date; it is not in the future.",
    ),
    Problem("patient.sex", 422, "Sex contradicts the identity number", "Digit 17 is odd for male, even for female."),
    Problem(
        "patient.already_registered",
        409,
        "Already registered",
        "This reference names a patient; repeat under the same Idempotency-Key to get the first answer.",
    ),
    Problem("patient.unknown", 404, "Unknown patient", "No patient has this reference."),
    Problem(
        "patient.not_yours",
        403,
        "Not your patient",
        "A record is seen by the patient and by doctors who registered or treat the person (个人信息保护法 §51).",
    ),
    Problem(
        "patient.prescription_runs",
        409,
        "A prescription runs",
        "A patient is forgotten when everything written for them has ended: cancel, give up or wait.",
        final=False,
    ),
    Problem(
        "patient.kept_by_law",
        409,
        "Kept by law",
        "Until the day in `until` prescriptions of this patient must be kept (个人信息保护法 §47, 处方管理办法 §50).",
        final=False,
    ),
    Problem(
        "patient.leaving",
        409,
        "Patient is leaving",
        "The patient is about to be forgotten; nothing new is written for them.",
        final=False,
    ),
)

_PRESCRIPTION = (
    Problem(
        "prescription.payload",
        422,
        "Payload invalid",
        "`errors` lists each field of the signed payload that is missing or of the wrong form.",
    ),
    Problem("prescription.unknown", 404, "Unknown prescription", "No prescription has this id (yet)."),
    Problem(
        "prescription.not_yours",
        403,
        "Not your prescription",
        "Only the prescriber, and for cancelling a delegate of the same institution; a prescription is "
        "seen by its prescriber and its patient.",
    ),
    Problem(
        "prescription.other_id",
        422,
        "Another prescription",
        "The signed payload names another prescription than the address.",
    ),
    Problem(
        "prescription.already_exists",
        409,
        "Prescription exists",
        "The id was used for other content; a new prescription needs a new id.",
    ),
    Problem(
        "prescription.wrong_state",
        409,
        "Not in this state",
        "The transition table (`docs/`) lists what a prescription answers to in its state, which the facts name.",
    ),
    Problem(
        "prescription.ended",
        409,
        "Already ended",
        "The prescription is completed, refused, cancelled or expired; the facts name which.",
    ),
    Problem(
        "prescription.validity_over",
        409,
        "Validity is over",
        "A returned prescription is amended within its validity; issue a new one (处方管理办法 §18).",
    ),
    Problem(
        "prescription.patient_unknown",
        422,
        "Unknown patient",
        "The patient is not registered, or has been forgotten.",
    ),
    Problem(
        "prescription.buckets_unbalanced",
        409,
        "Quantities do not balance",
        "What dispatch told does not sum to what was prescribed per line; the prescription is left as it was.",
    ),
    Problem(
        "amendment.revision",
        409,
        "Wrong revision",
        "An amendment names the revision it is to become: the current one + 1.",
    ),
    Problem(
        "amendment.rounds",
        409,
        "Amended too often",
        "The policy limits how often one prescription goes back and forth; issue a new one.",
    ),
    Problem(
        "amendment.other_patient",
        422,
        "Another patient",
        "An amendment is for the same patient; issue a new prescription.",
    ),
)

_CANCELLATION = (
    Problem(
        "cancellation.part_before_release",
        422,
        "Only a released prescription has parts",
        "Before release, cancel the whole or amend it when it is returned; while it closes, cancel the rest.",
    ),
    Problem(
        "cancellation.scope",
        422,
        "Scope does not fit",
        "Each line once, with a quantity from 1 to what was prescribed.",
    ),
    Problem(
        "cancellation.nothing_runs",
        409,
        "Nothing left to cancel",
        "The prescription has expired and no supply runs any more.",
    ),
    Problem(
        "cancellation.too_many",
        409,
        "Too many cancellation requests",
        "The policy limits the requests on one prescription.",
    ),
    Problem(
        "cancellation.other_request",
        409,
        "Another request has this id",
        "Scope, reason or urgency differ from what was asked under this `request_id`: a new intent has a new id.",
    ),
    Problem(
        "cancellation.unknown",
        404,
        "Unknown cancellation",
        "A decision names a request that was never made here; it is recorded and has no effect.",
    ),
)

PROBLEMS: tuple[Problem, ...] = (*_PATIENT, *_PRESCRIPTION, *ISSUE_RULES, *_CANCELLATION)
