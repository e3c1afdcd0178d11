"""What holds of the store's pure parts for any input: sealing, mapping, chains, the inbox gate, the store's time."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from contracts.envelope import GENESIS
from services.seedwork.clock import from_micros, to_micros
from services.seedwork.model import PersonalClass
from services.seedwork.store.batch import EventRow
from services.seedwork.store.executor import Gate, Incoming
from services.seedwork.store.mapper import Fact, PydanticMapper, event_hash
from services.seedwork.store.sealing import Place, SealBroken, seal, unseal
from tests.support.store import BoxOpened, ItemAdded, chain_holds, link

KEY = AESGCM(bytes(32))
PATIENT = UUID(int=7)
KEYS = {(PATIENT, PersonalClass.IDENTITY): KEY}
PERSONAL = {"field": PersonalClass.IDENTITY}

json_values: st.SearchStrategy[Any] = st.recursive(
    st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda children: (
        st.lists(children, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), children, max_size=4)
    ),
    max_leaves=8,
)
places = st.builds(Place, st.uuids(), st.integers(1, 2**40), st.sampled_from(["a.b", "a.c"]))
moments = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive


@given(json_values, places)
def test_what_is_sealed_is_read_again_in_its_place(value: Any, place: Place) -> None:
    fields = {"field": value}
    seal(fields, PERSONAL, PATIENT, place, KEYS, os.urandom)
    unseal(fields, PERSONAL, PATIENT, place, KEYS)

    assert fields == {"field": value}


@given(json_values, places, places)
def test_what_is_sealed_is_read_in_no_other_place(value: Any, place: Place, other: Place) -> None:
    fields = {"field": value}
    seal(fields, PERSONAL, PATIENT, place, KEYS, os.urandom)

    if place != other:
        with pytest.raises(SealBroken):
            unseal(fields, PERSONAL, PATIENT, other, KEYS)


@given(st.text(st.characters(exclude_categories=["Cs"])), moments, st.integers(1, 2**40))
def test_an_event_survives_being_stored(owner: str, closes_at: datetime, version: int) -> None:
    mapper = PydanticMapper([BoxOpened, ItemAdded])
    event = BoxOpened(patient_ref=PATIENT, owner=owner, closes_at=closes_at)
    fact = Fact(UUID(int=1), version, event)

    stored = mapper.to_stored_event(fact, KEYS)

    assert mapper.to_domain_event(stored, KEYS).event == event
    assert len(owner) < 4 or owner.encode() not in stored.state


@given(moments)
def test_the_stores_time_is_exact(moment: datetime) -> None:
    assert from_micros(to_micros(moment)) == moment


rows = st.lists(
    st.tuples(st.sampled_from(["a", "b"]), st.binary(max_size=8), st.integers(0, 9)), min_size=1, max_size=6
)


def chained(contents: list[tuple[str, bytes, int]]) -> list[EventRow]:
    made: list[EventRow] = []
    previous = GENESIS
    for version, (topic, state, recorded_at) in enumerate(contents, start=1):
        bare = EventRow(UUID(int=1), version, topic, state, b"", recorded_at)
        previous = event_hash(previous, bare)
        made.append(EventRow(UUID(int=1), version, topic, state, previous, recorded_at))
    return made


@given(rows, st.data())
def test_no_row_of_a_chain_can_be_altered_or_left_out(
    contents: list[tuple[str, bytes, int]], data: st.DataObject
) -> None:
    chain = chained(contents)
    assert chain_holds(chain)
    nth = data.draw(st.integers(0, len(chain) - 1))
    row = chain[nth]
    altered = EventRow(row.stream_id, row.version, row.topic, row.state + b"!", row.hash, row.recorded_at)
    assert not chain_holds([*chain[:nth], altered, *chain[nth + 1 :]])
    if nth < len(chain) - 1:
        assert not chain_holds([*chain[:nth], *chain[nth + 1 :]])


@given(st.lists(st.integers(1, 8), max_size=60))
def test_however_events_arrive_each_passes_the_gate_once_and_in_order(arrivals: list[int]) -> None:
    last: tuple[int, bytes] | None = None
    passed: list[int] = []
    for seq in arrivals:
        incoming = Incoming("u", UUID(int=1), seq, link(seq - 1), link(seq), 1)
        gate = incoming.gate(last)
        seen = last[0] if last else 0
        assert gate is (Gate.NEXT if seq == seen + 1 else Gate.EARLY if seq > seen else Gate.DONE)
        if gate is Gate.NEXT:
            passed.append(seq)
            last = (seq, incoming.hash)

    assert passed == list(range(1, len(passed) + 1))


@given(st.integers(1, 9), st.integers(1, 9))
def test_a_rewritten_past_never_passes(seen: int, seq: int) -> None:
    last = (seen, link(seen, "!"))  # what was handled is not what the producer now says

    gate = Incoming("u", UUID(int=1), seq, link(seq - 1), link(seq), 1).gate(last)

    assert gate is not Gate.NEXT
    assert (gate is Gate.FORK) == (seq in {seen, seen + 1})
