"""The executor's promises on both databases and in every kind of process; see `test_in_a_worker.py` for the worker."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest
import sqlalchemy as sa

from contracts.envelope import GENESIS, public_hash
from services.seedwork.clock import to_micros
from services.seedwork.failures import KeyReused
from services.seedwork.model import Refusal, derived_id
from services.seedwork.store.batch import (
    Batch,
    EventRow,
    IdempotencyGate,
    IdempotencyKey,
    InboxGate,
    PublicRow,
    TimerRow,
    Wanted,
)
from services.seedwork.store.errors import Conflict, StoreError
from services.seedwork.store.executor import Gate
from services.seedwork.store.keyring import Reached
from services.seedwork.store.mapper import event_hash
from services.seedwork.store.rendering import Prepared
from services.seedwork.store.sealer import seal
from services.seedwork.store.sealing import SealBroken
from services.seedwork.store.tables import events, idempotency, log, meta, public, timer
from services.seedwork.usecase import Answer, Decision, Load, UseCase
from tests.support.stands import do, do_all, loaded, race_until_answered
from tests.support.store import (
    BOX,
    FINAL,
    PASSING,
    PRICE,
    ItemAdded,
    add_item,
    arriving,
    chain_holds,
    close_box,
    events_of,
    move_item,
    new_key,
    open_box,
    public_of,
    set_price,
    work,
)

_STREAM = sa.bindparam("stream", type_=sa.Uuid())


def timers_of(database: Any, box: Any) -> list[dict[str, Any]]:
    query = Prepared(lambda _i: sa.select(timer).where(timer.c.stream_id == _STREAM))
    return query.read(database, stream=box)


# -- what happened is there


def test_what_was_decided_is_loaded_again(desk: Any) -> None:
    box = uuid4()
    do(desk, work(open_box(box)))
    outcome = do(desk, work(add_item(box)))

    found = loaded(desk, BOX.ref(box))
    assert (found.version, found.state.owner, found.state.items) == (2, "李雷", ("aspirin",))
    assert (outcome.status, outcome.body) == (201, {"item": "aspirin", "place": 1})


def test_every_process_reads_what_any_of_them_wrote(desk: Any, neighbour: Any) -> None:
    box = uuid4()
    do(desk, work(open_box(box)))
    do(neighbour, work(add_item(box)))

    assert loaded(desk, BOX.ref(box)) == loaded(neighbour, BOX.ref(box))


def test_several_streams_change_in_one_save_or_not_at_all(desk: Any, neighbour: Any, database: Any) -> None:
    source, target = uuid4(), uuid4()
    do(desk, work(move_item(source, target, "ibuprofen")))
    assert loaded(desk, BOX.ref(source)).state.quantity == -1
    assert loaded(desk, BOX.ref(target)).state.quantity == 1

    calls = []

    def decide(_moment: Any, first: Any, second: Any) -> Decision:
        calls.append(first.version)
        if len(calls) == 1:
            do(neighbour, work(add_item(target)))  # the second stream moves on under our feet
        added = [ItemAdded(item="x", quantity=1, unit="tablet")]
        return Decision.on(first, added).and_also(second, added)

    do(desk, work(UseCase((BOX.ref(source), BOX.ref(target)), decide)))

    assert calls == [1, 1], "decided again on a fresh load"
    assert loaded(desk, BOX.ref(source)).version == 2, "the first try left nothing"
    assert chain_holds(events_of(database, source))
    assert chain_holds(events_of(database, target))


def test_a_stream_that_was_only_read_must_not_have_changed(desk: Any, neighbour: Any) -> None:
    rule, box = uuid4(), uuid4()
    do(desk, work(open_box(box)))
    seen = []

    def decide(_moment: Any, reading: Any, writing: Any) -> Decision:
        seen.append(reading.version)
        if len(seen) == 1:
            do(neighbour, work(add_item(rule)))
        return Decision.on(writing, [ItemAdded(item=f"seen {reading.version}", quantity=1, unit="tablet")])

    do(desk, work(UseCase((BOX.ref(rule), BOX.ref(box)), decide)))

    assert seen == [0, 1]
    assert loaded(desk, BOX.ref(box)).state.items == ("seen 1",)


def test_a_relaxed_stream_may_change_meanwhile(desk: Any, neighbour: Any) -> None:
    rule, box = uuid4(), uuid4()
    seen = []

    def decide(_moment: Any, writing: Any, reading: Any) -> Decision:
        seen.append(reading.version)
        do(neighbour, work(add_item(rule)))
        return Decision.on(writing, [ItemAdded(item="a", quantity=1, unit="tablet")])

    do(desk, work(UseCase((BOX.ref(box),), decide, relaxed=(BOX.ref(rule),))))

    assert seen == [0]


def test_a_use_case_may_ask_for_more_while_it_decides(desk: Any) -> None:
    list_of, box = uuid4(), uuid4()
    do(desk, work(open_box(box)))
    do(desk, work(add_item(list_of, str(box))))

    def decide(_moment: Any, boxes: Any) -> Any:
        (found,) = yield Load.of(BOX.ref(box))
        return Decision.on(found, [ItemAdded(item=boxes.state.items[0], quantity=1, unit="tablet")])

    do(desk, work(UseCase((BOX.ref(list_of),), decide)))

    assert loaded(desk, BOX.ref(box)).state.items == (str(box),)


def test_what_a_decision_raises_passes_through_and_leaves_nothing(desk: Any) -> None:
    box = uuid4()

    def decide(_moment: Any, _loaded: Any) -> Decision:
        raise LookupError("broken rule")

    with pytest.raises(LookupError):
        do(desk, work(UseCase((BOX.ref(box),), decide), new_key()))

    assert do(desk, work(open_box(box))).status == 201, "the stream's lock is free again"


def test_a_use_case_over_too_many_streams_is_refused(desk: Any) -> None:
    use_case = UseCase(tuple(BOX.ref(uuid4()) for _ in range(101)), lambda *_: Decision.nothing())

    with pytest.raises(ValueError, match="job stream"):
        do(desk, work(use_case))


def test_the_limit_of_streams_counts_per_use_case_of_a_batch(desk: Any) -> None:
    def asking() -> UseCase:
        more = tuple(BOX.ref(uuid4()) for _ in range(10))

        def decide(_moment: Any, first: Any) -> Any:
            yield Load(more)
            return Decision.on(first, [ItemAdded(item="a", quantity=1, unit="tablet")])

        return UseCase((BOX.ref(uuid4()),), decide)

    works = [work(asking(), incoming=arriving(uuid4(), 1)) for _ in range(20)]

    assert [outcome.gate for outcome in do_all(desk, works)] == [Gate.NEXT] * 20


# -- the same request twice


def test_a_repeat_gets_the_first_answer_and_has_no_effect(desk: Any, neighbour: Any) -> None:
    box, key = uuid4(), new_key()
    first = do(desk, work(add_item(box), key))
    second = do(desk, work(add_item(box), key))
    elsewhere = do(neighbour, work(add_item(box), key))

    assert (second.status, second.body) == (elsewhere.status, elsewhere.body) == (first.status, first.body)
    assert [first.replayed, second.replayed, elsewhere.replayed] == [False, True, True]
    assert loaded(desk, BOX.ref(box)).version == 1


def test_a_repeat_of_a_final_refusal_is_refused_again_though_it_would_now_succeed(desk: Any) -> None:
    box, key = uuid4(), new_key()
    refused = do(desk, work(add_item(box, at_most=0), key))
    again = do(desk, work(add_item(box, at_most=5), key))

    assert refused.refusal == again.refusal == Refusal(FINAL, {"items": []})
    assert (again.status, again.replayed) == (409, True)
    assert loaded(desk, BOX.ref(box)).version == 0


def test_a_passing_refusal_is_not_kept(desk: Any) -> None:
    box, key = uuid4(), new_key()
    busy = UseCase((BOX.ref(box),), lambda *_: Decision.refused(Refusal(PASSING)))

    assert do(desk, work(busy, key)).status == 429
    assert do(desk, work(open_box(box), key)).status == 201


def test_a_key_stands_for_one_request_only(desk: Any) -> None:
    box, key = uuid4(), new_key()
    do(desk, work(add_item(box), key))

    with pytest.raises(KeyReused):
        do(desk, work(add_item(box), key, body=b"another"))

    assert loaded(desk, BOX.ref(box)).version == 1


def test_a_key_that_was_pruned_after_its_time_is_new_again(desk: Any, database: Any) -> None:
    box, key = uuid4(), new_key()
    do(desk, work(add_item(box), key))
    row = Prepared(lambda _i: sa.select(idempotency).where(idempotency.c.key == key)).read(database)[0]
    kept_for = timedelta(microseconds=row["expires_at"] - events_of(database, box)[0].recorded_at)
    assert kept_for == timedelta(days=3)

    database.write([Prepared(lambda _i: sa.delete(idempotency).where(idempotency.c.key == key)).bind(database)])

    assert not do(desk, work(add_item(box), key)).replayed
    assert loaded(desk, BOX.ref(box)).version == 2


def test_an_answer_is_kept_encrypted(desk: Any, database: Any) -> None:
    box, key = uuid4(), new_key()
    answer = Answer(201, {"told": "paracetamol-secretly"})
    do(desk, work(UseCase((BOX.ref(box),), lambda _m, _l: Decision.nothing(answer)), key))

    row = Prepared(lambda _i: sa.select(idempotency).where(idempotency.c.key == key)).read(database)[0]
    assert b"paracetamol" not in bytes(row["answer"])


def test_twins_at_the_same_moment_have_one_effect_and_one_answer(desk: Any) -> None:
    box, key = uuid4(), new_key()

    outcomes = race_until_answered(desk, [work(add_item(box), key) for _ in range(10)])

    assert [outcome.body for outcome in outcomes] == [{"item": "aspirin", "place": 1}] * 10
    assert sum(not outcome.replayed for outcome in outcomes) == 1
    assert loaded(desk, BOX.ref(box)).version == 1


# -- the gate of incoming events


def test_only_the_next_event_of_an_upstream_stream_is_decided(desk: Any) -> None:
    box, upstream = uuid4(), uuid4()

    def arrives(seq: int, content: str = "") -> Gate:
        return do(desk, work(add_item(box, f"{seq}{content}"), incoming=arriving(upstream, seq, content))).gate

    assert arrives(2) is Gate.EARLY
    assert arrives(1) is Gate.NEXT
    assert arrives(1) is Gate.DONE
    assert arrives(3) is Gate.EARLY
    assert arrives(2) is Gate.NEXT
    assert arrives(1) is Gate.DONE
    assert loaded(desk, BOX.ref(box)).state.items == ("1", "2")


def test_another_content_under_a_known_number_is_a_fork(desk: Any) -> None:
    box, upstream = uuid4(), uuid4()
    do(desk, work(add_item(box), incoming=arriving(upstream, 1)))

    assert do(desk, work(add_item(box), incoming=arriving(upstream, 1, "!"))).gate is Gate.FORK
    assert loaded(desk, BOX.ref(box)).version == 1


def test_the_next_number_with_another_past_is_a_fork(desk: Any) -> None:
    box, upstream = uuid4(), uuid4()
    do(desk, work(add_item(box), incoming=arriving(upstream, 1, "!")))

    assert do(desk, work(add_item(box), incoming=arriving(upstream, 2))).gate is Gate.FORK
    assert loaded(desk, BOX.ref(box)).version == 1


def test_an_event_without_effect_still_passes_its_gate(desk: Any) -> None:
    box, upstream = uuid4(), uuid4()
    nothing = UseCase((), lambda _moment: Decision.nothing())

    do(desk, work(nothing, incoming=arriving(upstream, 1)))

    assert do(desk, work(add_item(box), incoming=arriving(upstream, 2))).gate is Gate.NEXT


def test_the_refusal_of_a_reaction_is_an_effect(desk: Any) -> None:
    box, upstream = uuid4(), uuid4()

    def decide(_moment: Any, found: Any) -> Decision:
        noted = Decision.on(found, [ItemAdded(item="refused", quantity=0, unit="tablet")])
        return Decision(noted.changes, refusal=Refusal(FINAL))

    outcome = do(desk, work(UseCase((BOX.ref(box),), decide), incoming=arriving(upstream, 1)))

    assert outcome.refusal
    assert loaded(desk, BOX.ref(box)).state.items == ("refused",)
    assert do(desk, work(add_item(box), incoming=arriving(upstream, 1))).gate is Gate.DONE


def test_a_batch_of_events_is_one_save(desk: Any, database: Any) -> None:
    box, upstream, other = uuid4(), uuid4(), uuid4()
    works = [
        work(add_item(box, "1"), incoming=arriving(upstream, 1)),
        work(add_item(box, "2"), incoming=arriving(upstream, 2)),
        work(add_item(box, "early"), incoming=arriving(other, 2)),
        work(add_item(box, "again"), incoming=arriving(upstream, 2)),
    ]

    gates = [outcome.gate for outcome in do_all(desk, works)]

    assert gates == [Gate.NEXT, Gate.NEXT, Gate.EARLY, Gate.DONE]
    assert loaded(desk, BOX.ref(box)).state.items == ("1", "2")
    assert len({row.recorded_at for row in events_of(database, box)}) == 1
    assert do(desk, work(add_item(box, "3"), incoming=arriving(upstream, 3))).gate is Gate.NEXT


def test_a_batch_with_a_failing_member_has_no_effect_at_all(desk: Any) -> None:
    box, upstream = uuid4(), uuid4()

    def decide(_moment: Any, _loaded: Any) -> Decision:
        raise LookupError("poison")

    works = [
        work(add_item(box), incoming=arriving(upstream, 1)),
        work(UseCase((BOX.ref(box),), decide), incoming=arriving(upstream, 2)),
    ]
    with pytest.raises(LookupError):
        do_all(desk, works)

    assert do(desk, work(add_item(box), incoming=arriving(upstream, 1))).gate is Gate.NEXT
    assert loaded(desk, BOX.ref(box)).version == 1


# -- deadlines


def test_a_deadline_is_written_moved_and_cleared_with_the_events(desk: Any, database: Any) -> None:
    box = uuid4()
    do(desk, work(open_box(box, after=timedelta(hours=2))))
    due = to_micros(loaded(desk, BOX.ref(box)).state.closes_at)
    assert [(row["kind"], row["due_at"], row["attempts"]) for row in timers_of(database, box)] == [
        ("box/close", due, 0)
    ]

    do(desk, work(add_item(box)))
    assert [row["due_at"] for row in timers_of(database, box)] == [due], "not touched by what does not concern it"

    do(desk, work(close_box(box)))
    assert [row["due_at"] for row in timers_of(database, box)] == [None]


def test_the_stores_time_is_the_decisions_time_and_moves_with_its_offset(own_desk: Any) -> None:
    desk, database = own_desk
    seen = []

    def look(box: Any) -> UseCase:
        def decide(moment: Any, found: Any) -> Decision:
            seen.append(to_micros(moment.now))
            return Decision.on(found, [ItemAdded(item="a", quantity=1, unit="tablet")])

        return UseCase((BOX.ref(box),), decide)

    box, hour = uuid4(), 3_600_000_000
    do(desk, work(look(box)))
    offset = Prepared(lambda insert: insert(meta).values(name="clock_offset_us", value=hour))
    database.write([offset.bind(database)])
    do(desk, work(look(box)))

    assert hour <= seen[1] - seen[0] < hour + 60_000_000
    assert [row.recorded_at for row in events_of(database, box)] == seen
    assert database.load(Wanted()).now >= seen[1]


# -- what we said


def test_public_events_are_numbered_without_gaps_and_chained(desk: Any, database: Any) -> None:
    box = uuid4()
    do(desk, work(open_box(box)))
    for _ in range(3):
        do(desk, work(add_item(box)))
    do(desk, work(close_box(box)))  # private
    do(desk, work(add_item(box)))

    rows = public_of(database, box)

    assert [row["public_seq"] for row in rows] == list(range(1, 10))
    previous = GENESIS
    for row in rows:
        assert bytes(row["prev_hash"]) == previous
        previous = public_hash(previous, box, row["public_seq"], row["type"], bytes(row["body"]))
        assert bytes(row["hash"]) == previous
    sums = [orjson.loads(row["body"])["data"]["quantity"] for row in rows[1:] if b'"sum"' in bytes(row["body"])]
    assert sums == [1, 2, 3, 4], "each with the state after its own event"
    positions = [row["position"] for row in rows]
    assert positions == sorted(positions)
    assert len(set(positions)) == 5


def test_a_body_too_large_to_say_is_not_saved(desk: Any) -> None:
    box = uuid4()

    with pytest.raises(ValueError, match="at most 262144"):
        do(desk, work(add_item(box, "x" * 300_000)))

    assert loaded(desk, BOX.ref(box)).version == 0


def test_the_history_of_a_stream_is_chained(desk: Any, database: Any) -> None:
    box = uuid4()
    do(desk, work(open_box(box)))
    do_all(desk, [work(add_item(box, str(n)), incoming=arriving(uuid4(), 1)) for n in range(3)])

    rows = events_of(database, box)

    assert len(rows) == 4
    assert chain_holds(rows)
    assert not chain_holds([*rows[:2], EventRow(box, 3, rows[2].topic, b"{}", rows[2].hash, rows[2].recorded_at)])
    assert not chain_holds([rows[0], rows[2]])


# -- personal data


def test_no_personal_value_stands_in_the_store(desk: Any, database: Any, url: str) -> None:
    box, owner = uuid4(), f"欧阳{new_key()}"
    do(desk, work(open_box(box, owner=owner), new_key()))
    assert loaded(desk, BOX.ref(box)).state.owner == owner

    stored = [row.state for row in events_of(database, box)] + [bytes(row["body"]) for row in public_of(database, box)]
    needles = (owner.encode(), orjson.dumps(owner), ascii(owner)[1:-1].encode())
    assert not any(needle in state for state in stored for needle in needles)
    if url.startswith("sqlite"):
        path = url.removeprefix("sqlite:///")
        files = b"".join(Path(path + suffix).read_bytes() for suffix in ("", "-wal"))
        assert not any(needle in files for needle in needles)
        assert box.hex.encode() in files, "it is this file that holds the box"


def test_a_sealed_value_cannot_be_moved_to_another_place(desk: Any, database: Any) -> None:
    box, thief = uuid4(), uuid4()
    do(desk, work(open_box(box)))
    row = events_of(database, box)[0]
    bare = EventRow(thief, 1, row.topic, row.state, b"", row.recorded_at)
    moved = EventRow(thief, 1, row.topic, row.state, event_hash(GENESIS, bare), row.recorded_at)
    database.save(Batch(events=[moved]))

    with pytest.raises(SealBroken):
        loaded(desk, BOX.ref(thief))


def test_a_forgotten_patient_reads_as_nobody_and_the_chains_still_hold(desk: Any, database: Any) -> None:
    box, patient = uuid4(), uuid4()
    do(desk, work(open_box(box, patient=patient)))
    do(desk, work(add_item(box)))

    desk.run(desk.core.keyring.destroy([patient], "boxes", Reached(1, 1)))

    found = loaded(desk, BOX.ref(box))
    assert (found.version, found.state.owner, found.state.items) == (2, None, ("aspirin",))
    assert chain_holds(events_of(database, box))
    assert do(desk, work(add_item(box))).status == 201, "the stream goes on"


def test_nothing_more_is_kept_about_a_forgotten_patient(desk: Any, database: Any) -> None:
    patient, before, box = uuid4(), uuid4(), uuid4()
    do(desk, work(open_box(before, patient=patient)))
    desk.run(desk.core.keyring.destroy([patient], "boxes", Reached(1, 1)))

    do(desk, work(open_box(box, patient=patient, owner="韩梅梅")))

    assert loaded(desk, BOX.ref(box)).state.owner is None
    assert orjson.loads(events_of(database, box)[0].state)["event"]["owner"] is None


# -- what lasts


def test_an_event_of_an_older_version_is_read_as_todays(desk: Any, database: Any) -> None:
    box = uuid4()
    meta_of = {"actor": "a", "correlation_id": "", "causation_id": "", "traceparent": None}
    state = orjson.dumps(
        {"event": {"item": "old", "amount": 7}, "meta": {**meta_of, "public": 0, "public_seq": 0, "public_hash": ""}}
    )
    bare = EventRow(box, 1, ItemAdded.TOPIC, state, b"", 1)
    database.save(Batch(events=[EventRow(box, 1, ItemAdded.TOPIC, state, event_hash(GENESIS, bare), 1)]))
    do(desk, work(add_item(box, "new", quantity=2)))

    found = loaded(desk, BOX.ref(box)).state

    assert (found.items, found.quantity, found.units) == (("old", "new"), 9, ("piece", "tablet"))
    assert chain_holds(events_of(database, box))


@pytest.mark.parametrize("verb", ["update", "delete"])
@pytest.mark.parametrize("table", [events, log], ids=["events", "log"])
def test_history_cannot_be_changed(own_desk: Any, table: sa.Table, verb: str) -> None:
    desk, database = own_desk
    do(desk, work(open_box(uuid4())))
    seal(database)
    column = table.c.position
    statement = sa.delete(table) if verb == "delete" else sa.update(table).values(position=column + 1000)

    with pytest.raises(StoreError, match="append-only"):
        database.write([Prepared(lambda _i: statement).bind(database)])


def test_what_was_said_cannot_be_taken_back(desk: Any, database: Any) -> None:
    do(desk, work(open_box(uuid4())))

    with pytest.raises(StoreError, match="append-only"):
        database.write([Prepared(lambda _i: sa.delete(public)).bind(database)])


def test_a_cached_aggregate_is_never_stale(desk: Any, neighbour: Any) -> None:
    drug = derived_id("price", uuid4())
    do(desk, work(set_price(drug, 100)))
    assert loaded(desk, PRICE.ref(drug)).state == 100

    do(neighbour, work(set_price(drug, 90)))

    assert loaded(desk, PRICE.ref(drug)).state == 90
    do(desk, work(set_price(drug, 80)))
    assert (loaded(neighbour, PRICE.ref(drug)).version, loaded(neighbour, PRICE.ref(drug)).state) == (3, 80)


def test_a_cached_aggregate_loads_only_what_is_new(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    drug = derived_id("price", uuid4())
    for fen in range(1, 6):
        do(desk, work(set_price(drug, fen)))

    assert desk.core.cache.start(PRICE.ref(drug)).version == 5


# -- the parts of one save


@pytest.mark.parametrize("broken", ["event", "gate", "key", "asserted"])
def test_a_save_with_one_closed_door_leaves_nothing(database: Any, broken: str) -> None:
    taken, fresh_one, other, upstream, key = uuid4(), uuid4(), uuid4(), uuid4(), new_key()

    def event(stream: Any, version: int) -> EventRow:
        return EventRow(stream, version, "t", b"{}", b"h", 1)

    def kept(name: str) -> IdempotencyGate:
        return IdempotencyGate(IdempotencyKey("a", "r", name, b"b"), 200, b"", 0, 1)

    gate = InboxGate("u", upstream, 0, 1, b"h", 1)
    database.save(Batch(events=[event(taken, 1)], gates=[gate], idempotency=kept(key)))
    timer_row = TimerRow(fresh_one, "k", 5)
    said = PublicRow(fresh_one, 1, 1, "t", b"{}", GENESIS, b"h")
    door: dict[str, Any] = {
        "event": {"events": [event(fresh_one, 1), event(taken, 1)]},
        "gate": {"gates": [gate]},
        "key": {"idempotency": kept(key)},
        "asserted": {"asserted": {taken: 0}},
    }[broken]
    whole: dict[str, Any] = {
        "events": [event(fresh_one, 1)],
        "public": [said],
        "timers": [timer_row],
        "gates": [InboxGate("u", other, 0, 1, b"h", 1)],
        "idempotency": kept(new_key()),
        "asserted": {taken: 1},
    }

    with pytest.raises(Conflict):
        database.save(Batch(**whole | door))

    found = database.load(Wanted({fresh_one: 0}, whole["idempotency"].key, [("u", other)]))
    assert (dict(found.events), found.kept, found.inbox) == ({}, None, {})
    assert public_of(database, fresh_one) == timers_of(database, fresh_one) == []
    database.save(Batch(**whole))
    assert len(public_of(database, fresh_one)) == 1
