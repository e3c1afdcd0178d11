"""Checkpoints: signed Merkle roots over the sealed log, kept here and, as witness, in another store.

A hash chain per stream finds a changed event, but neither a deleted stream nor a cut tail; the roots do. Leaf n is the
hash of log index n. Each statement names the digest of the one before, so none can be taken out. Everything after the
last one is the open tail, which verification shows. The tree is that of RFC 6962 (leaves 0x00, nodes 0x01).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import orjson
import sqlalchemy as sa

from services.seedwork.clock import from_micros
from services.seedwork.model import Refusal
from services.seedwork.signing import sign_compact, verify_compact
from services.seedwork.store import reading
from services.seedwork.store.batch import EventRow, Statement, Wanted
from services.seedwork.store.drivers import Database
from services.seedwork.store.errors import Conflict
from services.seedwork.store.mapper import GENESIS, event_hash
from services.seedwork.store.rendering import Prepared
from services.seedwork.store.tables import checkpoint, events, log, witness

LEAVES_MAX = 1000
SECONDS_MAX = 60
KID = "checkpoint"
SIGNER = "checkpoint"
"""The cursor of the last piece signed: two pieces that begin at the same place would both be genuine."""
PAGE = 2000

_AFTER = sa.bindparam("after_", type_=sa.BigInteger)
_UPTO = sa.bindparam("upto_", type_=sa.BigInteger)
_LAST = Prepared(lambda _i: sa.select(checkpoint).order_by(checkpoint.c.upto.desc()).limit(1))
_KEPT = Prepared(
    lambda _i: (
        sa.select(checkpoint)
        .where(checkpoint.c.upto > _AFTER)
        .order_by(checkpoint.c.upto)
        .limit(sa.bindparam("page", type_=sa.BigInteger))
    )
)
_STATEMENTS = Prepared(
    lambda _i: sa.select(checkpoint.c.upto, checkpoint.c.statement).where(
        checkpoint.c.upto > _AFTER, checkpoint.c.upto <= _UPTO
    )
)
_LEAVES = Prepared(
    lambda _i: (
        sa.select(events.c.hash)
        .join_from(log, events, log.c.position == events.c.position)
        .where(log.c.log_index > _AFTER, log.c.log_index <= _UPTO)
        .order_by(log.c.log_index)
    )
)
_KEEP = Prepared(lambda insert: insert(checkpoint))
_WITNESS = Prepared(lambda insert: insert(witness).on_conflict_do_nothing())
_WITNESSED = Prepared(
    lambda _i: (
        sa.select(witness.c.upto, witness.c.statement)
        .where(witness.c.store == sa.bindparam("store_", type_=sa.Text), witness.c.upto > _AFTER)
        .order_by(witness.c.upto)
        .limit(sa.bindparam("page", type_=sa.BigInteger))
    )
)
_EVENTS = Prepared(
    lambda _i: (
        sa.select(*[events.c[name] for name in EventRow._fields], events.c.position)
        .where(events.c.position > _AFTER)
        .order_by(events.c.position)
        .limit(sa.bindparam("page", type_=sa.BigInteger))
    )
)


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """The root over these leaves, as RFC 6962 defines it."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + merkle_root(leaves[:half]) + merkle_root(leaves[half:])).digest()


class Checkpoints:
    """Signs what the log holds. Only the leader runs it."""

    def __init__(self, store: str, database: Database, other_store: Database, private_jwk: Mapping[str, Any]) -> None:
        self._store = store
        self._database = database
        self._other_store = other_store
        self._jwk = private_jwk

    def step(self) -> bool:
        """One more checkpoint when 1,000 leaves wait, or one leaf for 60 s; whether there may be more."""
        last = _LAST.read(self._database)
        after = last[0]["upto"] if last else 0
        upto = min(reading.tail(self._database), after + LEAVES_MAX)
        now = self._database.load(Wanted()).now
        ripe = upto - after == LEAVES_MAX or (last and now - last[0]["signed_at"] >= SECONDS_MAX * 1_000_000)
        if upto == after or not (ripe or not last):
            return False
        leaves = [bytes(row["hash"]) for row in _LEAVES.read(self._database, after_=after, upto_=upto)]
        content = {
            "store": self._store,
            "after": after,
            "upto": upto,
            "root": merkle_root(leaves).hex(),
            "previous": digest_of(last[0]["statement"]) if last else None,
            "signed_at": from_micros(now).isoformat(),
        }
        statement = sign_compact(orjson.dumps(content), self._jwk, KID)
        row = {"upto": upto, "after": after, "statement": statement, "signed_at": now}
        piece = reading.Range(after, upto)
        signs = reading.opened_at(self._database, SIGNER, after), reading.advance(self._database, SIGNER, piece)
        try:
            self._database.write([*signs, _KEEP.bind(self._database, **row)])
        except Conflict:  # another leader overlapped and has signed from there on: its piece counts
            return True
        # the one before too: a crash may have come between the two stores
        told = [*last, row]
        self._other_store.write([self._witness(each["upto"], each["statement"]) for each in told])
        return upto - after == LEAVES_MAX

    def _witness(self, upto: int, statement: str) -> Statement:
        return _WITNESS.bind(self._other_store, store=self._store, upto=upto, statement=statement)


