"""The issuing side and the authorities: prescriber, reviewing pharmacist, regulator, administrator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from contracts.registers import ENTRIES_PER_REQUEST_MAX
from contracts.supply_reports import ROUTES
from rxflow.client.hints import NOTHING_SAID, Hint, Place, Priced, Said, hints, share_hints
from rxflow.client.transport import Reply, Service, Session

PAGES_MAX = 10_000


@dataclass(frozen=True)
class User:
    """Somebody with a token."""

    session: Session

    def pages(self, service: Service, path: str, **filters: Any) -> Iterator[dict[str, Any]]:
        """Every item of a list, page by page."""
        cursor: str | None = None
        for _ in range(PAGES_MAX):
            page = self.session.read(service, path, cursor=cursor, **filters)
            yield from page["items"]
            cursor = page.get("next")
            if cursor is None:
                return


class Prescriber(User):
    """A doctor: registers patients, issues, amends and cancels prescriptions, sees their fate."""

    def register_patient(self, registration: Mapping[str, Any]) -> UUID:
        """The reference under which everything else knows the person."""
        return UUID(self.session.command("prescribe", "/patients", registration).body["patient_ref"])

    def hints(self, place: Place, drugs: Mapping[str, str]) -> tuple[Hint, ...]:
        """What to know before signing, of products by code with their drug keys."""
        return tuple(hints(self.session, place, drugs))

    def share_hints(
        self,
        patient_ref: UUID,
        insurance_intent: str,
        lines: Sequence[Priced],
        pharmacy: str | None = None,
        said: Said = NOTHING_SAID,
    ) -> tuple[Hint, ...]:
        """What the patient would pay, which payment rules make it more, and what the audit finds in what is said."""
        return tuple(share_hints(self.session, patient_ref, insurance_intent, lines, pharmacy, said))

    def issue(self, jws: str) -> Reply:
        """`jws`: the signed IssuePrescription, compact."""
        return self.session.command("prescribe", "/prescriptions", jws=jws)

    def amend(self, prescription_id: UUID, jws: str) -> Reply:
        """`jws`: the signed AmendPrescription, compact."""
        return self.session.command("prescribe", f"/prescriptions/{prescription_id}/amendments", jws=jws)

    def confirm(self, prescription_id: UUID, jws: str) -> Reply:
        """`jws`: the signed ConfirmFindings, compact: the second signature under a returned prescription (双签名)."""
        return self.session.command("prescribe", f"/prescriptions/{prescription_id}/confirmations", jws=jws)

    def answer(self, prescription_id: UUID, jws: str) -> Reply:
        """`jws`: the signed AnswerQuery, compact: why blocked lines may be dispensed all the same (重新签字)."""
        return self.session.command("prescribe", f"/prescriptions/{prescription_id}/answers", jws=jws)

    def allow_substitute(self, prescription_id: UUID, jws: str) -> Reply:
        """`jws`: the signed ConfirmSubstitution, compact: a proposed substitute may be given on its line."""
        return self.session.command("prescribe", f"/prescriptions/{prescription_id}/substitutions", jws=jws)

    def decline_substitute(self, prescription_id: UUID, proposal_id: str, reason: str) -> Reply:
        """A proposed substitute is not allowed; the pharmacy reads the reason."""
        path = f"/prescriptions/{prescription_id}/declined-substitutions"
        return self.session.command("prescribe", path, {"proposal_id": proposal_id, "reason": reason})

    def cancel(
        self,
        prescription_id: UUID,
        reason_code: str,
        *,
        scope: Sequence[Mapping[str, int]] | None = None,
        urgent: bool = False,
        request_id: UUID | None = None,
    ) -> Reply:
        """Status 200: final; 202: an answer comes later. `scope`: lines and quantities, None for everything."""
        body = {
            "request_id": str(request_id or self.session.connection.new_id()),
            "scope": None if scope is None else [dict(line) for line in scope],
            "reason_code": reason_code,
            "urgent": urgent,
        }
        return self.session.command("prescribe", f"/prescriptions/{prescription_id}/cancellations", body)

    def prescription(self, prescription_id: UUID) -> dict[str, Any]:
        return self.session.read("prescribe", f"/prescriptions/{prescription_id}")

    def trace(self, prescription_id: UUID) -> list[dict[str, Any]]:
        """All that happened to it, causes first."""
        events: list[dict[str, Any]] = self.session.read("prescribe", f"/prescriptions/{prescription_id}/trace")[
            "events"
        ]
        return events

    def feedback(self, *, open_only: bool = False) -> Iterator[dict[str, Any]]:
        """The inbox, the newest first; `open_only`: what was not acknowledged yet."""
        return self.pages("prescribe", "/feedback", only="open" if open_only else None)

    def acknowledge(self, prescription_id: UUID, entries: Sequence[int]) -> Reply:
        """These entries about the prescription have been read."""
        path = f"/prescriptions/{prescription_id}/feedback-acknowledgements"
        return self.session.command("prescribe", path, {"entries": list(entries)})


class Office(User):
    """The medical office of an institution (医务部门)."""

    def stop(
        self, prescription_id: UUID, reason: str, *, lines: Sequence[int] | None = None, block_id: UUID | None = None
    ) -> Reply:
        """Lines that nobody dispenses until the prescriber has signed again; None: all of them."""
        body = {
            "block_id": str(block_id or self.session.connection.new_id()),
            "lines": None if lines is None else list(lines),
            "reason_code": "safety_alert",
            "reason": reason,
        }
        return self.session.command("prescribe", f"/prescriptions/{prescription_id}/stops", body)


class Reviewer(User):
    """A reviewing pharmacist."""

    def queue(self) -> Iterator[dict[str, Any]]:
        """Open cases of the own institution, the most severe first."""
        return self.pages("review", "/cases")

    def case_of(self, prescription_id: UUID, revision: int | None = None) -> dict[str, Any] | None:
        """The open case of a prescription, once it has arrived; of this revision, where one is named: the list may be
        older than what became of the one before."""
        for case in self.queue():
            if case["prescription_id"] == str(prescription_id) and revision in {None, case.get("revision")}:
                return case
        return None

    def case(self, case_id: str) -> dict[str, Any]:
        return self.session.read("review", f"/cases/{case_id}")

    def take(self, case_id: str) -> Reply:
        return self.session.command("review", f"/cases/{case_id}/take")

    def take_over(self, case_id: str) -> Reply:
        """From whoever holds it; a supervisor's right."""
        return self.session.command("review", f"/cases/{case_id}/take-over")

    def pass_batch(self, signatures: Sequence[str]) -> dict[str, Any]:
        """Clean cases, each by a signed PassCase; the answer's `rows` say what became of each."""
        return self.session.command("review", "/cases/pass-batch", {"signatures": list(signatures)}).body

    def put_back(self, case_id: str) -> Reply:
        return self.session.command("review", f"/cases/{case_id}/put-back")

    def pass_case(self, case_id: str, jws: str) -> Reply:
        """`jws`: the signed PassCase, compact."""
        return self.session.command("review", f"/cases/{case_id}/pass", jws=jws)

    def return_case(self, case_id: str, findings: Sequence[Mapping[str, Any]], comment: str) -> Reply:
        body = {"findings": [dict(finding) for finding in findings], "comment": comment}
        return self.session.command("review", f"/cases/{case_id}/return", body)

    def refuse(self, case_id: str, codes: Sequence[str], reason: str) -> Reply:
        return self.session.command("review", f"/cases/{case_id}/refuse", {"codes": list(codes), "reason": reason})


