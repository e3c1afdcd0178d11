"""What an entry of a register says is read once, and never of an entry as it was before."""

from datetime import date

from contracts.registers import Insurer
from services.seedwork.reference import EntryRecorded, EntryState, evolve_entry

DAY = date(2026, 3, 2)


def recorded(name: str, *, suspended: bool = False) -> EntryRecorded:
    content = {"name": name, "region": "110000"}
    return EntryRecorded(kind="insurer", code="110000", content=content, valid_from=DAY, suspended=suspended)


def test_what_is_read_follows_each_change_of_the_entry() -> None:
    first = evolve_entry(EntryState(), recorded("before"))
    assert first.read(Insurer) is first.read(Insurer)

    second = evolve_entry(first, recorded("after", suspended=True))

    names = [read.name for state in (first, second) if (read := state.read(Insurer))]
    assert names == ["before", "after"]
    assert (first.in_force(DAY), second.in_force(DAY)) == (True, False)


def test_two_entries_that_say_the_same_are_equal_whether_they_were_read_or_not() -> None:
    read, unread = (evolve_entry(EntryState(), recorded("same")) for _ in range(2))
    assert read.read(Insurer)

    assert read == unread
    assert EntryState().read(Insurer) is None
