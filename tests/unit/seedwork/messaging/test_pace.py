"""The pace of a loop."""

from __future__ import annotations

import threading

import pytest

from services.seedwork.messaging.pace import Pace, WakeUp


def test_a_loop_goes_on_at_once_while_there_is_more_and_rests_when_there_is_none() -> None:
    pace = Pace(idle_seconds=1.5)
    assert pace.after_step(more=True) == 0
    assert pace.after_step(more=False) == 1.5


def test_errors_double_the_pause_up_to_the_limit_and_success_forgets_them() -> None:
    pace = Pace(idle_seconds=1, jitter=lambda: 1.0)
    assert [pace.after_error() for _ in range(4)] == [0.1, 0.2, 0.4, 0.8]
    for _ in range(30):
        last = pace.after_error()
    assert last == 10.0
    pace.after_step(more=False)
    assert pace.after_error() == 0.1


@pytest.mark.parametrize(("draw", "share"), [(0.0, 0.5), (1.0, 1.0)])
def test_jitter_spreads_the_pause_over_its_second_half(draw: float, share: float) -> None:
    assert Pace(idle_seconds=1, jitter=lambda: draw).after_error() == pytest.approx(0.1 * share)


def test_a_wake_up_ends_the_wait_once() -> None:
    wake_up = WakeUp()
    thread = threading.Thread(target=wake_up.set)
    thread.start()
    wake_up.wait(30)
    thread.join()
    wake_up.wait(0)
