"""A small town to test in: two pharmacies, a courier, three drugs, one patient; short words for long ways."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from contracts.events import insurance, prescribe
from contracts.registers import DrugClass
from contracts.values import LineQuantity as ContractQuantity
from services.dispatch.application import deliveries, holds, online_orders, parcel_ends, stock, supplies
from services.dispatch.application.deliveries import ArrangeDelivery
from services.dispatch.application.holds import HoldRequest
from services.dispatch.application.parcel_ends import Deliver
from services.dispatch.application.parcel_goods import packs_of
from services.dispatch.application.registers import KINDS
from services.dispatch.application.shelf import Circumstances, settle
from services.dispatch.application.stock import Receipt
from services.dispatch.composition import SERVICE
from services.dispatch.domain import secrets
from services.dispatch.domain.delivery.commands import PackDelivery
from services.dispatch.domain.delivery.state import DELIVERIES, DeliveryState
from services.dispatch.domain.delivery.values import ContactAddress
from services.dispatch.domain.fulfilment import courier
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS, fulfilment_id
from services.dispatch.domain.fulfilment.commands import (
    DispenseSupply,
    GiveUp,
    HandOut,
    PassPharmacyReview,
    PrepareSupply,
    ReleaseHold,
    TakeBack,
    WantedLine,
)
from services.dispatch.domain.fulfilment.online_order import ConfirmOnlineOrder
from services.dispatch.domain.fulfilment.state import FulfilmentState
from services.dispatch.domain.owner_words import NoOtherStore, TraceCodeOwner
from services.dispatch.domain.policy import CN
from services.dispatch.domain.stock.item import STOCK_ITEMS, StockState, stock_item_id
from services.dispatch.domain.values import Bucket, CollectorIdentity, LineQuantity, PickedLine, UndonePack, Way
from services.seedwork.model import Loaded
from services.seedwork.ports import Outcome
from services.seedwork.register_loading import record_entries
from services.seedwork.usecase import Actor, Moment, UseCase
from tests.support.store_in_memory import StoreInMemory

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
"""12:00 in China."""
VALID_UNTIL = datetime(2026, 3, 2, 15, 59, 59, tzinfo=UTC)
SINCE = date(2024, 1, 1)
KEY = b"a key of the tests"
A, B = "P43010200001", "P43010300002"
GOOD_UNTIL = date(2029, 6, 30)
COURIER = "91430100MA4L00000X"
INSURER = "430100"
TABLETS = "XC09AAA040A001010102699"
BRAND = "XC09AAA040A001010202700"
SYRUP = "XR05CBA040A001010102701"
CARD = "430102199003070012"
AGENT_CARD = "430102198506150028"
SHA = "ab" * 32
HOUR = timedelta(hours=1)

DRUGS: dict[str, dict[str, Any]] = {
    TABLETS: {"generic_name": "卡托普利", "form": "片剂", "strength": "25mg", "pack_size": 20},
    BRAND: {"generic_name": "卡托普利", "form": "片剂", "strength": "25mg", "pack_size": 30},
    SYRUP: {"generic_name": "氨溴索", "form": "口服溶液", "strength": "0.6%", "pack_size": 1},
}


def valid_card(body: str) -> str:
    """An identity number with its check digit (ISO 7064 MOD 11-2)."""
    total = sum(int(digit) * (2 ** (17 - place) % 11) for place, digit in enumerate(body))
    return body + "10X98765432"[total % 11]


PATIENT_CARD = valid_card(CARD[:17])
AGENTS_CARD = valid_card(AGENT_CARD[:17])


def person(role: str, pharmacy: str = A) -> str:
    """The code of the one person of a profession at a pharmacy."""
    return f"HY{pharmacy[1:7]}{pharmacy[-2:]}{['pharmacist', 'preparer', 'checker', 'quality_manager'].index(role):04d}"


def actor(role: str, pharmacy: str = A) -> Actor:
    return Actor(subject=person(role, pharmacy), role=role, organisation=pharmacy)


class Town:
    """Everything a test of dispatch says, in one place."""

    def __init__(self, store: Any = None, now: datetime = NOON, owners: TraceCodeOwner | None = None) -> None:
        """`owners`: the way to other regional stores, where there are some."""
        self.store = store or StoreInMemory(SERVICE, now)
        self.owners: TraceCodeOwner = owners or NoOtherStore()
        self.opens_at = now
        self.closes_at = VALID_UNTIL if now == NOON else now + 12 * HOUR
        self.patient_ref = uuid4()
        self._codes = 0
        self._register()
        for pharmacy in (A, B):
            self.receive(pharmacy, TABLETS, "L1", 200, price=1250)
            self.receive(pharmacy, SYRUP, "S1", 10, price=2990)

    # registers ---------------------------------------------------------------------------------------------------
    def _register(self) -> None:
        self.load("pharmacy", A, place(28.20, 112.98, "430102"))
        self.load("pharmacy", B, place(28.15, 112.95, "430103"))
        self.load("courier", COURIER, {"name": "示例医药配送", "agreement_until": "2027-12-31", "cold_chain": False})
        for pharmacy in (A, B):
            for role in ("pharmacist", "preparer", "checker"):
                self.refer("person", person(role, pharmacy), staff(role, pharmacy))
        for product, facts in DRUGS.items():
            self.refer("drug", product, drug(**facts))
        self.designate(A, ("定点", "门诊统筹"))

    def load(self, kind: Any, code: str, content: dict[str, Any], **more: Any) -> Outcome:
        row = {"code": code, "content": content, "valid_from": SINCE.isoformat(), **more}
        return self.store.run(record_entries(KINDS, kind, [row]))

    def refer(self, kind: Any, code: str, content: dict[str, Any], **more: Any) -> None:
        event = prescribe.RegisterEntryRecorded(kind=kind, code=code, content=content, valid_from=SINCE, **more)
        self.store.react(event)

    def designate(self, pharmacy: str, channels: tuple[str, ...], **more: Any) -> None:
        content = {"pharmacy": pharmacy, "insurer": INSURER, "channels": list(channels)}
        code = f"{pharmacy}-{INSURER}"
        event = insurance.RegisterEntryRecorded(
            kind="designation", code=code, content=content, valid_from=SINCE, **more
        )
        self.store.react(event)

    # stock -------------------------------------------------------------------------------------------------------
    def receive(
        self, pharmacy: str, product: str, lot: str, quantity: int, price: int = 1250, expiry: date = GOOD_UNTIL
    ) -> Outcome:
        receipt = Receipt(
            pharmacy=pharmacy, product=product, lot=lot, expiry=expiry, quantity=quantity, unit_price=price
        )
        return self.store.run(stock.receive_stock(receipt))

    def shelf(self, pharmacy: str = A, product: str = TABLETS) -> StockState:
        state: StockState = self.store.state(STOCK_ITEMS.ref(stock_item_id(pharmacy, product)))
        return state

    def new_codes(self, count: int) -> tuple[str, ...]:
        """Trace codes that nobody has seen."""
        self._codes += count
        return tuple(f"8{self._codes - number:019d}" for number in range(count))

    # prescription ------------------------------------------------------------------------------------------------
    def release(self, *quantities: int, intent: str = "general", **changes: Any) -> UUID:
        """A prescription of tablets (line 1) and syrup (line 2) comes into circulation. Answers the fulfilment."""
        prescription_id = uuid4()
        self.store.react(self.released(prescription_id, quantities or (60,), intent, **changes))
        self.store.react(self.instalment(prescription_id, quantities or (60,)))
        return fulfilment_id(prescription_id, 1)

    def released(
        self, prescription_id: UUID, quantities: tuple[int, ...], intent: str = "general", **changes: Any
    ) -> prescribe.PrescriptionReleased:
        products = (TABLETS, SYRUP)
        return prescribe.PrescriptionReleased.model_validate(
            {
                "prescription_id": prescription_id,
                "patient_ref": self.patient_ref,
                "revision": 1,
                "confirmation_no": 0,
                "prescriber": "D430102000001",
                "institution": "H43010200001",
                "region": "430102",
                "patient_name": "测试患者",
                "diagnoses": changes.pop("diagnoses", [{"code": "I10", "name": "原发性高血压"}]),
                "lines": [
                    released_line(number, product, quantity, **changes)
                    for number, (product, quantity) in enumerate(zip(products, quantities, strict=False), 1)
                ],
                "reviewers": [{"person": "HY430102000009", "name": "审方药师", "organisation": "H43010200001"}],
                "insurance_intent": {"kind": intent},
                "signed_sha256": SHA,
                "signature": {"kid": "k1", "checked_at": NOON, "degraded": changes.pop("degraded", False)},
                "valid_until": VALID_UNTIL,
            }
        )

    def instalment(self, prescription_id: UUID, quantities: tuple[int, ...]) -> prescribe.InstalmentOpened:
        return prescribe.InstalmentOpened(
            prescription_id=prescription_id,
            patient_ref=self.patient_ref,
            instalment=1,
            of=1,
            opens_at=self.opens_at,
            closes_at=self.closes_at,
            lines=tuple(ContractQuantity(line=line, quantity=amount) for line, amount in enumerate(quantities, 1)),
        )

    def expire(self, fulfilment: UUID) -> Outcome:
        state = self.state(fulfilment)
        event = prescribe.PrescriptionExpired(
            prescription_id=state.prescription_id, patient_ref=self.patient_ref, valid_until=VALID_UNTIL, lines=()
        )
        return self.store.react(event)

    def cancel(self, fulfilment: UUID, *scope: tuple[int, int], request_id: UUID | None = None) -> Any:
        """The prescriber cancels; answers what dispatch told."""
        event = prescribe.CancellationRequested(
            request_id=request_id or uuid4(),
            prescription_id=self.state(fulfilment).prescription_id,
            patient_ref=self.patient_ref,
            fulfilments=(fulfilment,),
            scope=tuple(ContractQuantity(line=line, quantity=amount) for line, amount in scope) or None,
            reason_code="wrong_drug",
            urgent=False,
            answer_due_at=self.store.time + 2 * HOUR,
        )
        self.store.react(event)
        return event

    # a fill ------------------------------------------------------------------------------------------------------
    def state(self, fulfilment: UUID) -> FulfilmentState:
        state: FulfilmentState = self.store.state(FULFILMENTS.ref(fulfilment))
        assert all(line.buckets.balanced for line in state.lines.values()), "a quantity got lost"
        return state

    def token(self, fulfilment: UUID) -> str:
        return secrets.patient_token(KEY, fulfilment, 1)

    def secret(self, hold_id: UUID, pharmacy: str = A) -> str:
        return secrets.hold_secret(KEY, hold_id, pharmacy)

    def try_hold(
        self, fulfilment: UUID, *lines: tuple[int, int], pharmacy: str = A, way: Way = Way.COUNTER, **more: Any
    ) -> Outcome:
        brand = more.pop("product", None)
        if more.pop("ordered", True) and way is Way.DELIVERY:
            self.try_order(fulfilment)
        wanted = tuple(WantedLine(line=line, quantity=amount, product=brand) for line, amount in lines or ((1, 60),))
        request = HoldRequest(
            fulfilment_id=fulfilment,
            pharmacy=pharmacy,
            pharmacist=person("pharmacist", pharmacy),
            token=more.pop("token", None) or self.token(fulfilment),
            way=way,
            lines=wanted,
            **more,
        )
        who = actor("pharmacist", pharmacy)
        return self.store.run(holds.hold_quantity(request, who, KEY, KEY), who)

    def try_order(self, fulfilment: UUID, **changes: Any) -> Outcome:
        """The patient confirms that it may be sent."""
        notice = CN.on(self.store.time.date()).online_notice
        said = {
            "patient_ref": self.patient_ref,
            "name": "测试患者",
            "identity_no": PATIENT_CARD,
            "notice": notice.version if notice else "",
            **changes,
        }
        return self.store.run(online_orders.confirm_online_order(fulfilment, ConfirmOnlineOrder.model_validate(said)))

    def hold(self, fulfilment: UUID, *lines: tuple[int, int], pharmacy: str = A, **more: Any) -> UUID:
        """Holds; answers the hold."""
        return UUID(fine(self.try_hold(fulfilment, *lines, pharmacy=pharmacy, **more)).body["hold_id"])

    def review(self, fulfilment: UUID, hold_id: UUID, pharmacy: str = A, **seen: Any) -> Outcome:
        pharmacist = person("pharmacist", pharmacy)
        command = PassPharmacyReview(hold_id=hold_id, pharmacy=pharmacy, pharmacist=pharmacist, **seen)
        return self.store.run(holds.pass_review(fulfilment, command, self.secret(hold_id, pharmacy), KEY))

    def accepted(self, fulfilment: UUID, *lines: tuple[int, int], pharmacy: str = A, **more: Any) -> UUID:
        """A hold whose review has passed."""
        hold_id = self.hold(fulfilment, *lines, pharmacy=pharmacy, **more)
        fine(self.review(fulfilment, hold_id, pharmacy))
        return hold_id

    def release_hold(
        self, fulfilment: UUID, hold_id: UUID, reason: Any = "mistake", pharmacy: str = A, **more: Any
    ) -> Outcome:
        command = ReleaseHold(hold_id=hold_id, pharmacy=pharmacy, reason=reason, **more)
        return self.store.run(holds.release_hold(fulfilment, command, self.secret(hold_id, pharmacy), KEY, KEY))

    def pick(self, quantity: int = 60, line: int = 1, **changes: Any) -> PickedLine:
        """Packs of tablets for a line, with fresh trace codes."""
        product = changes.get("product", TABLETS if line == 1 else SYRUP)
        size = DRUGS[product]["pack_size"]
        fields = {
            "line": line,
            "product": product,
            "quantity": quantity,
            "lot": "L1" if line == 1 else "S1",
            "expiry": GOOD_UNTIL,
            "trace_codes": self.new_codes(-(-quantity // size)),
            **changes,
        }
        return PickedLine.model_validate(fields)

    def try_prepare(self, fulfilment: UUID, hold_id: UUID, *picks: PickedLine, pharmacy: str = A) -> Outcome:
        command = PrepareSupply(
            hold_id=hold_id,
            pharmacy=pharmacy,
            preparer=person("preparer", pharmacy),
            lines=picks or (self.pick(),),
        )
        secret = self.secret(hold_id, pharmacy)
        return self.store.run(supplies.prepare_supply(fulfilment, command, secret, KEY, self.owners.stores))

    def prepare(self, fulfilment: UUID, hold_id: UUID, *picks: PickedLine, pharmacy: str = A) -> UUID:
        return UUID(fine(self.try_prepare(fulfilment, hold_id, *picks, pharmacy=pharmacy)).body["supply_id"])

    def try_check(
        self,
        fulfilment: UUID,
        supply_id: UUID,
        pharmacy: str = A,
        checker: str | None = None,
        secret: str | None = None,
    ) -> Outcome:
        supply = self.state(fulfilment).supplies.get(supply_id)
        shown = secret or (self.secret(supply.hold_id, pharmacy) if supply else "none")
        command = DispenseSupply(supply_id=supply_id, pharmacy=pharmacy, checker=checker or person("checker", pharmacy))
        return self.store.run(supplies.dispense_supply(fulfilment, command, shown, KEY, KEY, self.owners))

    def dispensed(self, fulfilment: UUID, quantity: int = 60, pharmacy: str = A, **more: Any) -> UUID:
        """Held, reviewed, prepared, checked. Answers the supply."""
        hold_id = self.accepted(fulfilment, (1, more.pop("held", quantity)), pharmacy=pharmacy, **more)
        supply_id = self.prepare(fulfilment, hold_id, self.pick(quantity), pharmacy=pharmacy)
        fine(self.try_check(fulfilment, supply_id, pharmacy))
        return supply_id

    def claim(self, fulfilment: UUID, supply_id: UUID, attempt: int = 1) -> dict[str, Any]:
        """What every event of a claim names."""
        return {
            "claim_id": uuid4(),
            "supply_id": supply_id,
            "prescription_id": self.state(fulfilment).prescription_id,
            "fulfilment_id": fulfilment,
            "attempt": attempt,
            "patient_ref": self.patient_ref,
            "pharmacy": A,
            "insurer": INSURER,
        }

    def clear(self, fulfilment: UUID, supply_id: UUID, attempt: int = 1) -> None:
        facts = self.claim(fulfilment, supply_id, attempt)
        self.store.react(insurance.SupplyCleared(how="insured", **facts))

    def try_hand_out(self, fulfilment: UUID, supply_id: UUID, pharmacy: str = A, **more: Any) -> Outcome:
        kind = more.get("kind", "patient")
        identity = more.get("identity", CollectorIdentity(name="测试患者", identity_no=PATIENT_CARD))
        command = HandOut(
            supply_id=supply_id,
            pharmacy=pharmacy,
            handed_out_by=person("pharmacist", pharmacy),
            collector_kind=kind,
            collector=identity,
        )
        code = more.get("code") or secrets.pickup_code(KEY, supply_id)
        who = actor("pharmacist", pharmacy)
        return self.store.run(supplies.hand_out(fulfilment, command, code, who, KEY), who)

    def collected(self, fulfilment: UUID, quantity: int = 60, pharmacy: str = A, **more: Any) -> UUID:
        """All the way over the counter."""
        supply_id = self.dispensed(fulfilment, quantity, pharmacy, **more)
        self.clear(fulfilment, supply_id)
        fine(self.try_hand_out(fulfilment, supply_id, pharmacy))
        return supply_id

    def give_up(self, fulfilment: UUID, supply_id: UUID, patient: UUID | None = None) -> Outcome:
        command = GiveUp(supply_id=supply_id, patient_ref=patient or self.patient_ref)
        return self.store.run(supplies.give_up(fulfilment, command))

    def try_take_back(
        self, fulfilment: UUID, supply_id: UUID, *lines: tuple[int, int], pharmacy: str = A, why: Any = "quality"
    ) -> Outcome:
        """The patient brings something back; without lines, all of it."""
        wanted = tuple(LineQuantity(line=line, quantity=quantity) for line, quantity in lines) or None
        command = TakeBack(
            supply_id=supply_id,
            pharmacy=pharmacy,
            taken_back_by=person("pharmacist", pharmacy),
            why=why,
            lines=wanted,
        )
        return self.store.run(supplies.take_back(fulfilment, command))

    def came_back(
        self, fulfilment: UUID, supply_id: UUID, why: Any = "returned", disposition: Any = "restocked"
    ) -> Outcome:
        """The courier's parcel has come back and was looked at, or is lost."""

        def decide(moment: Moment, loaded: Loaded[FulfilmentState]) -> Any:
            about = Circumstances.at(moment)
            packs = tuple(
                UndonePack.model_validate({**pack.model_dump(exclude={"number"}), "disposition": disposition})
                for pack in packs_of(loaded.state.supplies[supply_id])
            )
            come = courier.came_back_from_courier(loaded.state, supply_id, why, packs, about.now, about.policy)
            return (yield from settle(loaded, come, about))

        return self.store.run(UseCase((FULFILMENTS.ref(fulfilment),), decide))

    def refuse_claim(self, fulfilment: UUID, supply_id: UUID, *, may_self_pay: bool = True) -> None:
        facts = self.claim(fulfilment, supply_id)
        refusal = insurance.ClaimRefused(stage="authorise", reasons=("x",), may_self_pay=may_self_pay, **facts)
        self.store.react(refusal)

    def buckets(self, fulfilment: UUID, line: int = 1) -> dict[str, int]:
        """Where the quantity of a line is: the buckets that hold something."""
        found = self.state(fulfilment).lines[line].buckets
        return {bucket.value: found.of(bucket) for bucket in Bucket if found.of(bucket)}

    # a delivery --------------------------------------------------------------------------------------------------
    def try_arrange(self, fulfilment: UUID, supply_id: UUID, courier: str = COURIER, pharmacy: str = A) -> Outcome:
        contact = ContactAddress(name="测试患者", phone="13800000000", address="长沙市示例路1号")
        command = ArrangeDelivery(
            fulfilment_id=fulfilment, supply_id=supply_id, pharmacy=pharmacy, courier=courier, contact=contact
        )
        return self.store.run(deliveries.arrange(command))

    def arranged(self, fulfilment: UUID, supply_id: UUID) -> UUID:
        return UUID(fine(self.try_arrange(fulfilment, supply_id)).body["delivery_id"])

    def packed(self, fulfilment: UUID, supply_id: UUID) -> UUID:
        delivery_id = self.arranged(fulfilment, supply_id)
        command = PackDelivery(pharmacy=A, packed_by=person("checker"), seal_no="SEAL-1")
        fine(self.store.run(deliveries.pack(delivery_id, command)))
        return delivery_id

    def on_the_road(self, fulfilment: UUID, supply_id: UUID) -> UUID:
        """Cleared, packed, with the courier, on the way."""
        self.clear(fulfilment, supply_id)
        delivery_id = self.packed(fulfilment, supply_id)
        fine(self.store.run(deliveries.hand_over(delivery_id, A, SHA)))
        fine(self.store.run(deliveries.in_transit(delivery_id, COURIER)))
        return delivery_id

    def deliver(self, delivery_id: UUID, supply_id: UUID, **more: Any) -> Outcome:
        fields = {"courier": COURIER, "proof_sha256": SHA, "code": secrets.pickup_code(KEY, supply_id), **more}
        return self.store.run(parcel_ends.deliver(delivery_id, Deliver.model_validate(fields), KEY))

    def delivery(self, delivery_id: UUID) -> DeliveryState:
        state: DeliveryState = self.store.state(DELIVERIES.ref(delivery_id))
        return state


