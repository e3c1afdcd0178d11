"""Who may ask how often: the one table of rates, by kind of actor and class of route. Rendered into `docs/rates.md`.

Fair per actor: each has buckets of its own, so nobody is refused for what others do. A class of routes where a code is
shown (and could be guessed) has the narrowest rates, beside the locks that wrong codes lead to.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from contracts.roles import Role


@dataclass(frozen=True)
class Rate:
    """So many requests a second in the long run, and so many at once."""

    per_second: float
    burst: int


@dataclass(frozen=True)
class RouteClass:
    """Routes that share a bucket. Of several that match, the first counts."""

    name: str
    method: str
    path: str
    """A regular expression over the whole path."""
    meaning: str

    def matches(self, method: str, path: str) -> bool:
        return method == self.method and re.fullmatch(self.path, path) is not None


@dataclass(frozen=True)
class Rates:
    """The table of one service. `rates`: class -> kind of actor -> rate; `others` is for kinds that are not named."""

    classes: tuple[RouteClass, ...]
    rates: Mapping[str, Mapping[Role, Rate]]
    others: Mapping[str, Rate]

    def of(self, role: str, method: str, path: str) -> tuple[str, Rate]:
        """The class of a request and the rate that counts for it. A request of no class is a reading one."""
        found = next((each.name for each in self.classes if each.matches(method, path)), READ)
        return found, self.rates.get(found, {}).get(Role(role), self.others[found])


CODE, FEED, BULK, COMMAND, READ = "code", "feed", "bulk", "command", "read"
_STAFF = (Role.PHARMACIST, Role.PREPARER, Role.CHECKER)

RATES: dict[str, Rates] = {
    "dispatch": Rates(
        classes=(
            RouteClass(CODE, "POST", "/lookups", "the patient's code is shown"),
            RouteClass(CODE, "POST", "/fulfilments/[^/]+/holds", "the patient's code is shown"),
            RouteClass(CODE, "POST", "/fulfilments/[^/]+/supplies/[^/]+/hand-out", "the pickup code is shown"),
            RouteClass(FEED, "GET", "/internal/.*", "one service catches up with another"),
            RouteClass(FEED, "PUT", "/internal/.*", "one regional store asks another"),
            RouteClass(BULK, "POST", "/fills", "up to 50 commands in one request"),
            RouteClass(COMMAND, "POST", ".*", "something is to be done"),
        ),
        rates={
            CODE: {role: Rate(5, 50) for role in _STAFF},
            FEED: {Role.SERVICE: Rate(200, 1000)},
            BULK: {role: Rate(1, 10) for role in _STAFF},
            COMMAND: {
                **{role: Rate(20, 200) for role in (*_STAFF, Role.COURIER)},
                Role.SYSTEM_ADMIN: Rate(50, 500),
            },
            READ: {
                **{role: Rate(50, 500) for role in (*_STAFF, Role.COURIER)},
                **{role: Rate(10, 100) for role in (Role.PATIENT, Role.REPRESENTATIVE)},
            },
        },
        others={CODE: Rate(1, 10), FEED: Rate(1, 10), BULK: Rate(0.2, 2), COMMAND: Rate(5, 50), READ: Rate(20, 200)},
    ),
}
"""service -> its table. A service without one has no limit by actor, only the one of all requests in flight."""
