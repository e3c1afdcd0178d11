"""Problems of the prescribe service."""

from contracts.errors.catalogue import Problem

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
        "prescription.online_visit",
        422,
        "Online visits not admitted",
        "The policy of the jurisdiction does not admit prescriptions from online visits (互联网诊疗管理办法).",
    ),
    Problem(
        "prescription.buckets_unbalanced",
        409,
        "Quantities do not balance",
        "What dispatch told does not sum to what was prescribed per line; the prescription is left as it was.",
    ),
    Problem(
        "prescriber.not_registered",
        422,
        "Prescriber not registered",
        "L1 (医疗机构处方审核规范): the register of people has no such prescriber.",
    ),
    Problem(
        "prescriber.not_in_force",
        422,
        "Prescriber not in force",
        "L1: the registration is suspended, ended or not yet valid today.",
    ),
    Problem(
        "prescriber.practice_site",
        422,
        "Wrong place of practice",
        "L2: the right to prescribe holds at the institution of the register entry.",
    ),
    Problem(
        "prescriber.no_right",
        422,
        "No right for this class",
        "L3: controlled classes need a prescribing right of their own.",
    ),
    Problem(
        "institution.not_admitted",
        422,
        "Institution not admitted",
        "The institution is not in the register, or not in force today (准入, 退出).",
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

_CONTENT = (
    Problem(
        "diagnosis.missing",
        422,
        "No diagnosis",
        "A prescription states at least one clinical diagnosis (处方管理办法 §5).",
    ),
    Problem("diagnosis.code", 422, "Not a diagnosis code", "Codes have the shape of ICD-10, 医保版, e.g. I10.x00x002."),
    Problem(
        "line.count", 422, "Wrong number of lines", "N3.3: one to five drugs on one prescription (处方管理办法 §6)."
    ),
    Problem("line.numbering", 422, "Lines not numbered", "Lines are numbered 1, 2, 3 in order."),
    Problem("line.drug_twice", 422, "Drug twice", "N3.3: one line per drug."),
    Problem(
        "line.as_directed",
        422,
        "No clear directions",
        "N3.5: dose and use are stated; 遵医嘱 and 自用 are forbidden (处方管理办法 §6).",
    ),
    Problem(
        "line.mixed_with", 422, "Mixed into nothing", "A8: a line is mixed into another line of the same prescription."
    ),
    Problem("line.solvent", 422, "Solvent incomplete", "A8: a solvent is stated by name and volume in ml."),
    Problem(
        "line.dose_unit",
        422,
        "Unknown dose unit",
        "The dose is written in the unit of the drug's register entry.",
    ),
    Problem(
        "line.quantity",
        422,
        "Quantity does not follow",
        "dose x frequency x days must be exactly the quantity in base units; nothing is rounded.",
    ),
    Problem("drug.unknown", 422, "Unknown drug", "The register of drugs has no such code."),
    Problem("drug.not_in_force", 422, "Drug not in force", "The drug is suspended, withdrawn or not yet valid today."),
    Problem(
        "drug.never_circulates",
        422,
        "Class may not circulate",
        "Narcotics and first-class psychotropics are never sold in retail (处方管理办法; 药品管理法 §61).",
    ),
    Problem(
        "supply.reason_missing",
        422,
        "Reason for a longer supply missing",
        "N3.6: 7 days, 3 in an emergency; longer needs a written reason (处方管理办法 §19).",
    ),
    Problem(
        "supply.too_long",
        422,
        "Supply too long",
        "Longer than the policy admits even with a reason: 4 weeks (长期处方管理规范).",
    ),
    Problem(
        "supply.class_limit",
        422,
        "Supply too long for this class",
        "Toxic drugs for medical use: at most 2 days (医疗用毒性药品管理办法).",
    ),
    Problem(
        "validity.reason_missing",
        422,
        "Reason for a longer validity missing",
        "Valid on the day of issue; longer needs a written reason (处方管理办法 §18).",
    ),
    Problem("validity.too_long", 422, "Validity too long", "At most 3 days (处方管理办法 §18)."),
    Problem(
        "insurance_intent.disease_code",
        422,
        "Disease code missing",
        "门诊慢特病 names the disease it was recognised for.",
    ),
    Problem("insurance_intent.line", 422, "Unknown line", "A restricted use names a line of this prescription."),
    Problem("insurance_intent.reason", 422, "Reason missing", "A restricted use (限制使用) that is not met says why."),
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
        "cancellation.unknown",
        404,
        "Unknown cancellation",
        "A decision names a request that was never made here; it is recorded and has no effect.",
    ),
)

PROBLEMS: tuple[Problem, ...] = (*_PATIENT, *_PRESCRIPTION, *_CONTENT, *_CANCELLATION)
