"""What a fulfilment, its holds and its supplies answer to: the tables that the decisions ask."""

from __future__ import annotations

from services.seedwork.model import Refusal
from services.seedwork.transitions import NOT_YET, Transition, Transitions

FULFILMENT = Transitions(
    (
        Transition(NOT_YET, "instalment_opened", "content known", "open", "fulfilment_opened"),
        Transition("open", "HoldQuantity", "see Hold", "open", "quantity_held"),
        Transition(
            "open", "HoldReplacement", "same pharmacy; replaceable; now < replace_until", "open", "quantity_held"
        ),
        Transition(
            "closing", "HoldReplacement", "same pharmacy; replaceable; now < replace_until", "closing", "quantity_held"
        ),
        Transition("open", "clock: replace", "now >= replace_until: replaceable -> lapsed", "open", "-"),
        Transition("closing", "clock: replace", "now >= replace_until: replaceable -> lapsed", "closing", "-"),
        Transition("closed", "TakeBack", "see Supply", "closing", "supply_taken_back"),
        Transition("open", "ConfirmOnlineOrder", "the patient's own; real name; today's risk notice", "open", "-"),
        Transition("closing", "ConfirmOnlineOrder", "as before, for what is replaced", "closing", "-"),
        Transition("open", "NominatePharmacy", "the patient's own; pharmacy admitted, or none", "open", "-"),
        Transition("open", "prescription_expired", "", "closing", "-"),
        Transition("open", "cancellation_requested", "cancel table; once per request", "open", "cancellation_decided"),
        Transition(
            "closing", "cancellation_requested", "cancel table; once per request", "closing", "cancellation_decided"
        ),
        Transition("open", "lines_blocked", "once per block", "open, lines blocked", "hold_ended"),
        Transition("closing", "lines_blocked", "once per block", "closing, lines blocked", "hold_ended"),
        Transition("open", "lines_unblocked", "a block that stands", "open, lines free of it", "-"),
        Transition("closing", "lines_unblocked", "a block that stands", "closing, lines free of it", "-"),
        Transition("closed", "lines_blocked", "once per block; for what is brought back", "closed, lines blocked", "-"),
        Transition("closed", "lines_unblocked", "a block that stands", "closed, lines free of it", "-"),
        Transition("closed", "cancellation_requested", "nothing moves", "closed", "cancellation_decided"),
        Transition("open", "last quantity ended", "only in hands, cancelled, lapsed", "closed", "fulfilment_closed"),
        Transition("closing", "last quantity ended", "only in hands, cancelled, lapsed", "closed", "fulfilment_closed"),
    )
)

HOLD = Transitions(
    (
        Transition(
            NOT_YET,
            "HoldQuantity",
            "token or nomination; fulfilment open and valid; pharmacy admitted; way allowed; for delivery real name "
            "and risk notice confirmed; sum <= remaining; stock reserved",
            "active",
            "quantity_held",
        ),
        Transition("active", "FetchSecret", "same pharmacy", "active", "-"),
        Transition("accepted", "FetchSecret", "same pharmacy", "accepted", "-"),
        *(
            Transition(
                state,
                "ProposeSubstitution",
                "a substitute held under a protocol; patient agrees",
                f"{state}, end extended to answer_due_at where the prescriber is asked",
                "substitution_proposed",
            )
            for state in ("active", "accepted")
        ),
        Transition(
            "active",
            "substitution_declined",
            "proposed under it, not signed for otherwise",
            "active without the line, or ended (revoked)",
            "hold_ended",
        ),
        Transition(
            "active",
            "PassPharmacyReview",
            "pharmacy admitted; its licensed pharmacist; signature's check seen, acknowledged where degraded; "
            "substitutes lawful: protocol in force, signed by the prescriber, or where none is asked checked and "
            "screened under this hold, nothing serious found",
            "accepted",
            "-",
        ),
        Transition("active", "ReleaseHold", "secret; reason", "active, ended", "hold_ended, line_unfilled"),
        Transition("accepted", "ReleaseHold", "secret; reason", "accepted, ended", "hold_ended, line_unfilled"),
        Transition("active", "clock: hold_expiry", "now >= expires_at", "ended", "hold_ended"),
        Transition("accepted", "clock: hold_expiry", "now >= expires_at; packs go back", "ended", "hold_ended"),
        Transition(
            "active",
            "RefuseAtPharmacy",
            "secret; pharmacy admitted; its licensed pharmacist; code of the list",
            "ended (refused), lines blocked",
            "supply_refused, hold_ended",
        ),
        Transition(
            "accepted",
            "RefuseAtPharmacy",
            "as before; packs of a prepared supply go back",
            "ended (refused), lines blocked",
            "supply_refused, hold_ended",
        ),
        Transition("active", "lines_blocked", "holds one of the lines", "ended (revoked)", "hold_ended"),
        Transition(
            "accepted", "lines_blocked", "holds one of the lines; packs go back", "ended (revoked)", "hold_ended"
        ),
        Transition("active", "recall", "the shelf cannot meet it any more", "ended (revoked)", "hold_ended"),
        Transition(
            "accepted", "recall", "as before, or packs of the lot are prepared", "ended (revoked)", "hold_ended"
        ),
        Transition("active", "cancellation_requested", "cancel table", "ended", "hold_ended"),
        Transition("accepted", "cancellation_requested", "cancel table; packs go back", "ended", "hold_ended"),
        Transition("accepted", "PrepareSupply", "secret; pharmacy and preparer in force; see Supply", "accepted", "-"),
        Transition(
            "accepted",
            "DispenseSupply",
            "secret; pharmacy and checker in force; see Supply",
            "used",
            "supply_dispensed",
        ),
    )
)

