"""Integration events about those who report to shortage: family `reporter`, one stream each. Silence is not zero
demand, and whoever contradicts itself should know it.
"""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal

from pydantic import Field

from contracts.envelope import IntegrationEvent


class ReporterAlert(IntegrationEvent):
    """A reporter is silent for longer than its habit makes likely, contradicts itself, or is heard of again."""

    TYPE: ClassVar[str] = "shortage.reporter_alert.v1"
    FAMILY: ClassVar[str] = "reporter"

    reporter: str = Field(description="code of the pharmacy, maker, wholesaler or institution")
    region: str
    kind: Literal["silent", "contradictory"]
    raised: bool = Field(description="false: it is over, which only a silence can be")
    since: date = Field(description="last day it was heard of; of a contradiction its day; of an end, today")
    against: str | None = Field(description="what it contradicts")
