"""How hard is tried to tell a subscriber, by date: data of the jurisdiction, the same for every service."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from pydantic import Field

from services.seedwork.policies import DatedPolicy, read_policies


class WebhookPolicy(DatedPolicy):
    """What holds from one day on, until the next version."""

    version: str
    attempts_max: int = Field(ge=1, le=50, description="after so many a message is a dead letter and its stream waits")
    first_wait_seconds: int = Field(ge=1, description="before the second attempt, at most")
    wait_factor: int = Field(ge=2, le=10, description="each wait is so many times the one before")
    wait_seconds_max: int = Field(ge=1, description="the longest wait")
    jitter_percent: int = Field(ge=0, le=100, description="by up to so much a wait is shortened, at random")
    retry_after_seconds_max: int = Field(
        default=86_400,
        ge=0,
        description="who says when to come again (Retry-After) is believed up to this",
    )
    deadline_seconds: int = Field(ge=1, le=60, description="of one call, from the first byte to the last")
    pause_after_hours: int = Field(ge=1, description="without one success an endpoint that failed so often is paused")
    pause_after_failures: int = Field(ge=1, description="in a row")
    overlap_hours: int = Field(ge=0, le=168, description="a rotated secret still signs beside the new one")

    def wait_after(self, attempts: int, chance: float, asked: float) -> float:
        """Before the next attempt, where the subscriber asks for so many seconds: never sooner than by the schedule,
        never later than what is believed."""
        return max(self.wait_seconds(attempts, chance), min(asked, float(self.retry_after_seconds_max)))

    def wait_seconds(self, attempts: int, chance: float) -> float:
        """Before the next attempt, after so many; `chance` in 0..1 shortens it, so that what failed together does not
        come back together."""
        longest = min(self.first_wait_seconds * float(self.wait_factor) ** (attempts - 1), self.wait_seconds_max)
        return longest * (1 - chance * self.jitter_percent / 100)


def asked_to_wait(retry_after: str | None, now: datetime) -> float:
    """Seconds from now that a subscriber asks for, by RFC 9110 10.2.3: so many seconds, or a date. What is neither, or
    past, asks for nothing."""
    said = (retry_after or "").strip()
    if said.isascii() and said.isdigit():
        return float(said)
    try:
        until = parsedate_to_datetime(said)
    except (ValueError, OverflowError, TypeError, IndexError):
        return 0.0
    return max(0.0, ((until if until.tzinfo else until.replace(tzinfo=UTC)) - now).total_seconds())


WEBHOOKS = read_policies("services.seedwork.webhooks", WebhookPolicy)
