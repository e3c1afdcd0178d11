"""The condition of a store, for readiness: one query, one row, and what it means."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa

from services.seedwork.composition import Service
from services.seedwork.ports import Check
from services.seedwork.projector import live_index
from services.seedwork.store.drivers import Database
from services.seedwork.store.reading import RELAY
from services.seedwork.store.rendering import Prepared
from services.seedwork.store.tables import (
    CLOCK_OFFSET,
    HEARTBEAT_DUE,
    RESTORING,
    blocked,
    cursor,
    events,
    fresh,
    log,
    meta,
    poison,
)

UNSEALED_SECONDS_MAX = 5.0
UNPUBLISHED_SECONDS_MAX = 5.0
PROJECTION_SECONDS_MAX = 30.0
CONSUMING_SECONDS_MAX = 10.0
CONSUMING = "consuming_at"


def _count(table: sa.Table) -> Any:
    return sa.select(sa.func.count()).select_from(table).scalar_subquery()


def _tail() -> Any:
    return sa.select(sa.func.max(log.c.log_index)).scalar_subquery()


def _reached(name: str) -> Any:
    """Where a reader's cursor stands."""
    return sa.select(cursor.c.log_index).where(cursor.c.name == name).scalar_subquery()


def _sealed_after(reached: Any) -> Any:
    """When the first event after what a reader has reached was sealed."""
    return (
        sa.select(log.c.sealed_at)
        .where(log.c.log_index > sa.func.coalesce(reached, 0))
        .order_by(log.c.log_index)
        .limit(1)
        .scalar_subquery()
    )


_RESTORING = Prepared(lambda _i: sa.select(meta.c.value).where(meta.c.name == RESTORING))


def restoring(database: Database) -> bool:
    """Whether the store came back from a backup and has not been checked yet."""
    return bool(_RESTORING.read(database))


def condition_query(service: Service) -> Prepared:
    """The row `assess` reads."""
    oldest_fresh = sa.select(fresh.c.position).order_by(fresh.c.position).limit(1).scalar_subquery()
    columns: list[Any] = [
        sa.select(events.c.recorded_at).where(events.c.position == oldest_fresh).scalar_subquery().label("unsealed"),
        _sealed_after(_reached(RELAY)).label("unpublished"),
        (_count(fresh) + sa.func.coalesce(_tail(), 0) - sa.func.coalesce(_reached(RELAY), 0)).label("backlog"),
        _count(blocked).label("blocked"),
        sa.select(sa.func.count())
        .where(poison.c.settled.is_(None), poison.c.reason == "fork")
        .scalar_subquery()
        .label("forks"),
        sa.select(meta.c.value).where(meta.c.name == CONSUMING).scalar_subquery().label("consuming"),
        sa.select(meta.c.value).where(meta.c.name == RESTORING).scalar_subquery().label("restoring"),
    ]
    if service.heartbeat is not None:
        columns += [
            sa.select(meta.c.value).where(meta.c.name == name).scalar_subquery().label(name)
            for name in (HEARTBEAT_DUE, CLOCK_OFFSET)
        ]
    columns += [_sealed_after(live_index(p.name)).label(f"projection_{p.name}") for p in service.projections]
    return Prepared(lambda _insert: sa.select(*columns))


REVISIONS = Prepared(lambda _i: sa.select(sa.column("version_num", sa.Text)).select_from(sa.table("alembic_version")))
"""Where the migrations of this store stand; fails on a store that has never seen one."""


def at_head(reached: Collection[str], heads: Collection[str]) -> Check:
    """A store that is ahead is no failure: in a rolling update yesterday's processes run on today's tables."""
    numbers = dict(_branch_and_number(each) for each in reached)
    missing = sorted(
        head
        for head in heads
        for branch, number in (_branch_and_number(head),)
        if head not in reached and numbers.get(branch, -1) < number
    )
    detail = f"pending: {', '.join(missing)}; run `rxflow migrate`" if missing else "at head"
    return Check("migrations", not missing, detail)


def _branch_and_number(revision: str) -> tuple[str, int]:
    """`prescribe_0002`: revisions are named by their branch and counted."""
    branch, _, number = revision.rpartition("_")
    return branch, int(number)


def assess(row: Mapping[str, Any], now: int) -> list[Check]:
    """Ready: consuming, nothing unsealed or unpublished for long, no fork, no blocked stream, fresh projections."""

    def age(moment: int | None) -> float:
        return 0.0 if moment is None else (now - moment) / 1e6

    def fresh_enough(name: str, what: str, limit: float) -> Check:
        seconds = age(row[name])
        return Check(what, seconds <= limit, f"oldest {what} event is {max(seconds, 0):.1f} s old")

    checks = [
        fresh_enough("unsealed", "unsealed", UNSEALED_SECONDS_MAX),
        fresh_enough("unpublished", "unpublished", UNPUBLISHED_SECONDS_MAX),
        Check("blocked streams", not row["blocked"], f"{row['blocked']} streams wait for a person"),
        Check("forks", not row["forks"], f"{row['forks']} forks wait for a person"),
        Check("restored store", not row["restoring"], "waits for `rxflow restore-check`" if row["restoring"] else "no"),
    ]
    consuming = row["consuming"] is not None and age(row["consuming"]) <= CONSUMING_SECONDS_MAX
    checks.append(Check("consuming", consuming, "the worker consumes" if consuming else "no worker consumes"))
    if HEARTBEAT_DUE in row:
        checks.append(_alerting(row, now))
    for name in row:
        if name.startswith("projection_"):
            seconds = max(age(row[name]), 0)
            label = f"projection {name.removeprefix('projection_')}"
            checks.append(Check(label, seconds <= PROJECTION_SECONDS_MAX, f"{seconds:.1f} s behind"))
    return checks


def _alerting(row: Mapping[str, Any], now: int) -> Check:
    """Whether the last heartbeat came through in time; before the first was due, nothing is known against it."""
    due = row[HEARTBEAT_DUE]
    late = 0 if due is None else (now - (row[CLOCK_OFFSET] or 0) - due) / 1e6
    detail = "no heartbeat was due yet" if due is None else "heartbeats come through"
    return Check("alerting", late <= 0, detail if late <= 0 else f"a heartbeat is {late:.0f} s overdue")
