"""The transition table of a prescription names real states, commands and events."""

import pytest

from contracts.events import EVENTS
from services.prescribe.composition import SERVICE
from services.prescribe.domain import commands
from services.prescribe.domain.prescription_transitions import PRESCRIPTION_TRANSITIONS
from services.prescribe.domain.values import FINAL, Status
from services.seedwork.transitions import Transition

NAMES = {name.split(".")[1] for name in EVENTS}


@pytest.mark.parametrize("row", PRESCRIPTION_TRANSITIONS.rows, ids=lambda row: f"{row.state} {row.trigger}")
def test_a_row_names_what_exists(row: Transition) -> None:
    clocks = {f"clock: {kind}" for aggregate, kind in SERVICE.timers if aggregate in {"prescription", "register"}}

    assert row.state in set(Status)
    assert row.trigger in NAMES | clocks or hasattr(commands, row.trigger)


def test_no_command_leads_out_of_an_end() -> None:
    out = [row for row in PRESCRIPTION_TRANSITIONS.rows if row.state in FINAL and not row.next.startswith("same")]

    assert out == []


def test_no_row_is_written_twice() -> None:
    rows = [(row.state, row.trigger) for row in PRESCRIPTION_TRANSITIONS.rows]

    assert len(rows) == len(set(rows))
