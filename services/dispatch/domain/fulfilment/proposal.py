"""A substitute that somebody was asked about, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.dispatch.domain.fulfilment.wishes import SubstitutionChecked, SubstitutionDeclined
from services.dispatch.domain.values import HeldLine


@dataclass(frozen=True)
class Proposal:
    """A substitute that is asked about; `signed_sha256` is the digest of the prescriber's answer, `checked` what came
    back where no prescriber is asked, `counter_only` whether it stays at the counter, `restricted_use_met` what is
    stated of it to the insurance."""

    proposal_id: UUID
    hold_id: UUID
    line: HeldLine
    answer_due_at: datetime
    signed_sha256: str | None = None
    prescriber: str | None = None
    """Who signed."""
    counter_only: bool = False
    restricted_use_met: bool | None = None
    declined: SubstitutionDeclined | None = None
    checked: SubstitutionChecked | None = None

    @property
    def signed(self) -> bool:
        return self.signed_sha256 is not None

    @property
    def waits(self) -> bool:
        """Whether nobody has answered."""
        return not self.signed and self.declined is None and self.checked is None

    def is_about(self, row: HeldLine) -> bool:
        """Whether it is this substitute on this line."""
        asked, held = self.line.substitution, row.substitution
        same = (self.line.line, self.line.product) == (row.line, row.product)
        return same and asked is not None and asked == held
