"""What an authority may decide about a case."""

from __future__ import annotations

from uuid import UUID

from services.seedwork.model import Command
from services.shortage.domain.values import Words


class ConfirmCase(Command):
    """It is a shortage."""

    case_id: UUID
    reason: Words


class DismissCase(Command):
    """It is none: counts as a false alarm."""

    case_id: UUID
    reason: Words
