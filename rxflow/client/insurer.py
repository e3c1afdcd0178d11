"""The insurers' side: claims, disputes, audits, reconciliation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rxflow.client.people import PAGES_MAX, User
from rxflow.client.transport import Reply


class Insurer(User):
    """An insurance officer: claims and settlements of own members."""

    def claim(self, claim_id: str) -> dict[str, Any]:
        return self.session.read("insurance", f"/claims/{claim_id}")

    def settlements(self, after: int = 0) -> Iterator[dict[str, Any]]:
        """What was settled or taken back since that position, in order."""
        for _ in range(PAGES_MAX):
            page = self.session.read("insurance", "/settlements", after=after)
            yield from page["items"]
            if page["next"] == after:
                return
            after = page["next"]

    def order_reversal(self, claim_id: str, reason: str) -> Reply:
        """A settled claim is to be taken back."""
        return self.session.command("insurance", f"/claims/{claim_id}/reversal", {"reason": reason})

    def decide(self, claim_id: str, decision: str, bearer: str, reason: str) -> Reply:
        """What becomes of a disputed claim, and who bears the loss."""
        body = {"decision": decision, "bearer": bearer, "reason": reason}
        return self.session.command("insurance", f"/claims/{claim_id}/decision", body)

    def audits(self, state: str | None = None) -> Iterator[dict[str, Any]]:
        """Cases about claims on the insurer, the last change first."""
        return self.pages("insurance", "/audits", state=state)

    def decide_audit(self, audit_id: str, decision: str, reason: str) -> Reply:
        """What is suspected is `cleared` or `upheld`."""
        body = {"decision": decision, "reason": reason}
        return self.session.command("insurance", f"/audits/{audit_id}/decision", body)

    def decide_appeal(self, audit_id: str, decision: str, reason: str) -> Reply:
        """`granted` or `rejected`, by another person than decided before."""
        body = {"decision": decision, "reason": reason}
        return self.session.command("insurance", f"/audits/{audit_id}/appeal-decision", body)

    def trial_balance(self) -> dict[str, Any]:
        return self.session.read("insurance", "/ledger/trial-balance")

    def tell_totals(self, day: str, totals: Mapping[str, int]) -> dict[str, Any]:
        """What the insurer has booked on a day: `count`, `total`, `fund`, `account` in fen. How the day stands then."""
        return self.session.command("insurance", f"/reconciliations/{day}/totals", dict(totals)).body

    def tell_items(self, day: str, rows: Sequence[Mapping[str, Any]], *, last: bool) -> dict[str, Any]:
        """The next of its bookings, ascending by message id: `msgid`, `total`, `fund`, `account`."""
        body = {"rows": [dict(row) for row in rows], "last": last}
        return self.session.command("insurance", f"/reconciliations/{day}/items", body).body

    def ask_day(self, day: str) -> dict[str, Any]:
        """The insurer is asked what it has booked on a day (3201, 3202). How the day stands then."""
        return self.session.command("insurance", f"/reconciliations/{day}/ask").body

    def reconciliation(self, day: str) -> dict[str, Any]:
        """The day with its differences."""
        return self.session.read("insurance", f"/reconciliations/{day}")

    def answer_difference(self, day: str, message_id: str, answer: str, reason: str) -> dict[str, Any]:
        path = f"/reconciliations/{day}/differences/{message_id}/answer"
        return self.session.command("insurance", path, {"answer": answer, "reason": reason}).body
