"""Integration events of the dispatch service: what came back after the patient had it."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from contracts.events.dispatch import FulfilmentEvent
from contracts.values import LineBuckets, UndoneLine


class SupplyTakenBack(FulfilmentEvent):
    """The patient brought something back: bad, recalled, or the wrong thing. Never restocked (药品一经售出, 不得退换);
    its trace codes stay spent. The same pharmacy may supply again what went to `replaceable`."""

    TYPE: ClassVar[str] = "dispatch.supply_taken_back.v1"

    supply_id: UUID
    pharmacy: str
    lines: tuple[UndoneLine, ...]
    why: Literal["quality", "recall", "wrong_item"]
    replace_until: datetime
    buckets: tuple[LineBuckets, ...]
