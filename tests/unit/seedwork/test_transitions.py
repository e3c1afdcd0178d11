"""A transition table allows what it lists and nothing else."""

from services.seedwork.transitions import Transition, Transitions

TABLE = Transitions((Transition("open", "Close", "nobody waits", "closed", "closed.v1"),))


def test_a_listed_trigger_is_allowed_in_its_state_only() -> None:
    assert TABLE.allows("open", "Close")
    assert not TABLE.allows("closed", "Close")
    assert not TABLE.allows("open", "Open")
