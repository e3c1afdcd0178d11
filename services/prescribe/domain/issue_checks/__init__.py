"""The checks of an issue, one rule and its own refusal codes each, and in their order. They read what was written and
what the registers say.

The reviewing pharmacist's screening looks at number of lines and quantities again (N3.3, N3.6): here a quantity
without any reason is refused; whether a reason is good enough is a person's decision.
"""

from __future__ import annotations

from services.prescribe.domain.issue_checks.table import DIRECTED, SUBSTITUTE, WHAT, WHO
from services.prescribe.domain.issue_checks.written import IssueRule, Written, broken

__all__ = ["DIRECTED", "SUBSTITUTE", "WHAT", "WHO", "IssueRule", "Written", "broken"]
