"""What a day's reconciliation asks of our side: of what an insurer pays, of what patients pay at a provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa

TOTALS = ("total", "fund", "account")


class OurSide(NamedTuple):
    """Items joined with what they are about: `whose` file they stand in (an insurer's code, a provider's channel), on
    which day they count, their signed `sums` by the names of `TOTALS`, and by what totals are told apart."""

    items: sa.Table
    about: sa.Table
    joined_by: str
    whose: sa.Column[Any]
    sums: Mapping[str, sa.ColumnElement[int]]
    apart: sa.Column[Any]

    def queries(self, prefix: str) -> dict[str, sa.Select[Any]]:
        """Totals of a day, these by `apart`, its items ascending by message id, and one message."""
        items, about = self.items.c, self.about.c
        joined = self.items.join(self.about, about[self.joined_by] == items[self.joined_by])
        of_day = (
            self.whose == sa.bindparam("insurer", type_=sa.Text),
            items.day == sa.bindparam("day", type_=sa.Text),
        )
        totals: tuple[Any, ...] = (sa.func.count().label("count"), *map(self._sum, TOTALS))
        message: tuple[Any, ...] = (
            items.message_id,
            about.claim_id,
            items.status,
            self.whose.label("insurer"),
            items.day,
            about.pharmacy,
            *(self.sums[name].label(name) for name in TOTALS),
        )
        return {
            f"{prefix}_totals_of_day": sa.select(*totals).select_from(joined).where(*of_day),
            f"{prefix}_schemes_of_day": sa.select(self.apart, *totals)
            .select_from(joined)
            .where(*of_day)
            .group_by(self.apart)
            .order_by(self.apart),
            f"{prefix}_items_of_day": sa.select(*message)
            .select_from(joined)
            .where(
                *of_day,
                items.message_id > sa.bindparam("after", type_=sa.Uuid),
                items.message_id <= sa.bindparam("upto", type_=sa.Uuid),
            )
            .order_by(items.message_id)
            .limit(sa.bindparam("limit", type_=sa.Integer)),
            f"{prefix}_message": sa.select(*message)
            .select_from(joined)
            .where(items.message_id == sa.bindparam("message_id", type_=sa.Uuid)),
        }

    def _sum(self, name: str) -> sa.Label[int]:
        # PostgreSQL sums bigints to numeric; fen are whole numbers everywhere.
        return sa.cast(sa.func.coalesce(sa.func.sum(self.sums[name]), 0), sa.BigInteger).label(name)
