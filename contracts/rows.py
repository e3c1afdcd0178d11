"""Rows in bulk: what a file brings line by line, for whoever sends them and for the service that reads each for itself.

A row that is wrong is reported and holds up no other; the same row again changes nothing.
"""

from __future__ import annotations

from abc import abstractmethod

from pydantic import BaseModel, ConfigDict

ROWS_PER_REQUEST_MAX = 24
"""Each row is booked in streams of its own, and one save touches at most a hundred."""
ROW_KEY_LENGTH_MAX = 120


class ImportRow(BaseModel):
    """Unknown columns are refused: a misspelt one would be lost silently."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @property
    @abstractmethod
    def key(self) -> str:
        """What the row is reported under."""