class Regulator(User):
    """An authority of a region."""

    def shortages(self, region: str | None = None, drug_key: str | None = None) -> Iterator[dict[str, Any]]:
        return self.pages("shortage", "/shortages", region=region, drug_key=drug_key)

    def shortage(self, case_id: str) -> dict[str, Any]:
        return self.session.read("shortage", f"/shortages/{case_id}")

    def confirm(self, case_id: str, reason: str) -> Reply:
        return self.session.command("shortage", f"/shortages/{case_id}/confirm", {"reason": reason})

    def dismiss(self, case_id: str, reason: str) -> Reply:
        return self.session.command("shortage", f"/shortages/{case_id}/dismiss", {"reason": reason})

    def propose_transfers(self, case_id: str, order_reason: str | None = None) -> list[dict[str, Any]]:
        """The best plan of which packs should move; with the reason of an order they may leave their chain."""
        answer = self.session.command("shortage", f"/shortages/{case_id}/transfers", {"order_reason": order_reason})
        proposals: list[dict[str, Any]] = answer.body["proposals"]
        return proposals

    def recall(self, recall_id: UUID, product: str, lots: Sequence[str], recall_class: str, reason: str) -> Reply:
        """From this save on nothing of these lots is given out anywhere."""
        body = {
            "recall_id": str(recall_id),
            "product": product,
            "lots": list(lots),
            "recall_class": recall_class,
            "reason": reason,
            "instruction": "停止使用, 退回药店",
        }
        return self.session.command("dispatch", "/recalls", body)

    def responses(self, case_id: str) -> Iterator[dict[str, Any]]:
        """All that was done against a case, and what came of it."""
        return self.pages("shortage", f"/shortages/{case_id}/responses")

    def trace(self, prescription_id: UUID) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = self.session.read("prescribe", f"/prescriptions/{prescription_id}/trace")[
            "events"
        ]
        return events


