"""The transition table of a claim: what decide asks and the docs show. Physical facts that come before their time are
kept in every state and applied when the table allows them."""

from __future__ import annotations

from services.seedwork.transitions import NOT_YET, Transition, Transitions

QUOTED = "quoted"
AUTHORISING = "authorising"
AUTHORISED = "authorised"
CLEARED = "authorised(cleared)"
REFUSED = "refused"
SETTLING = "settling"
SETTLED = "settled"
VOIDING = "voiding"
VOIDED = "voided"
REVERSING = "reversing"
REVERSED = "reversed"
DISPUTED = "disputed"

DISPENSED = "supply_dispensed"
AUTHORISE = "AuthoriseClaim"
SELF_PAY = "ChooseSelfPay"
ACCEPTED = "outcome accepted or duplicate"
REFUSED_OUTCOME = "outcome refused"
UNKNOWN_OUTCOME = "outcome unknown"
SHARE_PAID = "payment paid, or share 0"
PAYMENT_FAILED = "payment failed"
RECEIVED = "supply_received"
PART = "supply_received, part"
TAKEN_BACK = "supply_taken_back"
CREDIT = "GiveCredit"
COLLECTED = "payment paid after credit"
NOT_BOOKED = "inquiry: not booked"
LATE_REFUSAL = "outcome refused, supply in hands"
ORDER_REVERSAL = "OrderReversal"
DECIDE = "DecideDispute"
AUDIT_AGAINST = "audit: against"
AUDIT_LIFTED = "audit: appeal granted"
UNDONE = "supply_undone"
REFUND_AWAITED = "taken back, payment not answered"
REFUND_ORDERED = "payment answered"
QUOTE_ASKED = "clock: quote_inquiry"
REBILL_EXPIRED = "clock: rebill_expiry"

