"""One prescription's way, step by step, as the people of the demo world take it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from rxflow.client import Hold, Reply, Supply
from rxflow.client.retail import Way
from rxflow.play.stage import Admitted, Stage
from rxflow.world import Carrier, Draft, Person, Store, signing_again

FINAL = frozenset({"completed", "refused", "cancelled", "expired"})


@dataclass
class Journey:
    """A prescription of one doctor for one patient. `supplies` are those that were dispensed."""

    stage: Stage
    doctor: Person
    admitted: Admitted
    draft: Draft
    supplies: list[Supply] = field(default_factory=list)

    @property
    def prescription_id(self) -> UUID:
        return self.draft.prescription_id

    # -- prescribing and review

    def issue(self) -> Reply:
        return self.stage.once_known(lambda: self.stage.cast.prescriber(self.doctor).issue(self.draft.jws))

    def amend(self, amended: Draft) -> Reply:
        """Once the doctor knows that it was returned."""
        doctor = self.stage.cast.prescriber(self.doctor)
        self.wait_for_status("returned")
        self.draft = amended
        return doctor.amend(self.prescription_id, amended.jws)

    def take_case(self) -> dict[str, Any]:
        """The hospital's pharmacist takes the case, once it is in the queue."""
        reviewer, _ = self.stage.cast.reviewer_of(self.doctor)
        wanted = self.prescription_id, self.draft.payload.get("revision", 1)
        case = self.stage.cast.wait_until(lambda: reviewer.case_of(*wanted), "a case in the review queue")
        self.stage.once_known(lambda: reviewer.take(case["case_id"]))
        return reviewer.case(case["case_id"])

    def pass_review(self) -> None:
        """The pharmacist signs what they have read."""
        reviewer, person = self.stage.cast.reviewer_of(self.doctor)
        case = self.take_case()
        reviewer.pass_case(case["case_id"], signing_again.passed(person, case, "已与医师核实"))

    def return_to_doctor(self, code: str, comment: str) -> None:
        reviewer, _ = self.stage.cast.reviewer_of(self.doctor)
        case = self.take_case()
        reviewer.return_case(case["case_id"], [{"code": code, "lines": [1]}], comment)

    def refuse(self, code: str, reason: str) -> None:
        reviewer, _ = self.stage.cast.reviewer_of(self.doctor)
        reviewer.refuse(self.take_case()["case_id"], [code], reason)

    def cancel(self) -> Reply:
        return self.stage.cast.prescriber(self.doctor).cancel(self.prescription_id, "wrong_drug")

    # -- retail

    def wait_for_fulfilment(self, instalment: int = 1) -> str:
        """The patient sees that it may be fetched."""
        patient = self.stage.cast.patient(self.admitted.patient_ref)

        def opened() -> str | None:
            found = patient.fulfilments(self.prescription_id)
            return next((str(each["fulfilment_id"]) for each in found if each["instalment"] == instalment), None)

        return self.stage.cast.wait_until(opened, "the patient's right to be served")

    def hold(
        self,
        store: Store,
        *,
        way: Way = "counter",
        lines: Sequence[Mapping[str, Any]] | None = None,
        instalment: int = 1,
    ) -> Hold:
        """The patient shows the token, the pharmacy holds: all that remains, unless told otherwise. What is to be sent
        the patient has ordered by real name."""
        fulfilment_id = self.wait_for_fulfilment(instalment)
        patient, person = self.stage.cast.patient(self.admitted.patient_ref), self.admitted.patient
        token = patient.token(fulfilment_id)
        if way == "delivery":
            patient.confirm_online_order(fulfilment_id, person.name, person.identity_number)
        pharmacy = self.stage.cast.pharmacy(store)
        seen = self.stage.once_known(lambda: pharmacy.look_up(token))
        if lines is None:
            remaining = [(line["line"], line["buckets"]["remaining"]) for line in seen["fulfilment"]["lines"]]
            lines = [{"line": line, "quantity": quantity} for line, quantity in remaining if quantity]
        for line in lines:
            self.stage.stock_up(store, self.product_of(line["line"]))
        return self.stage.once_known(lambda: pharmacy.hold(fulfilment_id, token, lines, way=way))

    def dispense(self, store: Store, hold: Hold, *, less: int = 0) -> Supply:
        """Pharmacy's review, packs scanned, checked by another person. `less`: base units that are not there."""
        pharmacy, once_known = self.stage.cast.pharmacy(store), self.stage.once_known
        pharmacy.pass_review(hold)
        picked = []
        for line in hold.shown["lines"]:
            packs = self.stage.take_packs(store, self.product_of(line["line"]), line["quantity"] - less)
            picked += [{"line": line["line"], **pack} for pack in packs]
        supply = once_known(lambda: pharmacy.prepare(hold, picked))  # each of the two by another person's entry
        once_known(lambda: pharmacy.check(supply))
        self.supplies.append(supply)
        return supply

    def clear(self, store: Store, supply: Supply) -> None:
        """The standing authorisation lets insurance ask the insurer; the patient pays what is asked."""
        patient = self.stage.cast.patient(self.admitted.patient_ref)
        claim = self.stage.cast.wait_until(lambda: self._claim(supply, "authorised"), "an authorised claim")
        if claim["state"] == "authorised":
            payments = self.stage.cast.wait_until(
                lambda: patient.payments(claim["claim_id"]), "a payment to be asked for"
            )
            for payment in payments:
                patient.pay(payment["payment_id"], f"pay-{self.stage.cast.new_id().hex[:16]}")
        pharmacy = self.stage.cast.pharmacy(store)

        def cleared() -> bool:
            supplies = pharmacy.fulfilment(supply.hold.fulfilment_id)["supplies"]
            return any(found["supply_id"] == supply.supply_id and found["cleared"] for found in supplies)

        self.stage.cast.wait_until(cleared, "the supply to be cleared")

    def collect(self, store: Store, supply: Supply) -> None:
        """Over the counter, against the pickup code and the identity card."""
        code = self.stage.cast.patient(self.admitted.patient_ref).pickup_code(supply)
        person = self.admitted.patient
        collector = {"name": person.name, "identity_no": person.identity_number}
        self.stage.cast.pharmacy(store).hand_out(supply, code, collector)

    def deliver(self, store: Store, carrier: Carrier, supply: Supply) -> None:
        """A courier brings it to the door."""
        pharmacy, courier = self.stage.cast.pharmacy(store), self.stage.cast.courier(carrier)
        person = self.admitted.patient
        contact = {"name": person.name, "phone": person.phone, "address": person.address}
        delivery_id = self.stage.once_known(lambda: pharmacy.arrange_delivery(supply, carrier.code, contact))
        pharmacy.pack(delivery_id, f"SEAL-{supply.supply_id[:8]}", f"LOGGER-{supply.supply_id[:8]}")
        pharmacy.hand_over(delivery_id, b"courier's signature")
        courier.in_transit(delivery_id)
        courier.arrive(delivery_id)
        code = self.stage.cast.patient(self.admitted.patient_ref).pickup_code(supply)
        courier.deliver(delivery_id, b"patient's signature", code)

    # -- the end

    def wait_for_settlement(self) -> None:
        """Every supply's claim is settled, and the prescription completed."""
        for supply in self.supplies:
            self.stage.cast.wait_until(lambda supply=supply: self._claim(supply, "settled"), "a settled claim")  # type: ignore[misc]
        self.wait_for_status("completed")

    def wait_for_status(self, status: str) -> None:
        self.stage.cast.wait_until(lambda: self.status() == status, f"the prescription to be {status}")

    def status(self) -> str:
        return str(self.stage.cast.prescriber(self.doctor).prescription(self.prescription_id)["status"])

    def product_of(self, line: int) -> str:
        return str(next(row["product"] for row in self.draft.payload["lines"] if row["line"] == line))

    def _claim(self, supply: Supply, state: str) -> dict[str, Any] | None:
        """The supply's claim in this state, cleared or not."""
        claims = self.stage.cast.patient(self.admitted.patient_ref).claims(supply.supply_id)
        return next((claim for claim in claims if claim["state"].split("(")[0] == state), None)
