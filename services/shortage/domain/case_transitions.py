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
        Transition(NOT_YET, "source", "no open case; a report of a shortage", "suspected", "case_suspected"),
        Transition(
            NOT_YET,
            "stop_notice",
            "no open case; II at least when sole supplier; anticipated: no sign of harm yet",
            "confirmed",
            "case_suspected, case_confirmed",
        ),
        Transition(
            NOT_YET,
            "regions",
            "of the nation: confirmed in enough provinces, nobody knows until when",
            "confirmed",
            "case_suspected, case_confirmed",
        ),
        Transition("suspected", "line_unfilled", "more evidence", "suspected", "-"),
        Transition("suspected", "line_unfilled", "enough pharmacies in one window", "confirmed", "case_confirmed"),
        Transition("suspected", "source", "more evidence", "suspected", "-"),
        Transition("suspected", "source", "enough independent kinds of source", "confirmed", "case_confirmed"),
        Transition("suspected", "stop_notice", "always", "confirmed", "case_confirmed"),
        Transition(
            "suspected", "regions", "of the nation: confirmed in enough provinces", "confirmed", "case_confirmed"
        ),
        Transition("suspected", "ConfirmCase", "authority of the region; not quiet", "confirmed", "case_confirmed"),
        Transition("suspected", "DismissCase", "authority of the region; reason; not quiet", "dismissed", "case_ended"),
        Transition(
            "suspected",
            "source",
            "enough independent kinds say that there is enough, since the latest sign",
            "dismissed (auto)",
            "case_ended",
        ),
        Transition(
            "suspected", "clock: quiet", "below its threshold for the hysteresis", "dismissed (auto)", "case_ended"
        ),
        Transition("confirmed", "line_unfilled", "inputs give a worse grade: at once", "confirmed", "case_graded"),
        Transition("confirmed", "source", "recorded once a period", "confirmed", "-"),
        Transition("confirmed", "stop_notice", "inputs give a worse grade: at once", "confirmed", "case_graded"),
        Transition("confirmed", "regions", "inputs give a worse grade: at once", "confirmed", "case_graded"),
        Transition(
            "confirmed",
            "clock: period",
            "better for enough periods in a row; no open stop notice",
            "confirmed",
            "case_graded",
        ),
        Transition(
            "confirmed",
            "clock: period",
            "normal for enough periods in a row; no open stop notice; no open case inside",
            "resolved",
            "case_ended; protocol_ended after notice, allocation_ended at once",
        ),
        Transition("confirmed", "notice_ended", "a sign of harm, or another notice is open", "confirmed", "-"),
        Transition("confirmed", "notice_ended", "anticipated, and no other notice is open", "avoided", "case_ended"),
        Transition("confirmed", "AcknowledgeCase", "authority of the region; reason", "confirmed", "-"),
        Transition("confirmed", "AssignTask", "authority of the region; due in the future", "confirmed", "-"),
        Transition("confirmed", "CompleteTask", "authority of the region; reason", "confirmed", "-"),
        Transition(
            "confirmed",
            "IssueProtocol",
            "province or above; another person signs the draft",
            "confirmed",
            "protocol_issued",
        ),
        Transition("confirmed", "SetAllocation", "owner's level or above", "confirmed", "allocation_set"),
        Transition(
            "confirmed",
            "ProposeTransfers",
            "inside one chain, or by order of the authority with its reason",
            "confirmed",
            "transfer_proposed",
        ),
        Transition("confirmed", "ReleaseReserve", "owner's level or above", "confirmed", "reserve_released"),
        Transition(
            "confirmed", "clock: task", "the task is the next level's; the grade is as it was", "confirmed", "-"
        ),
        Transition(
            "dismissed",
            "line_unfilled",
            "happened after the end: a new case, linked (back again)",
            "dismissed",
            "case_suspected",
        ),
        Transition(
            "resolved",
            "line_unfilled",
            "happened after the end: a new case, linked (back again)",
            "resolved",
            "case_suspected",
        ),
        Transition(
            "avoided",
            "line_unfilled",
            "happened after the end: a new case, linked (back again)",
            "avoided",
            "case_suspected",
        ),
        Transition("dismissed", "source", "a new case, linked (back again)", "dismissed", "case_suspected"),
        Transition("resolved", "source", "a new case, linked (back again)", "resolved", "case_suspected"),
        Transition("avoided", "source", "a new case, linked (back again)", "avoided", "case_suspected"),
    )
)