CLAIM_TRANSITIONS = Transitions(
    (
        Transition(NOT_YET, DISPENSED, "", QUOTED, "claim_quoted"),
        Transition(
            QUOTED, AUTHORISE, "patient's credential or standing authorisation; audit: nothing open", AUTHORISING, "-"
        ),
        Transition(AUTHORISING, AUTHORISE, "outcome unknown: sent again, same message id", AUTHORISING, "-"),
        Transition(QUOTED, SELF_PAY, "written consent, or nobody else pays", AUTHORISED, "claim_authorised"),
        Transition(REFUSED, SELF_PAY, "written consent", AUTHORISED, "claim_authorised"),
        Transition(QUOTED, AUDIT_AGAINST, "violation, or suspicion upheld", REFUSED, "claim_refused, audit_flagged"),
        Transition(REFUSED, AUDIT_LIFTED, "refused by the audit", QUOTED, "claim_quoted"),
        Transition(AUTHORISING, ACCEPTED, "", AUTHORISED, "claim_authorised"),
        Transition(AUTHORISING, REFUSED_OUTCOME, "", REFUSED, "claim_refused"),
        Transition(AUTHORISING, UNKNOWN_OUTCOME, "", AUTHORISING, "claim_outcome_unknown"),
        Transition(AUTHORISED, SHARE_PAID, "the delivery fee too, where there is one", CLEARED, "supply_cleared"),
        Transition(AUTHORISED, COLLECTED, "the delivery fee is still to be paid", AUTHORISED, "-"),
        Transition(AUTHORISED, PAYMENT_FAILED, "or expired; supply not handed out", VOIDING, "-"),
        Transition(AUTHORISED, PAYMENT_FAILED, "the patient alone pays", VOIDED, "claim_voided"),
        Transition(QUOTED, QUOTE_ASKED, "insurer not in-house: asked what it comes to", QUOTED, "claim_quoted"),
        Transition(CLEARED, RECEIVED, "all accepted", SETTLED, "claim_settled"),
        Transition(CLEARED, RECEIVED, "all accepted; two-step insurer", SETTLING, "-"),
        Transition(SETTLING, ACCEPTED, "", SETTLED, "claim_settled"),
        Transition(SETTLING, UNKNOWN_OUTCOME, "nothing is posted until known", SETTLING, "claim_outcome_unknown"),
        Transition(SETTLING, REFUSED_OUTCOME, "the patient has it", DISPUTED, "claim_refused"),
        Transition(SETTLING, "clock: settle_inquiry", "sent, or sent again, same message id", "settling, settled", "-"),
        Transition(QUOTED, UNDONE, "all undone; nothing was booked", VOIDED, "claim_voided"),
        Transition(REFUSED, UNDONE, "all undone; nothing was booked", VOIDED, "claim_voided"),
        Transition(AUTHORISED, UNDONE, "all undone", VOIDING, "-"),
        Transition(CLEARED, UNDONE, "all undone", VOIDING, "-"),
        Transition(AUTHORISED, UNDONE, "all undone; the patient alone pays", VOIDED, "claim_voided, payment_changed"),
        Transition(CLEARED, UNDONE, "all undone; the patient alone pays", VOIDED, "claim_voided, payment_changed"),
        Transition(VOIDING, ACCEPTED, "", VOIDED, "claim_voided, payment_changed"),
        Transition(VOIDING, UNKNOWN_OUTCOME, "nothing is booked back until known", VOIDING, "claim_outcome_unknown"),
        Transition(VOIDING, REFUSED_OUTCOME, "nothing is booked back", VOIDING, "-"),
        Transition(VOIDING, "clock: void_inquiry", "asked again, same message id", "voiding, voided", "claim_voided"),
        *(
            Transition(state, REBILL_EXPIRED, "billed anew, in hands; an officer decides", DISPUTED, "claim_refused")
            for state in (QUOTED, REFUSED)
        ),
        Transition(AUTHORISED, REBILL_EXPIRED, "billed anew, in hands; the patient owes the share", CLEARED, "-"),
        Transition(AUTHORISING, NOT_BOOKED, "", QUOTED, "claim_quoted"),
        Transition(AUTHORISING, "clock: authorise_inquiry", "asked what became of it", "authorising, authorised", "-"),
        Transition(AUTHORISING, SELF_PAY, "outcome unknown; written consent", VOIDING, "- (next: patient only)"),
        Transition(AUTHORISING, UNDONE, "all undone; nothing is assumed", VOIDING, "-"),
        Transition(AUTHORISED, CREDIT, "named person, reason; policy allows", CLEARED, "supply_cleared"),
        Transition(AUTHORISING, CREDIT, "outcome unknown; named person, reason", AUTHORISING, "supply_cleared"),
        Transition(AUTHORISING, LATE_REFUSAL, "handed out on credit", DISPUTED, "claim_refused"),
        Transition(CLEARED, COLLECTED, "cleared on credit", CLEARED, "-"),
        Transition(SETTLED, COLLECTED, "cleared on credit", SETTLED, "-"),
        *(
            Transition(state, COLLECTED, "its provider had not answered before", state, "-")
            for state in (SETTLING, VOIDING, REVERSING, DISPUTED)
        ),
        Transition(QUOTED, PART, "the rest is accounted for", VOIDED, "claim_voided"),
        Transition(REFUSED, PART, "the rest is accounted for", VOIDED, "claim_voided"),
        Transition(AUTHORISED, PART, "the rest is accounted for; the part is the next attempt", "voiding, voided", "-"),
        Transition(CLEARED, PART, "the rest is accounted for; the part is the next attempt", "voiding, voided", "-"),
        Transition(SETTLED, UNDONE, "once; inside the insurer's window", REVERSING, "-"),
        Transition(SETTLED, TAKEN_BACK, "once; inside the window; what stays is the next attempt", REVERSING, "-"),
        Transition(SETTLED, ORDER_REVERSAL, "once; officer of the claim's insurer", REVERSING, "-"),
        Transition(SETTLED, TAKEN_BACK, "outside the window", DISPUTED, "claim_refused"),
        Transition(SETTLED, UNDONE, "the patient alone pays", REVERSED, "claim_reversed, payment_changed"),
        Transition(REVERSING, ACCEPTED, "", REVERSED, "claim_reversed, payment_changed"),
        Transition(REVERSING, REFUSED_OUTCOME, "nothing is booked back", DISPUTED, "claim_refused"),
        Transition(REVERSING, UNKNOWN_OUTCOME, "nothing is booked until known", REVERSING, "claim_outcome_unknown"),
        Transition(REVERSING, "clock: reverse_inquiry", "asked again, same message id", "reversing, reversed", "-"),
        Transition(DISPUTED, DECIDE, "named officer and bearer", "settled, reversed", "claim_settled / claim_reversed"),
        *(
            Transition(state, trigger, "what the provider had before; only the books move", state, "-")
            for state in (VOIDED, REVERSED)
            for trigger in (REFUND_AWAITED, REFUND_ORDERED)
        ),
        Transition("any", f"{RECEIVED} or {UNDONE} before its time", "", "same, fact kept", "-"),
    )
)
