"""Reporters: how they stand, and alerts about them: silent until they are heard of again or have left,
contradicting themselves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import sqlalchemy as sa

from services.seedwork.clock import to_micros
from services.seedwork.projection import Operation, Projection, Put, Recorded, Remove
from services.seedwork.reference import EntryRecorded
from services.shortage.domain.reporter import ReporterAlerted, ReporterHeard, ReporterLeft, leaving
from services.shortage.projections import METADATA

SYSTEMS = ""
"""The source of those whose own systems tell."""

ALERTS = sa.Table(
    "reporter_alerts",
    METADATA,
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("reporter", sa.Text, nullable=False),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("since", sa.Text, nullable=False),
    sa.Column("against", sa.Text),
    sa.Column("raised_at", sa.BigInteger, nullable=False),
    sa.Column("source", sa.Text, nullable=False, server_default=SYSTEMS),
    sa.Index("reporter_alerts_of", "reporter", "kind"),
)
REPORTERS = sa.Table(
    "reporters",
    METADATA,
    sa.Column("reporter", sa.Text, primary_key=True),
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("trust", sa.Text),
    sa.Column("last", sa.Text),
    sa.Column("awaited_by", sa.BigInteger),
    sa.Column("silent_since", sa.Text),
    sa.Column("contradicted", sa.Text),
    sa.Index("reporters_by_region", "region"),
)
"""`last` none: never heard of. `awaited_by` none: nobody knows when it is heard of next."""
_within = sa.bindparam("within", type_=sa.Text)
_limit = sa.bindparam("limit", type_=sa.Integer)
LISTED = (
    sa.select(ALERTS)
    .where(ALERTS.c.region.like(_within.concat("%")), ALERTS.c.position < sa.bindparam("before", type_=sa.BigInteger))
    .order_by(ALERTS.c.position.desc())
    .limit(_limit)
)
STATE = sa.case(
    (REPORTERS.c.last.is_(None), "unknown"), (REPORTERS.c.silent_since.is_not(None), "silent"), else_="reporting"
)
_wanted, _own = sa.bindparam("state", type_=sa.Text), sa.bindparam("own", type_=sa.Text)
_after = sa.tuple_(sa.bindparam("after", type_=sa.Text), sa.bindparam("after_source", type_=sa.Text))
STANDING = (
    sa.select(REPORTERS, STATE.label("state"))
    .where(
        REPORTERS.c.region.like(_within.concat("%")),
        sa.or_(_own == "", _own == REPORTERS.c.reporter),
        sa.or_(_wanted == "", _wanted == STATE),
        sa.tuple_(REPORTERS.c.reporter, REPORTERS.c.source) > _after,
    )
    .order_by(REPORTERS.c.reporter, REPORTERS.c.source)
    .limit(_limit)
)
"""`own`: of this reporter only; empty: of all. `state` empty: in any."""


def project(recorded: Recorded) -> Iterator[Operation]:
    match recorded.event:
        case ReporterAlerted() as alert:
            named = {"reporter": alert.reporter, "source": alert.source or SYSTEMS}
            since = alert.since.isoformat()
            shown = alert.model_dump(include={"region", "kind", "against"})
            row = {**named, **shown, "since": since, "position": recorded.log_index}
            yield Put(ALERTS, {**row, "raised_at": to_micros(alert.raised_at)})
            changed = {"silent_since": since, "awaited_by": None} if alert.kind == "silent" else {"contradicted": since}
            yield Put(REPORTERS, {**named, "region": alert.region, **changed})
        case ReporterHeard() as told:
            named = {"reporter": told.reporter, "source": told.source or SYSTEMS}
            yield Remove(ALERTS, {**named, "kind": "silent"})
            awaited_by = None if told.silent_at is None else to_micros(told.silent_at)
            heard = {"trust": told.trust, "last": told.day.isoformat(), "awaited_by": awaited_by, "silent_since": None}
            yield Put(REPORTERS, {**named, "region": told.region, **heard})
        case ReporterLeft() as left:
            yield from _gone(left.reporter, left.source or SYSTEMS)
        case EntryRecorded(kind="pharmacy") as entry if _ended(entry, recorded.recorded_at):
            yield from _gone(entry.code, SYSTEMS)
        case EntryRecorded(kind="pharmacy") as entry:
            yield Put(REPORTERS, {"reporter": entry.code, "source": SYSTEMS, "region": entry.content.get("region")})


def _ended(entry: EntryRecorded, now: datetime) -> bool:
    end = leaving(now, valid_until=entry.valid_until, suspended=entry.suspended)
    return end is not None and end <= now


def _gone(reporter: str, source: str) -> Iterator[Operation]:
    """Nobody waits for its word. That it once contradicted itself stays told."""
    yield Remove(ALERTS, {"reporter": reporter, "source": source, "kind": "silent"})
    yield Remove(REPORTERS, {"reporter": reporter, "source": source})


PROJECTION = Projection(
    name="reporter_alerts",
    tables=(ALERTS, REPORTERS),
    project=project,
    queries={"reporter_alerts": LISTED, "reporters": STANDING},
    version=3,
)
