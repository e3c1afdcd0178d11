"""The retail side: pharmacy, courier, patient."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from rxflow.client.courier import digest
from rxflow.client.people import User
from rxflow.client.transport import Reply, Session

Way = Literal["counter", "delivery"]
BackReason = Literal["quality", "recall", "wrong_item"]
Kept = Literal["restocked", "destroyed"]
ReleaseReason = Literal["out_of_stock", "patient_wish", "mistake", "other"]


@dataclass(frozen=True)
class Hold:
    """A hold and the secret that every later step shows."""

    fulfilment_id: str
    hold_id: str
    secret: str = field(repr=False)
    shown: Mapping[str, Any]

    @property
    def path(self) -> str:
        return f"/fulfilments/{self.fulfilment_id}/holds/{self.hold_id}"


@dataclass(frozen=True)
class Supply:
    """What a pharmacy prepared under a hold."""

    hold: Hold
    supply_id: str
    shown: Mapping[str, Any]

    @property
    def path(self) -> str:
        return f"/fulfilments/{self.hold.fulfilment_id}/supplies/{self.supply_id}"


@dataclass(frozen=True)
class Pharmacy:
    """A retail pharmacy with a person per step, each with a token of their own."""

    pharmacist: Session
    preparer: Session
    checker: Session
    quality: Session
    """Of who answers for quality (质量负责人)."""

    def look_up(self, token: str) -> dict[str, Any]:
        """The prescription whose token the patient shows: `fulfilment` and `prescription`."""
        return self.pharmacist.command("dispatch", "/lookups", {"token": token}).body

    def hold(self, fulfilment_id: str, token: str, lines: Sequence[Mapping[str, Any]], *, way: Way = "counter") -> Hold:
        """`lines`: line, quantity in base units, and a product where it is another brand."""
        body = {"token": token, "way": way, "lines": [dict(line) for line in lines]}
        return _hold(fulfilment_id, self.pharmacist.command("dispatch", f"/fulfilments/{fulfilment_id}/holds", body))

    def nominations(self) -> Iterator[dict[str, Any]]:
        """What patients want this pharmacy to supply, the oldest choice first."""
        return User(self.pharmacist).pages("dispatch", "/nominations")

    def changes(self, cursor: str | None = None, *, wait_seconds: float = 0) -> dict[str, Any]:
        """Nominations and holds that have changed since `cursor`, and `next` to ask with from there; waits so long
        where there is none yet."""
        place = {} if cursor is None else {"cursor": cursor}
        return self.pharmacist.read("dispatch", "/pharmacy-feed", wait_seconds=wait_seconds, **place)

    def hold_nominated(self, fulfilment_id: str, lines: Sequence[Mapping[str, Any]], *, way: Way = "counter") -> Hold:
        """Without the code, by the patient's nomination."""
        body = {"way": way, "lines": [dict(line) for line in lines]}
        return _hold(fulfilment_id, self.pharmacist.command("dispatch", f"/fulfilments/{fulfilment_id}/holds", body))

    def fetch_secret(self, fulfilment_id: str, hold_id: str) -> Hold:
        """After a lost reply."""
        path = f"/fulfilments/{fulfilment_id}/holds/{hold_id}/secret"
        return _hold(fulfilment_id, self.pharmacist.command("dispatch", path))

    def pass_review(self, hold: Hold) -> Reply:
        """The pharmacy's own review (药店审方)."""
        return self.pharmacist.command("dispatch", f"{hold.path}/review", {"secret": hold.secret})

    def propose_substitute(self, hold: Hold, line: int, **stated: Any) -> Reply:
        """A substitute that is held, once the patient agrees to it and its price. `stated`: `restricted_use_met` and
        `restricted_use_reason`, where no prescriber is asked."""
        body = {"secret": hold.secret, "line": line, "patient_agrees": True, **stated}
        return self.pharmacist.command("dispatch", f"{hold.path}/substitution-proposals", body)

    def refuse(self, hold: Hold, code: str, reason: str, lines: Sequence[int] | None = None) -> Reply:
        """Refuse to dispense (拒绝调剂): these lines, None for all of the hold, wait for the prescriber everywhere."""
        body = {"secret": hold.secret, "code": code, "reason": reason, "lines": lines and list(lines)}
        return self.pharmacist.command("dispatch", f"{hold.path}/refusal", body)

    def release(self, hold: Hold, reason: ReleaseReason, lines: Sequence[Mapping[str, int]] | None = None) -> Reply:
        body = {"secret": hold.secret, "reason": reason, "lines": lines and [dict(line) for line in lines]}
        return self.pharmacist.command("dispatch", f"{hold.path}/release", body)

    def prepare(self, hold: Hold, lines: Sequence[Mapping[str, Any]]) -> Supply:
        """`lines`: line, product, quantity, lot, expiry, trace_codes."""
        body = {"secret": hold.secret, "lines": [dict(line) for line in lines]}
        prepared = self.preparer.command("dispatch", f"{hold.path}/supplies", body).body
        return Supply(hold, prepared["supply_id"], prepared)

    def check(self, supply: Supply) -> Reply:
        """By a second person: dispensed."""
        return self.checker.command("dispatch", f"{supply.path}/check", {"secret": supply.hold.secret})

    def hand_out(self, supply: Supply, code: str, collector: Mapping[str, Any], *, kind: str = "patient") -> Reply:
        """Over the counter, against the pickup code. `collector`: name, identity_no."""
        body = {"code": code, "collector_kind": kind, "collector": dict(collector)}
        return self.pharmacist.command("dispatch", f"{supply.path}/hand-out", body)

    def arrange_delivery(self, supply: Supply, courier: str, contact: Mapping[str, str]) -> str:
        """`contact`: name, phone, address. Answers the delivery's id."""
        body = {"courier": courier, "contact": dict(contact)}
        arranged = self.pharmacist.command("dispatch", f"{supply.path}/deliveries", body).body
        return str(arranged["delivery_id"])

    def pack(self, delivery_id: str, seal_no: str, logger_id: str | None = None) -> Reply:
        """`logger_id`: of the temperature logger that travels with what must stay cold."""
        body = {"seal_no": seal_no, "logger_id": logger_id}
        return self.pharmacist.command("dispatch", f"/deliveries/{delivery_id}/pack", body)

    def hand_over(self, delivery_id: str, proof: bytes) -> Reply:
        """To the courier. Of the proof only the digest is sent."""
        body = {"proof_sha256": digest(proof)}
        return self.pharmacist.command("dispatch", f"/deliveries/{delivery_id}/hand-over", body)

    def call_off(self, delivery_id: str, reason: str) -> Reply:
        """Before it has left; the supply stays."""
        return self.pharmacist.command("dispatch", f"/deliveries/{delivery_id}/cancel", {"reason": reason})

    def delivery(self, delivery_id: str) -> dict[str, Any]:
        """Where a parcel is, and its label."""
        return self.pharmacist.read("dispatch", f"/deliveries/{delivery_id}")

    def receive_return(self, delivery_id: str, packs: Sequence[int], *, seal_intact: bool = True) -> Reply:
        """A parcel is back: the numbers of the packs that are in it."""
        body = {"packs": list(packs), "seal_intact": seal_intact}
        return self.pharmacist.command("dispatch", f"/deliveries/{delivery_id}/return-arrived", body)

    def inspect_return(self, delivery_id: str, verdicts: Sequence[Mapping[str, Any]]) -> Reply:
        """`verdicts`: pack, verdict (restocked, quarantined, destroyed), and a reason where it is not sold again."""
        body = {"verdicts": [dict(each) for each in verdicts]}
        return self.pharmacist.command("dispatch", f"/deliveries/{delivery_id}/inspect", body)

    def decide_quarantine(self, delivery_id: str, to: Kept, reason: str) -> Reply:
        """About every pack of it that is kept apart."""
        body = {"to": to, "reason": reason}
        return self.quality.command("dispatch", f"/deliveries/{delivery_id}/quarantine", body)

    def report_found(self, delivery_id: str, packs: Sequence[int]) -> Reply:
        """What was written off as lost is here."""
        body = {"packs": list(packs), "seal_intact": False}
        return self.pharmacist.command("dispatch", f"/deliveries/{delivery_id}/found", body)

    def take_back(
        self, supply: Supply, why: BackReason, lines: Sequence[Mapping[str, int]] | None = None, note: str | None = None
    ) -> Reply:
        """What the patient brings back; without `lines` (line, quantity) all of it."""
        body = {"why": why, "note": note, "lines": None if lines is None else [dict(each) for each in lines]}
        return self.pharmacist.command("dispatch", f"{supply.path}/take-back", body)

    def give_credit(self, claim_id: str, reason: str, patient_consent: str | None = None) -> Reply:
        """Hand out before the money is certain; the pharmacist answers for it."""
        body = {"reason": reason, "patient_consent": patient_consent}
        return self.pharmacist.command("insurance", f"/claims/{claim_id}/credit", body)

    def claims(self, supply: Supply) -> list[dict[str, Any]]:
        """Of a supply, by attempt."""
        items: list[dict[str, Any]] = self.pharmacist.read("insurance", "/claims", supply_id=supply.supply_id)["items"]
        return items

    def appeal_audit(self, audit_id: str, grounds: str) -> Reply:
        """What an insurer's officer has upheld against a claim, once and in time."""
        return self.pharmacist.command("insurance", f"/audits/{audit_id}/appeal", {"grounds": grounds})

    def fulfilment(self, fulfilment_id: str) -> dict[str, Any]:
        return self.pharmacist.read("dispatch", f"/fulfilments/{fulfilment_id}")

    def receive_stock(self, receipt: Mapping[str, Any]) -> Reply:
        """`receipt`: product, lot, expiry, quantity in base units, unit_price in fen per pack."""
        return self.pharmacist.command("dispatch", "/stock/receipts", receipt)

    def stock(self) -> Iterator[dict[str, Any]]:
        return User(self.pharmacist).pages("dispatch", "/stock")