def digest_of(statement: str) -> str:
    return hashlib.sha256(statement.encode()).hexdigest()


@dataclass(frozen=True)
class PublicKey:
    """The checkpoint key as the signature check takes it."""

    jwk: Mapping[str, Any]
    kid: str = KID
    certificate: str | None = None
    valid_from: date = date.min
    valid_until: date = date.max


@dataclass
class Verdict:
    """What verification found. `open_tail`: events after the last checkpoint, which nobody has signed for yet."""

    events: int = 0
    streams: int = 0
    checkpoints: int = 0
    open_tail: int = 0
    faults: list[str] = field(default_factory=list)


def verify(store: str, database: Database, other_store: Database, public_jwk: Mapping[str, Any]) -> Verdict:
    """Checks every stream's chain, every checkpoint's root and signature, and the witness: by the public key alone."""
    verdict = Verdict()
    _verify_chains(database, verdict)
    verdict.faults += _contradicted(store, database, other_store)
    before: dict[str, Any] | None = None
    for row in _all_checkpoints(database):
        fault = _fault_of(store, database, before, row, public_jwk)
        if fault:
            verdict.faults.append(f"checkpoint up to {row['upto']}: {fault}")
        verdict.checkpoints, before = verdict.checkpoints + 1, row
    verdict.open_tail = reading.tail(database) - (before["upto"] if before else 0)
    return verdict


def _all_checkpoints(database: Database) -> Iterator[dict[str, Any]]:
    after = 0
    while rows := _KEPT.read(database, after_=after, page=PAGE):
        yield from rows
        after = rows[-1]["upto"]


def _contradicted(store: str, database: Database, other_store: Database) -> Iterator[str]:
    after = 0
    while rows := _WITNESSED.read(other_store, store_=store, after_=after, page=PAGE):
        last = rows[-1]["upto"]
        kept = {row["upto"]: row["statement"] for row in _STATEMENTS.read(database, after_=after, upto_=last)}
        for row in rows:
            if kept.get(row["upto"]) != row["statement"]:
                yield f"the witness knows another checkpoint up to {row['upto']}"
        after = last


def _fault_of(store: str, database: Database, before: Any, row: Any, public_jwk: Mapping[str, Any]) -> str | None:
    genuine = verify_compact(row["statement"], [PublicKey(public_jwk)], from_micros(row["signed_at"]).date())
    if isinstance(genuine, Refusal):
        return genuine.code
    content = orjson.loads(genuine.payload)
    leaves = [bytes(leaf["hash"]) for leaf in _LEAVES.read(database, after_=row["after"], upto_=row["upto"])]
    expected = {
        "store": store,
        "after": before["upto"] if before else 0,
        "upto": row["upto"],
        "root": merkle_root(leaves).hex(),
        "previous": digest_of(before["statement"]) if before else None,
    }
    wrong = [name for name, value in expected.items() if content.get(name) != value]
    return f"{', '.join(wrong)} differ" if wrong else None


def _verify_chains(database: Database, verdict: Verdict) -> None:
    tails: dict[Any, tuple[int, bytes]] = {}
    for row in _all_events(database):
        version, prev = tails.get(row.stream_id, (0, GENESIS))
        if row.version != version + 1:
            verdict.faults.append(f"stream {row.stream_id}: version {version + 1} is missing")
        elif bytes(row.hash) != event_hash(prev, row):
            verdict.faults.append(f"stream {row.stream_id}: version {row.version} was altered")
        tails[row.stream_id] = (row.version, bytes(row.hash))
        verdict.events += 1
    verdict.streams = len(tails)


def _all_events(database: Database) -> Iterator[EventRow]:
    after = 0
    while rows := _EVENTS.read(database, after_=after, page=PAGE):
        for row in rows:
            after = row.pop("position")
            yield EventRow(**{**row, "state": bytes(row["state"])})
