"""What is done against a confirmed shortage: the words that every kind of response shares.

Kinds: a substitution protocol, an allocation, a plan of transfers, a released reserve. Each is a stream of its own; the
case keeps which of them are open, so that its end ends them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from services.seedwork.model import Immutable, Refusal
from services.shortage.domain.case import CaseState
from services.shortage.domain.case_transitions import CASE_TRANSITIONS
from services.shortage.domain.events import CaseSuspected
from services.shortage.domain.regions import DIGITS, Level, covers

RESPONSES_OPEN_MAX = 40
"""Of one case: its end writes to each of them in one save."""
LEVELS = (Level.COUNTY, Level.CITY, Level.PROVINCE, Level.NATION)


class Authority(Immutable):
    """Who decides: a person who stands for a region node."""

    node: str | None
    """None: somebody without a region, who decides nothing."""
    person: str

    @property
    def level(self) -> Level | None:
        """County, city, province or nation, by the length of the node."""
        return next(
            (level for level, digits in DIGITS.items() if self.node is not None and len(self.node) == digits), None
        )

    @property
    def code(self) -> str:
        """The division code of the node: 33 is 330000, the nation 000000."""
        return (self.node or "").ljust(6, "0")


def rank(level: Level | None) -> int:
    """Higher is above; -1 for nobody."""
    return LEVELS.index(level) if level is not None else -1


@dataclass(frozen=True)
class Standing:
    """An authority that may respond, and the suspicion its case began with."""

    case: CaseSuspected
    level: Level
    code: str
    person: str

    @property
    def issuer(self) -> dict[str, Any]:
        """Who stands for the decision, as its event says it."""
        return {"person": self.person, "authority": self.code, "level": self.level}


def may_respond(case: CaseState, trigger: str, by: Authority, least: Level | None = None) -> Standing | Refusal:
    """Whether this authority may respond to this case: of its region or above it, and of the `least` level that this
    kind of response asks for (国家–省–市–县四级应对)."""
    if case.suspected is None:
        return Refusal("shortage.unknown")
    region = case.suspected.region
    if by.node is None or not covers(by.node, region):
        return Refusal("shortage.not_your_region", {"region": region})
    if not CASE_TRANSITIONS.allows(case.status, trigger):
        return Refusal("shortage.wrong_state", {"state": case.status, "trigger": trigger})
    needed = max(rank(least), 0)
    if by.level is None or rank(by.level) < needed:
        return Refusal("response.level", {"needed": LEVELS[needed].value, "authority": by.code})
    return Standing(case.suspected, by.level, by.code, by.person)


def may_begin(case: CaseState, trigger: str, by: Authority, least: Level | None = None) -> Standing | Refusal:
    """As `may_respond`, for a response that the case does not know yet."""
    standing = may_respond(case, trigger, by, least)
    if isinstance(standing, Standing) and len(case.responses) >= RESPONSES_OPEN_MAX:
        return Refusal("response.too_many", {"open": len(case.responses)})
    return standing