class Patient(User):
    """A patient, or who acts for one."""

    def nominate(self, prescription_id: UUID, pharmacy: str | None) -> Reply:
        """Until the prescription is released; None takes the choice back."""
        return self.session.command(
            "prescribe", f"/prescriptions/{prescription_id}/nominations", {"pharmacy": pharmacy}
        )

    def nominate_for(self, fulfilment_id: str, pharmacy: str | None) -> Reply:
        """Once the prescription is released: for this instalment and those to come."""
        path = f"/fulfilments/{fulfilment_id}/nominations"
        return self.session.command("dispatch", path, {"pharmacy": pharmacy})

    def confirm_online_order(self, fulfilment_id: str, name: str, identity_no: str) -> Reply:
        """By real name, having read the risk notice as it stands; a hold for delivery waits for it."""
        notice = self.session.read("dispatch", "/online-notice")["version"]
        body = {"name": name, "identity_no": identity_no, "notice": notice}
        return self.session.command("dispatch", f"/fulfilments/{fulfilment_id}/online-orders", body)

    def give_standing_authorisation(self) -> Reply:
        """Claims are authorised from now on when their supply is dispensed."""
        return self.session.command("insurance", "/authorisations")

    def appoint(self, patient_ref: UUID, appointment: Mapping[str, Any]) -> str:
        """Let somebody act for the patient, within a scope and between two days; answers the appointment's id."""
        path = f"/patients/{patient_ref}/representatives"
        return str(self.session.command("prescribe", path, appointment).body["appointment_id"])

    def withdraw(self, patient_ref: UUID, appointment_id: str) -> Reply:
        """The representative acts no longer."""
        return self.session.command(
            "prescribe", f"/patients/{patient_ref}/representatives/{appointment_id}/withdrawals"
        )

    def ask_to_be_forgotten(self, patient_ref: UUID) -> Reply:
        """Status 202 with the moment from which nothing personal can be read any more, by anybody."""
        path = f"/patients/{patient_ref}/forgettings"
        return self.session.command("prescribe", path, {"reason_code": "patient_asks"})

    def prescriptions(self) -> Iterator[dict[str, Any]]:
        return self.pages("prescribe", "/prescriptions")

    def prescription(self, prescription_id: UUID) -> dict[str, Any]:
        return self.session.read("prescribe", f"/prescriptions/{prescription_id}")

    def fulfilments(self, prescription_id: UUID) -> list[dict[str, Any]]:
        """One per instalment, once it has opened."""
        found: list[dict[str, Any]] = self.session.read(
            "dispatch", "/fulfilments", prescription_id=str(prescription_id)
        )["items"]
        return found

    def token(self, fulfilment_id: str) -> str:
        """The right to be served, as the code to show."""
        return str(self.session.read("dispatch", f"/fulfilments/{fulfilment_id}/token")["token"])

    def pickup_code(self, supply: Supply) -> str:
        """What to show at the counter or to the courier."""
        shown = self.session.read("dispatch", f"/fulfilments/{supply.hold.fulfilment_id}/token")
        codes = {pickup["supply_id"]: pickup["code"] for pickup in shown["pickup_codes"]}
        return str(codes[supply.supply_id])

    def claims(self, supply_id: str) -> list[dict[str, Any]]:
        """By attempt."""
        found: list[dict[str, Any]] = self.session.read("insurance", "/claims", supply_id=supply_id)["items"]
        return found

    def payments(self, claim_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.session.read("insurance", "/payments", claim_id=claim_id)["items"]
        return found

    def pay(self, payment_id: str, reference: str) -> Reply:
        """Under the payment provider's reference."""
        return self.session.command("insurance", f"/payments/{payment_id}/pay", {"reference": reference})

    def stop_use_notices(self) -> Iterator[dict[str, Any]]:
        """What must not be used any more, the newest first."""
        return self.pages("prescribe", "/stop-use-notices")

    def acknowledge_stop_use(self, prescription_id: UUID, request_id: str) -> Reply:
        """The notice that came with an urgent cancellation was read."""
        path = f"/prescriptions/{prescription_id}/stop-use-acknowledgements"
        return self.session.command("prescribe", path, {"request_id": request_id})

    def give_up(self, supply: Supply) -> Reply:
        return self.session.command("dispatch", f"{supply.path}/give-up")


def _hold(fulfilment_id: str, reply: Reply) -> Hold:
    """Whatever prints a hold must not print its secret."""
    shown = {name: value for name, value in reply.body.items() if name != "secret"}
    return Hold(fulfilment_id, str(shown["hold_id"]), reply.body["secret"], shown)
