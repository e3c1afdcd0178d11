"""Integration events of the daily close with a payer (对账): family `reconciliation`, one stream per payer and day.

No patient is in them: a difference names a message, and the claim where one is known.
"""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import Field

from contracts.envelope import IntegrationEvent
from contracts.values import ContractValue

DifferenceKind = Literal["only_ours", "amount", "unanswered", "refused", "other_day", "unknown", "doubled"]
DifferenceAnswer = Literal["insurer_books", "insurer_corrects", "insurer_takes_back", "pharmacy_bears", "agreed_since"]


class BookedAmounts(ContractValue):
    """What one side has booked for a message, in fen; negative where it was taken back."""

    total: int
    fund: int
    account: int


class ReconciliationEvent(IntegrationEvent):
    """What every event of a payer's day names."""

    FAMILY: ClassVar[str] = "reconciliation"

    insurer: str
    day: date


class DifferenceEvent(ReconciliationEvent):
    """What every event of a difference names."""

    message_id: UUID = Field(description="of the message the two sides do not agree about")
    claim_id: UUID | None = Field(description="None: the message is not known here")
    pharmacy: str | None = Field(description="whose claim it is; None: not known")


class DifferenceFound(DifferenceEvent):
    """Both sides' items of a day were compared, and they do not agree about one message."""

    TYPE: ClassVar[str] = "insurance.difference_found.v1"

    kind: DifferenceKind
    ours: BookedAmounts | None = Field(description="None: nothing is booked here")
    theirs: BookedAmounts | None = Field(description="None: nothing is booked by the payer")
    owner: Literal["insurer", "clearing"] = Field(description="who has to act first")


class DifferenceClosed(DifferenceEvent):
    """A named person has decided what becomes of it; what that moves is booked."""

    TYPE: ClassVar[str] = "insurance.difference_closed.v1"

    answer: DifferenceAnswer
    borne: int = Field(description="fen that the pharmacy bears by this answer; 0: nothing is moved")


class ReconciliationDayClosed(ReconciliationEvent):
    """Nothing of the day is open: both sides are equal, or every difference has its answer."""

    TYPE: ClassVar[str] = "insurance.day_closed.v1"

    how: Literal["zero", "accepted"]