SUPPLY = Transitions(
    (
        Transition(
            NOT_YET, "PrepareSupply", "product as held; lot good; first expired first; codes unsold", "prepared", "-"
        ),
        Transition("prepared", "Unprepare", "secret; packs go back", "unprepared", "-"),
        Transition("prepared", "hold ended", "packs go back", "unprepared", "-"),
        Transition(
            "prepared",
            "DispenseSupply",
            "checker <> preparer; codes booked",
            "dispensed",
            "supply_dispensed, hold_ended (rest), line_unfilled (shortfall)",
        ),
        Transition("dispensed", "claim", "highest attempt counts", "dispensed", "-"),
        Transition("partly_received", "claim", "highest attempt counts", "partly_received", "-"),
        Transition("with_courier", "claim", "highest attempt counts", "with_courier", "-"),
        Transition("in_hands", "claim", "highest attempt counts", "in_hands", "-"),
        Transition("undone", "claim", "highest attempt counts", "undone", "-"),
        Transition(
            "dispensed",
            "HandOut",
            "cleared; lots not recalled; pickup code; no delivery; out of force: irregular",
            "in_hands",
            "supply_received",
        ),
        Transition(
            "dispensed",
            "ArrangeDelivery",
            "deliverable; pharmacy and courier in force",
            "dispensed",
            "delivery_created",
        ),
        Transition("dispensed", "CancelDelivery", "not handed over", "dispensed", "delivery_ended"),
        Transition("dispensed", "GiveUp", "the patient's own", "undone", "supply_undone"),
        *(
            Transition(state, "AskForNotice", "something of the line remains; own patient or own pharmacy", state, "-")
            for state in ("dispensed", "with_courier", "in_hands")
        ),
        Transition("dispensed", "clock: collect", "now >= collect_by", "undone", "supply_undone"),
        Transition(
            "dispensed", "clock: self_pay", "claim refused, nobody pays alone by decide_by", "undone", "supply_undone"
        ),
        Transition("dispensed", "cancellation_requested", "cancel table", "undone", "supply_undone"),
        Transition(
            "dispensed",
            "HandOverToCourier",
            "cleared; lots not recalled; both in force",
            "with_courier",
            "delivery_handed_over",
        ),
        Transition("with_courier", "cancellation_requested", "recorded, answered at the end", "with_courier", "-"),
        Transition(
            "with_courier",
            "returned or lost",
            "inspected, or given up for lost; what a cancellation wants of it is cancelled",
            "undone",
            "supply_undone",
        ),
        Transition(
            "in_hands",
            "TakeBack",
            "quality, recall, wrong item; never restocked, codes stay spent",
            "in_hands, quantity replaceable or cancelled",
            "supply_taken_back",
        ),
        Transition(
            "with_courier",
            "Deliver",
            "proof; always recorded, irregular when a guard fails",
            "in_hands, or partly_received when lines were rejected",
            "supply_received",
        ),
        Transition("partly_received", "returned or lost", "what was rejected", "in_hands", "supply_undone"),
        Transition(
            "partly_received", "cancellation_requested", "recorded, answered at the end", "partly_received", "-"
        ),
        Transition("dispensed", "returned or lost", "excursion rejected in the pharmacy", "undone", "supply_undone"),
    )
)


def wrong_state(aggregate: str, state: str, trigger: str) -> Refusal:
    """The table has no such row."""
    return Refusal(f"{aggregate}.wrong_state", {"state": state, "trigger": trigger})
