"""The quantities of a prescription by instalment, and what ends outside of any: the identity holds over all of them.

`prescribed = sum over the instalments of (remaining + held + ... + lapsed) + what never opened`
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from services.prescribe.domain.buckets import Buckets, Told, by_line, cancelled, lapsed, prescribed
from services.prescribe.domain.plan import Plan
from services.prescribe.domain.values import BUCKETS, Bucket, Line, LineBuckets, LineQuantity

Quantities = Mapping[int, int]
"""By line number."""


@dataclass(frozen=True)
class Parts:
    """`instalments`: the buckets of each, by number; `apart`: quantities of instalments that never opened."""

    instalments: Mapping[int, Buckets]
    apart: Buckets

    @classmethod
    def of(cls, lines: tuple[Line, ...], plan: Plan | None) -> Parts:
        """Everything remains, in equal instalments."""
        count = plan.instalments if plan else 1
        each = [LineQuantity(line=line.line, quantity=line.quantity // count) for line in lines]
        return cls(
            {number: prescribed(each) for number in range(1, count + 1)},
            {line.line: LineBuckets(line=line.line) for line in lines},
        )

    @property
    def total(self) -> dict[int, LineBuckets]:
        """All of it, per line."""
        every = (self.apart, *self.instalments.values())
        return {line: _sum(line, [each[line] for each in every if line in each]) for line in self.apart}

    def told(self, number: int, told: Told) -> Parts:
        """What dispatch says of one instalment."""
        return replace(self, instalments={**self.instalments, number: {**self.instalments[number], **by_line(told)}})

    def known_to_dispatch(self, number: int) -> Buckets:
        """The lines of an instalment that were opened: of the others there was nothing left."""
        return {line: each for line, each in self.instalments[number].items() if each.total}

    def lapsed(self, number: int) -> Parts:
        return self.told(number, lapsed(self.instalments[number].values()))

    def all_lapsed(self) -> Parts:
        parts = self
        for number in self.instalments:
            parts = parts.lapsed(number)
        return parts

    def all_cancelled(self) -> Parts:
        parts = self
        for number, buckets in self.instalments.items():
            parts = parts.told(number, cancelled(buckets))
        return parts

    def never_opened(self, numbers: Iterable[int], quantities: Quantities) -> Parts:
        """These quantities leave the unopened instalments, the last one first, as cancelled."""
        left = dict(quantities)
        instalments = dict(self.instalments)
        for number in sorted(numbers, reverse=True):
            buckets = dict(instalments[number])
            for line, each in buckets.items():
                taken = min(left.get(line, 0), each.remaining)
                buckets[line] = each.model_copy(update={"remaining": each.remaining - taken})
                left[line] = left.get(line, 0) - taken
            instalments[number] = buckets
        apart = {
            line: each.model_copy(update={"cancelled": each.cancelled + quantities.get(line, 0)})
            for line, each in self.apart.items()
        }
        return Parts(instalments, apart)


NOTHING = Parts({}, {})
"""Before anything is signed."""


def quantities(buckets: Iterable[Buckets], bucket: Bucket) -> dict[int, int]:
    """How much of each line is in a bucket, over several instalments."""
    found: dict[int, int] = {}
    for each in buckets:
        for line, row in each.items():
            found[line] = found.get(line, 0) + row.of(bucket)
    return found


def as_lines(amounts: Quantities) -> tuple[LineQuantity, ...]:
    return tuple(LineQuantity(line=line, quantity=amount) for line, amount in sorted(amounts.items()) if amount)


def _sum(line: int, rows: list[LineBuckets]) -> LineBuckets:
    return LineBuckets(line=line, **{bucket: sum(row.of(bucket) for row in rows) for bucket in BUCKETS})