def fine(outcome: Outcome) -> Outcome:
    assert outcome.refusal is None, outcome.refusal
    assert outcome.status < 400, outcome.body
    return outcome


def refused(outcome: Outcome, code: str) -> None:
    """The rule that was broken: a refusal, or a counted wrong code."""
    assert (outcome.refusal.code if outcome.refusal else outcome.body.get("problem")) == code


def place(latitude: float, longitude: float, region: str) -> dict[str, Any]:
    return {
        "name": "示例大药房",
        "region": region,
        "address": "示例路1号",
        "latitude": latitude,
        "longitude": longitude,
    }


def staff(role: str, pharmacy: str) -> dict[str, Any]:
    return {"name": "示例", "professions": [role], "organisation": pharmacy, "registration_no": "R1"}


def drug(**facts: Any) -> dict[str, Any]:
    return {
        "english_name": "demo",
        "atc": "C09AA01",
        "base_unit": "片",
        "dose_unit": "mg",
        "dose_per_base_unit": 25000,
        **facts,
    }


def released_line(number: int, product: str, quantity: int, **changes: Any) -> dict[str, Any]:
    facts = DRUGS[product]
    return {
        "line": number,
        "product": product,
        "generic_name": facts["generic_name"],
        "drug_key": f"{facts['generic_name']}|{facts['form']}|{facts['strength']}",
        "form": facts["form"],
        "strength": facts["strength"],
        "drug_class": DrugClass.ORDINARY,
        "base_unit": "片",
        "quantity": quantity,
        "dose_text": "一次25mg 一日2次",
        "counter_only": False,
        "deliverable": True,
        "cold_chain": False,
        "substitution_consent": True,
        **changes,
    }
