"""The transition table of a claim: what decide asks and the docs show. Physical facts that come before their time are
kept in every state and applied when the table allows them."""

from __future__ import annotations

from services.seedwork.transitions import NOT_YET, Transition, Transitions

QUOTED = "quoted"
AUTHORISING = "authorising"
AUTHORISED = "authorised"
CLEARED = "authorised(cleared)"
REFUSED = "refused"
SETTLED = "settled"
VOIDING = "voiding"
VOIDED = "voided"

DISPENSED = "supply_dispensed"
AUTHORISE = "AuthoriseClaim"
SELF_PAY = "ChooseSelfPay"
ACCEPTED = "outcome accepted or duplicate"
REFUSED_OUTCOME = "outcome refused"
UNKNOWN_OUTCOME = "outcome unknown"
SHARE_PAID = "payment paid, or share 0"
PAYMENT_FAILED = "payment failed"
RECEIVED = "supply_received"
UNDONE = "supply_undone"

CLAIM_TRANSITIONS = Transitions(
    (
        Transition(NOT_YET, DISPENSED, "", QUOTED, "claim_quoted"),
        Transition(QUOTED, AUTHORISE, "patient's credential or standing authorisation", AUTHORISING, "-"),
        Transition(AUTHORISING, AUTHORISE, "outcome unknown: sent again, same message id", AUTHORISING, "-"),
        Transition(QUOTED, SELF_PAY, "written consent, or nobody else pays", AUTHORISED, "claim_authorised"),
        Transition(REFUSED, SELF_PAY, "written consent", AUTHORISED, "claim_authorised"),
        Transition(AUTHORISING, ACCEPTED, "", AUTHORISED, "claim_authorised"),
        Transition(AUTHORISING, REFUSED_OUTCOME, "", REFUSED, "claim_refused"),
        Transition(AUTHORISING, UNKNOWN_OUTCOME, "", AUTHORISING, "-"),
        Transition(AUTHORISED, SHARE_PAID, "", CLEARED, "supply_cleared"),
        Transition(AUTHORISED, PAYMENT_FAILED, "supply not handed out", VOIDING, "-"),
        Transition(AUTHORISED, PAYMENT_FAILED, "the patient alone pays", VOIDED, "claim_voided"),
        Transition(CLEARED, RECEIVED, "all accepted", SETTLED, "claim_settled"),
        Transition(QUOTED, UNDONE, "all undone; nothing was booked", VOIDED, "claim_voided"),
        Transition(REFUSED, UNDONE, "all undone; nothing was booked", VOIDED, "claim_voided"),
        Transition(AUTHORISED, UNDONE, "all undone", VOIDING, "-"),
        Transition(CLEARED, UNDONE, "all undone", VOIDING, "-"),
        Transition(AUTHORISED, UNDONE, "all undone; the patient alone pays", VOIDED, "claim_voided, payment_changed"),
        Transition(CLEARED, UNDONE, "all undone; the patient alone pays", VOIDED, "claim_voided, payment_changed"),
        Transition(VOIDING, ACCEPTED, "", VOIDED, "claim_voided, payment_changed"),
        Transition(VOIDING, UNKNOWN_OUTCOME, "nothing is booked back until known", VOIDING, "-"),
        Transition(VOIDING, REFUSED_OUTCOME, "nothing is booked back", VOIDING, "-"),
        Transition(VOIDING, "clock: void_inquiry", "asked again, same message id", "voiding, voided", "claim_voided"),
        Transition("any", f"{RECEIVED} or {UNDONE} before its time", "", "same, fact kept", "-"),
    )
)
