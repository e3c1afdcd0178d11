"""The form of an entry of the error catalogue (RFC 9457 problem details)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that can be wrong with a request.

    `code` is what clients branch on and never changes; `title` says it to a person; `meaning` tells what to do about
    it and, for a rule of the business, where the rule comes from. `final` refusals are answered again, unchanged, to
    a repeat under the same idempotency key.
    """

    code: str
    status: int
    title: str
    meaning: str
    final: bool = True

    @property
    def type(self) -> str:
        return f"urn:rxflow:problem:{self.code}"
