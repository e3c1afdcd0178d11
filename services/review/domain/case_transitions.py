"""What a review case answers to in which state; everything else is refused."""

from __future__ import annotations

from services.seedwork.transitions import NOT_YET, Transition, Transitions

CASE_TRANSITIONS = Transitions(
    (
        Transition(NOT_YET, "prescription_issued", "newer than the current case", "opened", "-"),
        Transition(
            "opened",
            "Screen",
            "knowledge in force today; without readable content: degraded",
            "queued",
            "case_screened",
        ),
        Transition(
            "queued",
            "TakeCase",
            "licence and organisation in force today, of the prescription's institution, not the prescriber",
            "taken",
            "-",
        ),
        Transition("taken", "clock: lease", "", "queued", "-"),
        Transition("taken", "PutBack", "holder, lease runs", "queued", "-"),
        Transition(
            "taken",
            "PassCase",
            "holder, lease runs; no blocking finding; serious ones commented; signature over case and digest",
            "passed",
            "case_passed",
        ),
        Transition(
            "taken",
            "ReturnCase",
            "holder, lease runs; at least one official code, comment",
            "returned",
            "case_returned",
        ),
        Transition(
            "taken", "RefuseCase", "holder, lease runs; code of the serious list, reason", "refused", "case_refused"
        ),
        Transition(
            "queued", "prescription_issued", "a newer revision or confirmation", "closed (superseded)", "case_closed"
        ),
        Transition(
            "taken", "prescription_issued", "a newer revision or confirmation", "closed (superseded)", "case_closed"
        ),
        Transition("queued", "prescription_cancelled", "", "closed (withdrawn)", "case_closed"),
        Transition("taken", "prescription_cancelled", "", "closed (withdrawn)", "case_closed"),
        Transition("queued", "prescription_expired", "", "closed (lapsed)", "case_closed"),
        Transition("taken", "prescription_expired", "", "closed (lapsed)", "case_closed"),
    )
)
