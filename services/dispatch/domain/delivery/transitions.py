"""What a delivery answers to: the table that its decisions ask."""

from __future__ import annotations

from collections.abc import Iterator

from services.seedwork.transitions import NOT_YET, Transition, Transitions

OUT = ("handed_over", "in_transit", "arrived", "attempt_failed")
"""With the courier, on the way to the patient."""
ABROAD = (*OUT, "returning")
"""With the courier, either way."""
FINAL = ("delivered", "cancelled", "restocked", "destroyed", "lost")
MEASURED = ("packed", *ABROAD, "return_arrived", "quarantined", "restocked", "delivered")
"""A logger may be read: also late, after the parcel has arrived somewhere, or its goods are on the shelf again."""
SPOILT_BEFORE = "excursion of another parcel rejected"
RANK = {"handed_over": 0, "in_transit": 1, "arrived": 2, "attempt_failed": 3}
"""Of two words about the same minute the one further along the way counts."""

_RECEIVED = "supply_received; delivery_ended when all is accepted, else delivery_return_started"
_INSPECTED = "delivery_ended, supply_undone"


def _same(states: tuple[str, ...], trigger: str, guard: str, emits: str) -> Iterator[Transition]:
    for state in states:
        yield Transition(state, trigger, guard, state, emits)


def _to(states: tuple[str, ...], trigger: str, guard: str, reached: str, emits: str) -> Iterator[Transition]:
    for state in states:
        yield Transition(state, trigger, guard, reached, emits)


TRANSITIONS = Transitions(
    (
        Transition(
            NOT_YET,
            "ArrangeDelivery",
            "supply dispensed and deliverable; one way of storage; courier admitted",
            "created",
            "delivery_created",
        ),
        Transition("created", "PackDelivery", "seal number; a logger where it must stay cold", "packed", "-"),
        *_to(("created", "packed"), "CancelDelivery", "the supply stays dispensed", "cancelled", "delivery_ended"),
        Transition(
            "packed",
            "HandOverToCourier",
            "cleared; pharmacy and courier in force; proof; no excursion open or rejected",
            "handed_over",
            "delivery_handed_over",
        ),
        Transition("handed_over", "InTransit", "", "in_transit", "-"),
        Transition("attempt_failed", "InTransit", "attempts left; no excursion open or rejected", "in_transit", "-"),
        Transition("in_transit", "Arrive", "", "arrived", "-"),
        Transition(
            "arrived",
            "Deliver",
            "code, identity where asked, proof; seal whole; attended; lines may be rejected",
            "delivered, or returning with what was rejected",
            _RECEIVED,
        ),
        *_to(
            ("handed_over", "in_transit", "attempt_failed", "returning"),
            "Deliver",
            "out of order or after a recall: exception; a proved delivery always wins",
            "delivered, or returning with what was rejected",
            _RECEIVED,
        ),
        Transition("delivered", "Deliver", "repeat: answered, nothing changes", "delivered", "-"),
        *_to(
            ("arrived", "in_transit"),
            "FailAttempt",
            "reason; the last one: returning",
            "attempt_failed",
            "delivery_attempt_failed",
        ),
        Transition("attempt_failed", "ScheduleRetry", "attempts left; logger in range", "attempt_failed", "-"),
        Transition("attempt_failed", "clock: retry", "nobody has gone again", "returning", "delivery_return_started"),
        *_to(
            OUT, "RecallDelivery", "cancelled, lot recalled, excursion rejected", "returning", "delivery_return_started"
        ),
        *_to(OUT, "RefuseAtDoor", "nothing was accepted", "returning", "delivery_return_started"),
        *_same(MEASURED, "TemperatureLogged", "a breach opens an excursion", "temperature_breached"),
        *_same(
            MEASURED,
            "AssessExcursion",
            "open; quality manager, reason; a freeze is never released for what must not freeze; "
            "rejected: returning when out, quarantined when in the pharmacy; packs on the shelf again are set apart",
            "temperature_assessed",
        ),
        Transition("packed", "excursion rejected", "", "quarantined", _INSPECTED),
        *_same(
            ("returning", "return_arrived"),
            SPOILT_BEFORE,
            "that its packs had been in; nothing of it is restocked any more",
            "delivery_return_started, unless its end was told",
        ),
        Transition(
            "quarantined",
            SPOILT_BEFORE,
            "that packs of it had been in which wait; nothing that waits is restocked any more",
            "quarantined",
            "-",
        ),
        Transition("returning", "ReturnArrived", "counted, seal state", "return_arrived", "-"),
        *_to(OUT, "ReturnArrived", "came back unannounced: exception", "return_arrived", "delivery_return_started"),
        Transition(
            "return_arrived",
            "InspectReturn",
            "every pack; restocked only if the seal is whole, it was never with the patient, no excursion is open or "
            "rejected, it has no packs spoilt before, "
            "the logger has no gap, it was not lost in between, and is neither recalled nor expired",
            "quarantined while a pack is; else restocked if one is; else destroyed; lost when none is there",
            _INSPECTED,
        ),
        Transition(
            "quarantined",
            "ReleaseQuarantine",
            "quality manager, reason; the rule for restocking, but for the seal, which they answer for",
            "restocked, or quarantined while a pack is",
            "stock_changed",
        ),
        Transition(
            "quarantined",
            "DestroyQuarantined",
            "quality manager, reason",
            "destroyed, restocked when another pack was, or quarantined while a pack is",
            "stock_changed",
        ),
        *_to(ABROAD, "ReportLost", "", "lost", "delivery_ended; supply_undone"),
        *_to(ABROAD, "clock: silence", "no word for the days of the policy", "lost", "delivery_ended; supply_undone"),
        *_to(ABROAD, "ReportDamaged", "", "returning", "delivery_return_started"),
        Transition("lost", "ReportFound", "quarantine or destroy only; money and quantity stay", "return_arrived", "-"),
        *_same(
            ("created", "packed", *ABROAD, "return_arrived", "quarantined", *FINAL),
            "courier's report",
            "signed; once per message; the same again is a sign of life; what is late, out of turn or against a rule "
            "is recorded and changes nothing",
            "-",
        ),
    )
)
