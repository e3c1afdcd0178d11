"""What a consultation and a medication review answer to in which state; everything else is refused."""

from __future__ import annotations

from services.seedwork.transitions import NOT_YET, Transition, Transitions

_PHARMACIST = "licence and organisation in force today, of the institution or one that reviews for it"

CONSULTATION_TRANSITIONS = Transitions(
    (
        Transition(
            NOT_YET,
            "AskConsultation",
            "the patient, or the prescriber of these prescriptions of one patient; another institution than theirs "
            "only by a review agreement in force",
            "asked",
            "-",
        ),
        Transition("asked", "AnswerConsultation", f"{_PHARMACIST}, not the asker", "answered", "advice_given"),
        Transition("asked", "WithdrawConsultation", "the asker", "withdrawn", "-"),
    )
)

MEDICATION_REVIEW_TRANSITIONS = Transitions(
    (
        Transition(NOT_YET, "OpenMedicationReview", f"{_PHARMACIST}, not the prescriber", "opened", "-"),
        Transition(
            "opened",
            "SuggestChanges",
            f"{_PHARMACIST}; each candidate is on the list",
            "suggested",
            "advice_given",
        ),
        Transition("opened", "CloseMedicationReview", f"{_PHARMACIST}; nothing to suggest", "closed", "-"),
    )
)
