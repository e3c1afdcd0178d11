"""What a shortage case answers to in which state; everything else is refused."""

from __future__ import annotations

from services.seedwork.transitions import NOT_YET, Transition, Transitions

CASE_TRANSITIONS = Transitions(
    (
        Transition(
            NOT_YET,
            "line_unfilled",
            "no open case; enough demands and pharmacies in one window",
            "suspected",
            "case_suspected",
        ),
        Transition("suspected", "line_unfilled", "more evidence", "suspected", "-"),
        Transition("suspected", "line_unfilled", "enough pharmacies in one window", "confirmed", "case_confirmed"),
        Transition("suspected", "ConfirmCase", "authority of the region; not quiet", "confirmed", "case_confirmed"),
        Transition("suspected", "DismissCase", "authority of the region; reason; not quiet", "dismissed", "case_ended"),
        Transition(
            "suspected", "clock: quiet", "below its threshold for the hysteresis", "dismissed (auto)", "case_ended"
        ),
        Transition("confirmed", "line_unfilled", "counted by the detector", "confirmed", "-"),
        Transition(
            "dismissed",
            "line_unfilled",
            "happened after the end: a new case, linked (back again)",
            "dismissed",
            "case_suspected",
        ),
    )
)
