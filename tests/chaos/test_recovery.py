"""When the system is said to work again, what was refused meanwhile, and the table of it all."""

from __future__ import annotations

from tests.chaos.faults import FAULTS
from tests.chaos.figures import Outcome, figures, table, verdict
from tests.chaos.memory import Growth
from tests.chaos.notes import Breach, Refusal
from tests.chaos.recovery import Committed, Look, last_failing, recovered_at

DOWN = {"review": {"process": "no answer"}}
FEW = {name: FAULTS[name] for name in ("api killed", "broker killed")}


def test_it_works_again_when_all_are_ready_and_something_begun_since_was_settled() -> None:
    looks = [Look(9, {}), Look(11, DOWN), Look(13, {}), Look(14, {})]

    assert recovered_at(10, 12, looks, [(10.5, 17)]) == 17
    assert recovered_at(10, 12, looks, [(10.5, 12.5)]) == 13


def test_what_was_begun_before_or_ended_before_it_was_lifted_proves_nothing() -> None:
    looks = [Look(13, {})]

    assert recovered_at(10, 12, looks, [(9.9, 17), (10.5, 11)]) is None


def test_it_does_not_while_somebody_is_not_ready() -> None:
    assert recovered_at(10, 12, [Look(13, DOWN)], [(10.5, 17)]) is None


def test_what_was_waited_for_last_is_named() -> None:
    looks = [Look(9, {"review": {"store": ""}}), Look(11, DOWN), Look(13, {})]

    assert last_failing(10, 13, looks) == "review process"
    assert last_failing(12, 13, looks) == ""


def test_figures_say_how_often_how_long_and_what_meanwhile() -> None:
    committed = [
        Committed("api killed", "review-api", 10, 10, recovered_at=14),
        Committed("api killed", "review-api", 50, 50, recovered_at=58),
        Committed("broker killed", "rabbit", 30, 32),
    ]
    refusals = [Refusal(11, "review", "no answer"), Refusal(20, "review", "no answer"), Refusal(57, "review", "x")]
    breaches = [Breach("lost", "it", 33), Breach("doubled", "them", 12), Breach("wrong", "that", 12)]

    api, broker = figures(FEW, committed, refusals, breaches, ended_at=100)

    assert (api.times, api.recovered, api.median_seconds, api.max_seconds) == (2, 2, 6.0, 8.0)
    assert (api.refused, api.lost, api.doubled) == (2, 0, 1)
    assert (broker.times, broker.recovered, broker.median_seconds, broker.refused, broker.lost) == (1, 0, None, 1, 1)


def outcome(**changes: object) -> Outcome:
    fields: dict[str, object] = {
        "seed": 1,
        "minutes": 1,
        "every": 20,
        "rate": 1,
        "figures": figures(FEW, [Committed("api killed", "review-api", 1, 1, recovered_at=4)], [], [], 9),
        "not_run": {},
        "troubles": [],
        "breaches": [],
        "memory": [Growth("review-api", 1, 8e7, 8e7, 0.0, True)],
        "load": {"started": 5, "held back": 0, "endings": {"settled": 5}},
        "calls": {"calls": 100, "invalid calls": 10, "double clicks": 3, "accepted commands": 50},
        "checks": {"verify review": ""},
    }
    return Outcome(**{**fields, **changes})  # type: ignore[arg-type]


def test_a_calm_run_passes_and_its_table_says_so() -> None:
    calm = outcome()

    assert calm.passed
    assert "| api killed | a command is saved once or not at all, and its repeat learns which | 1 | 0 | 3 / 3 |" in (
        table(calm, FEW).replace("3.0", "3")
    )
    assert verdict(calm)[-1] == "passed"
    assert calm.as_json()["lost"] == 0


def test_anything_lost_grown_or_left_over_fails_it() -> None:
    grown = Growth("review-api", 1, 8e7, 2e8, 1.5, False)

    for worse in (
        outcome(breaches=[Breach("lost", "it")]),
        outcome(breaches=[Breach("wrong", "it")]),
        outcome(memory=[grown]),
        outcome(checks={"verify review": "a chain is broken"}),
        outcome(troubles=["api killed: not lifted"]),
    ):
        assert not worse.passed
        assert verdict(worse)[-1] == "FAILED"


def test_an_end_that_nobody_saw_is_told() -> None:
    never = figures(FEW, [Committed("api killed", "review-api", 1, 1)], [], [], 9)

    assert "(1 not seen)" in table(outcome(figures=never), FEW)
