"""Integration events of the dispatch service, continued: trace codes."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import Field

from contracts.envelope import IntegrationEvent
from contracts.events.dispatch import Sha256
from contracts.values import ContractValue


class CodePlace(ContractValue):
    """Where and when a trace code was met."""

    pharmacy: str
    region: str = Field(description="GB/T 2260 division of the pharmacy; empty where it was not kept")
    at: datetime | None = Field(description="none for a sale from before moments were kept")
    supply_id: UUID | None = Field(default=None, description="the supply that had it, if one had")


class TraceCodeRepeated(IntegrationEvent):
    """A second sale of a trace code (药品追溯码), or its return at a place that did not sell it: refused, because one
    code is sold once (一码一销). It means fake, returned or swapped goods. Names no patient and no prescription.
    """

    TYPE: ClassVar[str] = "dispatch.trace_code_repeated.v1"
    FAMILY: ClassVar[str] = "trace"

    code_sha256: Sha256 = Field(description="of the code's normal form")
    product: str
    kind: Literal["sale", "return"]
    found: Literal["scanned", "opened", "sold", "locked", "spent"] = Field(description="what the registry knew of it")
    first: CodePlace
    second: CodePlace