class Administrator(User):
    """Keeps reference data and members."""

    def record(self, service: Service, kind: str, entries: Sequence[Mapping[str, Any]]) -> list[str | None]:
        """Register entries, in the same order: None where the owner has it now, otherwise what is wrong.

        Raises Problem where the request as a whole is refused (unknown kind, no right).
        """
        found: list[str | None] = []
        for first in range(0, len(entries), ENTRIES_PER_REQUEST_MAX):
            part = [dict(entry) for entry in entries[first : first + ENTRIES_PER_REQUEST_MAX]]
            report = self.session.command(service, f"/registers/{kind}", {"entries": part}).body
            found += ["; ".join(row["errors"]) if row["result"] == "refused" else None for row in report["rows"]]
        return found

    def import_member(self, member: Mapping[str, Any]) -> Reply:
        """The insurer's word on one person as of a day."""
        return self.session.command("insurance", "/members", member)

    def register_patient(self, registration: Mapping[str, Any]) -> UUID:
        return UUID(self.session.command("prescribe", "/patients", registration).body["patient_ref"])

    def forget_patient(self, patient_ref: UUID) -> Reply:
        """The purpose is over; status 202 with the moment from which nothing can be read any more."""
        path = f"/patients/{patient_ref}/forgettings"
        return self.session.command("prescribe", path, {"reason_code": "purpose_over"})

    def receive_stock(self, receipt: Mapping[str, Any]) -> Reply:
        return self.session.command("dispatch", "/stock/receipts", receipt)

    def import_insured(self, kind: str, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Members, assistance identities or filings, as `contracts.insured` describes them: the report of each row."""
        answer = self.session.command("insurance", f"/imports/{kind}", {"rows": [dict(row) for row in rows]})
        found: list[dict[str, Any]] = answer.body["rows"]
        return found

    def import_goods(self, kind: str, pharmacy: str, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Opening stock or orders of a pharmacy, as `contracts.goods` describes them: the report of each row."""
        body = {"pharmacy": pharmacy, "rows": [dict(row) for row in rows]}
        report: list[dict[str, Any]] = self.session.command("dispatch", f"/imports/{kind}", body).body["rows"]
        return report

    def import_reports(
        self, kind: str, rows: Sequence[Mapping[str, Any]], about: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        """What others know of supply, as `contracts.supply_reports` describes it: the report of each row. `about`:
        reporter, trust and mapping of the whole request."""
        body = {**about, "rows": [dict(row) for row in rows]}
        report: list[dict[str, Any]] = self.session.command("shortage", ROUTES[kind], body).body["rows"]
        return report

    def move_clock(self, service: Service, seconds: int) -> Reply:
        """Development mode: how far this installation's clock is ahead of real time."""
        return self.session.command(service, "/development/clock", {"offset_seconds": seconds}, method="PUT")
