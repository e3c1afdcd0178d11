"""Who decides about money: the officer of an insurer, and the pharmacist who hands out on credit or takes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rxflow.client import Insurer, Problem, Supply
from rxflow.client.retail import BackReason
from rxflow.simulation.writing import Town
from rxflow.world import Store

REASON = "复核意见"
CONSENT = "form-1234"
DECISIONS = (
    ("accepted_by_insurer", "insurer"),
    ("pharmacy_bears", "pharmacy"),
    ("patient_billed", "patient"),
    ("reversed", "insurer"),
    ("reversed", "pharmacy"),
    ("stands", "pharmacy"),
    ("stands", "patient"),
)
"""Decisions and bearers, also those that do not go together."""
OFFICERS = ("officer", "second-officer")
SELDOM = 0.3
"""Share of thoughts about a reversal that are acted upon: most of what is settled stays so."""


@dataclass
class Officers:
    """Around the claims of one prescription. `insurer`: of its patient."""

    town: Town
    insurer: str
    supplied: Sequence[tuple[Store, Supply]]

    def deeds(self) -> list[Callable[[], object]]:
        if not self.supplied:
            return []
        return [self.credit, self.order_reversal, self.decide, self.audit, self.appeal, self.take_back]

    def credit(self) -> None:
        store, claim = self._claim()
        consent = self.town.random.choice((CONSENT, None))
        self.town.cast.pharmacy(store).give_credit(claim["claim_id"], REASON, consent)

    def order_reversal(self) -> None:
        if self.town.random.random() < SELDOM:
            _, claim = self._claim()
            self.town.cast.insurer(self.insurer).order_reversal(claim["claim_id"], REASON)

    def decide(self) -> None:
        _, claim = self._claim()
        decision, bearer = self.town.random.choice(DECISIONS)
        self.town.cast.insurer(self.insurer).decide(claim["claim_id"], decision, bearer, REASON)

    def audit(self) -> None:
        """What is suspected of a supply is decided, or what was appealed, also by the same person again."""
        _, supply = self._one()
        officer = self.town.cast.insurer(self.insurer, self.town.random.choice(OFFICERS))
        for case in officer.audits():
            if case["supply_id"] == supply.supply_id:
                self.town.random.choice((self._decide_audit, self._decide_appeal))(officer, case["audit_id"])

    def appeal(self) -> None:
        store, supply = self._one()
        for case in self.town.cast.insurer(self.insurer).audits("upheld"):
            if case["supply_id"] == supply.supply_id:
                self.town.cast.pharmacy(store).appeal_audit(case["audit_id"], REASON)

    def _decide_audit(self, officer: Insurer, audit_id: str) -> None:
        officer.decide_audit(audit_id, self.town.random.choice(("cleared", "upheld")), REASON)

    def _decide_appeal(self, officer: Insurer, audit_id: str) -> None:
        officer.decide_appeal(audit_id, self.town.random.choice(("granted", "rejected")), REASON)

    def take_back(self) -> None:
        """The patient brings something back, all of it or one unit of a line."""
        if self.town.random.random() < SELDOM:
            store, supply = self._one()
            line = self.town.random.choice(supply.shown["lines"])["line"]
            why: BackReason = self.town.random.choice(("quality", "recall", "wrong_item"))
            lines = self.town.random.choice((None, [{"line": line, "quantity": 1}]))
            self.town.cast.pharmacy(store).take_back(supply, why, lines)

    def settle_audits(self) -> None:
        """In the end somebody decides about what is open; who is told so appeals, and somebody else decides."""
        first, second = (self.town.cast.insurer(self.insurer, person) for person in OFFICERS)
        for store, supply in self.supplied:
            for case in [each for each in first.audits() if each["supply_id"] == supply.supply_id]:
                name, state = case["audit_id"], case["state"]
                if state == "open":
                    self._decide_audit(first, name)
                    state = next(each["state"] for each in first.audits() if each["audit_id"] == name)
                if state == "upheld":
                    self.town.cast.pharmacy(store).appeal_audit(name, REASON)
                    state = "appealed"
                if state == "appealed":
                    try:
                        self._decide_appeal(first, name)
                    except Problem:  # who has decided before may not; somebody else may, or it is told
                        self._decide_appeal(second, name)

    def settle_disputes(self) -> None:
        """In the end somebody decides."""
        for store, supply in self.supplied:
            for claim in self._claims(store, supply):
                if claim["state"] == "disputed":
                    self._decide_for_good(claim["claim_id"])

    def _decide_for_good(self, claim_id: str) -> None:
        officer = self.town.cast.insurer(self.insurer)
        about = officer.claim(claim_id)["dispute"]["about"]
        decision = {"authorisation": "accepted_by_insurer", "reversal": "reversed"}[about]
        officer.decide(claim_id, decision, "insurer", REASON)

    def _one(self) -> tuple[Store, Supply]:
        chosen: tuple[Store, Supply] = self.town.random.choice(list(self.supplied))
        return chosen

    def _claim(self) -> tuple[Store, Mapping[str, Any]]:
        """Of any supply, any attempt. Raises Problem where there is none yet."""
        store, supply = self._one()
        claims = self._claims(store, supply)
        if not claims:
            raise Problem("nothing.claimed", 404)
        return store, self.town.random.choice(claims)

    def _claims(self, store: Store, supply: Supply) -> list[dict[str, Any]]:
        return self.town.cast.pharmacy(store).claims(supply)
