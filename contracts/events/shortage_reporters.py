"""Integration events about those who report to shortage: family `reporter`, one stream each. Silence is not zero
demand, and whoever contradicts itself should know it.
"""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal

from pydantic import Field

from contracts.envelope import IntegrationEvent


class ReporterAlert(IntegrationEvent):
    """A reporter is silent for longer than its habit makes likely, contradicts itself, is heard of again or has left.
    Each kind of report that it brings is looked at for itself."""

    TYPE: ClassVar[str] = "shortage.reporter_alert.v1"
    FAMILY: ClassVar[str] = "reporter"

    reporter: str = Field(description="code of the pharmacy, maker, wholesaler or institution")
    region: str
    kind: Literal["silent", "contradictory"]
    raised: bool = Field(description="false: it is over, which only a silence can be")
    since: date = Field(description="last day it was heard of; of a contradiction its day; of an end, today")
    against: str | None = Field(description="what it contradicts")
    source: str | None = Field(
        default=None, description="the kind of report: direct_report, register; none: what its own systems tell"
    )
    left: bool = Field(default=False, description="of an end: nothing was heard of it, it has left its register")
