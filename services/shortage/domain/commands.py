"""What an authority may decide about a case."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from services.seedwork.model import Command
from services.shortage.domain.regions import Level
from services.shortage.domain.values import Words


class ConfirmCase(Command):
    """It is a shortage."""

    case_id: UUID
    reason: Words


class DismissCase(Command):
    """It is none: counts as a false alarm."""

    case_id: UUID
    reason: Words


class AcknowledgeCase(Command):
    """It has been seen."""

    case_id: UUID
    reason: Words


class AssignTask(Command):
    """Somebody has to do something by then."""

    case_id: UUID
    kind: Annotated[str, Field(min_length=1, max_length=100)]
    owner_level: Level
    due_at: datetime


class CompleteTask(Command):
    """It is done, and how."""

    case_id: UUID
    number: int
    reason: Words
