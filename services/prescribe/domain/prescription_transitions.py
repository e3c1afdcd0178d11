"""The transition table of a prescription: decide asks it, the docs are rendered from it."""

from __future__ import annotations

from services.seedwork.transitions import NOT_YET, Transition, Transitions

_PROGRESS = ("quantity_held", "hold_ended", "supply_dispensed", "supply_received", "supply_undone", "supply_taken_back")
_CIRCULATING = ("released", "closing(cancelled)", "closing(expired)")
_END = "completed (all in hands), cancelled (any by request) or expired"
_END_EVENT = "prescription_completed, prescription_cancelled or prescription_expired, unless already sent"

_ISSUE = (
    Transition(
        NOT_YET,
        "IssuePrescription",
        "issue checks",
        "issued (cancelled, when its cancellation came first)",
        "prescription_issued (none, when cancelled)",
    ),
    Transition(NOT_YET, "CancelPrescription", "whole", "-, kept until the prescription arrives", "-"),
    Transition(
        "returned",
        "AmendPrescription",
        "new signature; amendments < max; in validity",
        "issued, revision + 1",
        "prescription_issued",
    ),
    Transition(
        "returned",
        "ConfirmFindings",
        "every open finding confirmable, a reason each; second signature; in validity",
        "issued, confirmation + 1, validity unchanged",
        "prescription_issued",
    ),
)

_NOMINATE = tuple(
    Transition(state, "NominatePharmacy", "the patient; after release it is dispatch's", "same", "-")
    for state in ("issued", "returned")
)

_REVIEW = (
    Transition(
        "issued",
        "case_passed",
        "revision, confirmation and digest current; in validity",
        "released; otherwise issued, recorded",
        "prescription_released, instalment_opened",
    ),
    Transition("issued", "case_returned", "current", "returned; otherwise issued, recorded", "-"),
    Transition("issued", "case_refused", "current", "refused; otherwise issued, recorded", "-"),
)

_CANCEL = (
    Transition("issued", "CancelPrescription", "prescriber or delegate; whole", "cancelled", "prescription_cancelled"),
    Transition(
        "returned", "CancelPrescription", "prescriber or delegate; whole", "cancelled", "prescription_cancelled"
    ),
    Transition(
        "released",
        "CancelPrescription",
        "prescriber or delegate",
        "closing(cancelled); for a part: released, request pending",
        "cancellation_requested",
    ),
    Transition(
        "closing(expired)",
        "CancelPrescription",
        "prescriber or delegate; some supply still runs",
        "closing(cancelled)",
        "cancellation_requested",
    ),
    *(
        Transition(
            state,
            "cancellation_decided",
            "a known request",
            "same; back to released or closing(expired) when final and quantity stays open",
            "-",
        )
        for state in (*_CIRCULATING, "completed", "cancelled", "expired")
    ),
    *(
        Transition(state, "clock: answer_due", "request without final answer", "same, told undecided", "-")
        for state in _CIRCULATING
    ),
)

_ASKED = "same, lines blocked, query to the prescriber"
_BLOCK = (
    *(Transition(state, "supply_refused", "once per block", _ASKED, "-") for state in _CIRCULATING),
    *(Transition(state, "rescreen_found", "once per block", _ASKED, "lines_blocked") for state in _CIRCULATING),
    *(
        Transition(state, "SafetyStop", "authority of the region, or the institution", _ASKED, "lines_blocked")
        for state in _CIRCULATING
    ),
    *(
        Transition(state, "clock: registration", "prescriber out of force", _ASKED, "lines_blocked")
        for state in _CIRCULATING
    ),
    Transition(
        "released", "AnswerQuery", "an open query; signature and reason", "released, lines free", "lines_unblocked"
    ),
)

_SUBSTITUTE = (
    *(
        Transition(
            state,
            "substitution_proposed",
            "once per proposal",
            "same, in the prescriber's inbox; where no prescriber is asked, checked once its screening is told",
            "- or substitution_checked",
        )
        for state in _CIRCULATING
    ),
    Transition(
        "released",
        "ConfirmSubstitution",
        "proposal open and asked, screened; protocol in force; right for the substitute, its amounts lawful; nothing "
        "found that cannot be confirmed; signature",
        "released",
        "substitution_confirmed",
    ),
    *(
        Transition(
            state,
            "DeclineSubstitution",
            "proposal open and asked; the prescriber; reason",
            "same",
            "substitution_declined",
        )
        for state in _CIRCULATING
    ),
)

_CLOCK = (
    Transition("issued", "clock: validity", "past valid_until", "expired", "prescription_expired"),
    Transition("returned", "clock: validity", "past valid_until", "expired", "prescription_expired"),
    Transition("released", "clock: validity", "past valid_until, no plan", "closing(expired)", "prescription_expired"),
    Transition(
        "released",
        "clock: instalment_opens",
        "nothing of the one before remains, is held or dispensed; by plan, by what was received, or once it lapsed",
        "released",
        "instalment_opened",
    ),
    Transition(
        "released",
        "clock: instalment_closes",
        "past closes_at",
        "released; for the last one, or the first with nothing taken: closing(expired)",
        "instalment_lapsed; at the end prescription_expired",
    ),
)

_NOTICE = tuple(
    Transition(state, "AcknowledgeStopUse", "the patient's own; an urgent cancellation found it in hands", "same", "-")
    for state in (*_CIRCULATING, "completed", "cancelled", "expired")
)

_SUPPLY = (
    *(Transition(state, trigger, "", "same (buckets)", "-") for state in _CIRCULATING for trigger in _PROGRESS),
    *(
        Transition(state, trigger, "a replacement or a return", "same (buckets)", "-")
        for state in ("completed", "cancelled", "expired")
        for trigger in (*_PROGRESS, "fulfilment_closed")
    ),
    *(Transition(state, "fulfilment_closed", "the last open instalment", _END, _END_EVENT) for state in _CIRCULATING),
)

PRESCRIPTION_TRANSITIONS = Transitions(
    (*_ISSUE, *_NOMINATE, *_REVIEW, *_CANCEL, *_BLOCK, *_SUBSTITUTE, *_CLOCK, *_NOTICE, *_SUPPLY)
)
