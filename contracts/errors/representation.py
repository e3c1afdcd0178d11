"""Problems of who acts for a patient: appointing, withdrawing, and acting without it."""

from contracts.errors.catalogue import Problem

PROBLEMS = (
    Problem(
        "representation.not_in_force",
        403,
        "You do not represent this patient",
        "No appointment of this account is in force today: there was none, it has not begun, its last day is over, or "
        "it was withdrawn (民法典 §173).",
        final=False,
    ),
    Problem(
        "representation.out_of_scope",
        403,
        "Beyond what you may do for this patient",
        "`scope` names what the appointment lets this account do (民法典 §165: 代理事项).",
        final=False,
    ),
    Problem("representative.unknown", 404, "Unknown appointment", "This patient has no appointment with this id."),
    Problem(
        "representative.kind",
        422,
        "No such kind here",
        "`kinds` lists those that this jurisdiction knows.",
    ),
    Problem(
        "representative.appointed_by_another",
        403,
        "Appointed by somebody else",
        "Whoever can decide appoints for themself (民法典 §162); a guardian is entered by an officer of an institution "
        "that treats the patient, on evidence (民法典 §27, §28).",
    ),
    Problem(
        "representative.evidence",
        422,
        "Evidence is missing",
        "Of a guardian: the document that shows it (户口簿, 判决书, 指定监护证明), by its number.",
    ),
    Problem(
        "representative.patient_is_minor",
        422,
        "The patient is not of age",
        "Until `adult_from` years a guardian acts for the patient (民法典 §17, §23, §27).",
    ),
    Problem(
        "representative.patient_is_of_age",
        422,
        "The patient is of age",
        "From `adult_from` years on nobody is their guardian because of their age (民法典 §17, §39).",
    ),
    Problem(
        "representative.identity_number",
        422,
        "Identity number of the representative invalid",
        "18 characters by GB 11643: known region, real birth date, check digit.",
    ),
    Problem(
        "representative.is_the_patient",
        422,
        "The representative is the patient",
        "By identity number or by account.",
    ),
    Problem(
        "representative.is_minor",
        422,
        "The representative is not of age",
        "Whoever acts for another can decide for themself: `adult_from` years (民法典 §17, §18).",
    ),
    Problem(
        "representative.dates",
        422,
        "Days contradict each other",
        "It begins today or later, by `begins_by` at the latest, and ends no earlier than it begins.",
    ),
    Problem(
        "representative.too_long",
        422,
        "Too long",
        "Of this kind at most `days_max` days; it may be appointed again.",
    ),
    Problem(
        "representative.too_many",
        409,
        "Too many representatives",
        "At most `max` whose days are not over: withdraw one.",
        final=False,
    ),
)
