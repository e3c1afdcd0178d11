"""What a review case answers to in which state; everything else is refused."""

from __future__ import annotations

from services.seedwork.transitions import NOT_YET, Transition, Transitions

OPEN = ("queued", "taken", "second_wanted")
"""Somebody still has to decide."""
_ENDS = (
    ("prescription_issued", "a newer revision or confirmation", "closed (superseded)"),
    ("prescription_cancelled", "", "closed (withdrawn)"),
    ("prescription_expired", "", "closed (lapsed)"),
)
_MAY_REVIEW = (
    "licence and organisation in force today, of the prescription's institution or one that reviews for it by an "
    "agreement in force, not the prescriber"
)
_RETURN = "at least one official code, comment"
_REFUSE = "code of the serious list, reason"
_SIGNED = "no blocking finding; serious ones confirmed or commented; signature over case and digest"

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
        Transition("queued", "TakeCase", _MAY_REVIEW, "taken", "-"),
        Transition("taken", "clock: lease", "", "queued", "-"),
        Transition("taken", "PutBack", "holder, lease runs", "queued", "-"),
        Transition("taken", "TakeOver", "a supervisor who may review it", "taken (by another)", "-"),
        *(
            Transition("queued", "PassBatch", f"no finding above info, not degraded; {_SIGNED}", next_, emits)
            for next_, emits in (("passed", "case_passed"), ("second_wanted", "-"))
        ),
        *(
            Transition("taken", "PassCase", f"holder, lease runs; {_SIGNED}{policy}", next_, emits)
            for policy, next_, emits in (
                ("", "passed", "case_passed"),
                ("; policy wants a second reviewer", "second_wanted", "-"),
            )
        ),
        Transition("taken", "ReturnCase", f"holder, lease runs; {_RETURN}", "returned", "case_returned"),
        Transition("taken", "RefuseCase", f"holder, lease runs; {_REFUSE}", "refused", "case_refused"),
        Transition("second_wanted", "PassCase", f"another person; {_SIGNED}", "passed", "case_passed"),
        Transition("second_wanted", "ReturnCase", f"another person; {_RETURN}", "returned", "case_returned"),
        Transition("second_wanted", "RefuseCase", f"another person; {_REFUSE}", "refused", "case_refused"),
        Transition("passed", "SampleCase", "chance at the pass, or who may review it", "passed", "-"),
        Transition("passed", "supply_refused", "not sampled yet", "passed (sampled)", "-"),
        Transition("passed", "CommentCase", "sampled, not yet commented; another than who passed it", "passed", "-"),
        Transition("passed", "substitution_proposed", "once per proposal", "passed", "substitute_screened"),
        Transition("passed", "instalment_opened", "from the second on", "passed (screened again)", "rescreen_found"),
        *(Transition(state, "clock: deadline", "", f"{state} (level + 1)", "case_escalated") for state in OPEN),
        *(Transition(state, trigger, guard, next_, "case_closed") for trigger, guard, next_ in _ENDS for state in OPEN),
    )
)
