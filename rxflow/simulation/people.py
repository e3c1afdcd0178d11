"""People who do whatever comes to their mind, with right and wrong, in any order, while the post is late."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from rxflow.client import Hold, Problem, Supply
from rxflow.client.retail import Way
from rxflow.simulation.doing import Doing
from rxflow.simulation.prescribers import Desk
from rxflow.simulation.writing import stores_of
from rxflow.world import Store

SENSIBLE = 0.6
"""Share of acts that lead on; the others are anything."""
ELSEWHERE = 0.25
"""How often the rest of a line is held elsewhere before what is held already goes on."""
LAPSES = (timedelta(minutes=1), timedelta(minutes=40), timedelta(hours=5), timedelta(hours=30))
CODES = ("right", "right", "right", "WRONG123")
REFUSALS = ("2-8", "2-5", "1-8", "forged")
"""Why a pharmacist does not dispense; a forgery concerns every line."""


@dataclass
class Mischief(Doing):
    """One prescription and everybody around it."""

    holds: list[tuple[Store, Hold]] = field(default_factory=list)
    supplies: list[tuple[Store, Supply]] = field(default_factory=list)
    deliveries: list[tuple[Store, Supply, str]] = field(default_factory=list)
    picked: list[list[dict[str, Any]]] = field(default_factory=list)
    requests: list[UUID] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.desk = Desk(self.town, self.journey)

    def act(self) -> None:
        """Somebody does something."""
        deed = self.town.random.choice(self._deeds())
        sensible = self.town.random.random() < SENSIBLE
        self.attempt(lambda: (self._sensible() if sensible else None) or deed)

    def _deeds(self) -> list[Callable[[], object]]:
        deeds: list[Callable[[], object]] = [self.hold, self.hold, self.cancel, self.wait, self.authorise, self.pay]
        deeds += self.desk.deeds()
        if self.holds:
            deeds += [self.review, self.review, self.prepare, self.prepare, self.prepare, self.release, self.refuse]
        if self.supplies:
            deeds += [self.check, self.check, self.check, self.hand_out, self.hand_out, self.unprepare, self.give_up]
            deeds += [self.arrange, self.pay, self.pay]
        if self.deliveries:
            deeds += 2 * [self.pack, self.hand_over, self.carry, self.carry, self.deliver, self.call_off]
        return deeds

    def _sensible(self) -> Callable[[], object] | None:
        """What would be next."""
        if self.desk.reviewing is not None and self.town.random.random() < 0.8:
            return self.desk.review
        shown = self._fulfilment()
        statuses = {each["status"]: each for each in (*shown["holds"], *shown["supplies"])}
        if "with_courier" in statuses:
            return self.town.random.choice((self.carry, self.deliver))
        if "dispensed" in statuses:
            supply = statuses["dispensed"]
            if not supply["cleared"]:
                return self.pay
            return self.town.random.choice((self.pack, self.hand_over)) if supply["delivery_id"] else self.hand_out
        if "prepared" in statuses:
            return self.check
        remains = any(line["buckets"]["remaining"] for line in shown["lines"])
        if remains and {"accepted", "active"} & statuses.keys() and self.town.random.random() < ELSEWHERE:
            return self.hold
        if "accepted" in statuses:
            return self.prepare
        if "active" in statuses:
            return self.review
        if any(line["blocked"] for line in shown["lines"]) and self.town.random.random() < 0.5:
            return self.desk.answer
        return self.hold if remains else None

    def _one(self, of: list[Any]) -> Any:
        """Mostly the latest. Whoever has not heard of any (the answer was lost) cannot do it."""
        if not of:
            raise Problem("not.heard", 404)
        return of[-1] if self.town.random.random() < 0.7 else self.town.random.choice(of)

    @property
    def _patient(self) -> Any:
        return self.town.cast.patient(self.journey.admitted.patient_ref)

    def _fulfilment(self) -> dict[str, Any]:
        """Of the instalment that was opened last, now and then of an earlier one."""
        found = self._patient.fulfilments(self.desk.journey.prescription_id)
        if not found:
            raise Problem("not.yet", 404)
        chosen: dict[str, Any] = self._one(sorted(found, key=lambda each: each["instalment"]))
        return chosen

    def _store(self) -> Store:
        return self.town.random.choice(stores_of(self.town, self.journey)[:3])

    def hold(self) -> None:
        fulfilment, store = self._fulfilment(), self._store()
        token = self._patient.token(fulfilment["fulfilment_id"])
        line = self.town.random.choice(fulfilment["lines"])
        size = self.town.world.product[line["product"]].drug.pack_size
        quantity = size * self.town.random.choice((1, 1, 2))
        self.town.stage.stock_up(store, line["product"])
        way: Way = self.town.random.choice(("counter", "delivery"))
        lines = [{"line": line["line"], "quantity": quantity}]
        held = self.town.cast.pharmacy(store).hold(fulfilment["fulfilment_id"], token, lines, way=way)
        self.holds.append((store, held))

    def review(self) -> None:
        store, hold = self._one(self.holds)
        self.town.cast.pharmacy(store).pass_review(hold)

    def prepare(self) -> None:
        store, hold = self._one(self.holds)
        picked = []
        for line in hold.shown["lines"]:
            lot = self.town.world.lots(store.code, line["product"])[0]
            packs = self.town.random.randint(1, -(-line["quantity"] // lot.pack_size))
            codes = self.town.random.sample(lot.trace_codes, min(packs, lot.packs))
            picked.append(
                {
                    "line": line["line"],
                    "product": line["product"],
                    "quantity": min(line["quantity"], len(codes) * lot.pack_size),
                    "lot": lot.lot,
                    "expiry": lot.expires_on.isoformat(),
                    "trace_codes": codes,
                }
            )
        if self.picked and self.town.random.random() < 0.2:  # codes that were scanned before
            picked = self.town.random.choice(self.picked)
        self.picked.append(picked)
        self.supplies.append((store, self.town.cast.pharmacy(store).prepare(hold, picked)))

    def check(self) -> None:
        store, supply = self._one(self.supplies)
        self.town.cast.pharmacy(store).check(supply)

    def unprepare(self) -> None:
        store, supply = self._one(self.supplies)
        preparer = self.town.cast.pharmacy(store).preparer
        preparer.command("dispatch", f"{supply.path}/unprepare", {"secret": supply.hold.secret})

    def release(self) -> None:
        store, hold = self._one(self.holds)
        self.town.cast.pharmacy(store).release(hold, self.town.random.choice(("out_of_stock", "mistake")))

    def refuse(self) -> None:
        """The pharmacist does not dispense it as it stands: all lines of the hold, or one of them."""
        store, hold = self._one(self.holds)
        if self.town.random.random() < 0.4:
            code, line = self.town.random.choice(REFUSALS), self.town.random.choice(hold.shown["lines"])["line"]
            self.town.cast.pharmacy(store).refuse(hold, code, "请医师核对", self.town.random.choice((None, [line])))

    def authorise(self) -> None:
        for claim in self._claims():
            if self.town.random.random() < 0.5:
                path = f"/claims/{claim['claim_id']}"
                kind, body = self.town.random.choice(
                    (("authorise", {"credential": "ecard-1234"}), ("self-pay", {"consent": "form-1234"}))
                )
                self._patient.session.command("insurance", f"{path}/{kind}", body)

    def pay(self) -> None:
        for claim in self._claims():
            for payment in self._patient.payments(claim["claim_id"]):
                if payment["status"] == "requested":
                    prefix = self.town.random.choice(("pay-", "pay-", "DECLINE-"))
                    self._patient.pay(payment["payment_id"], prefix + self.town.new_id().hex[:12])

    def _claims(self) -> list[dict[str, Any]]:
        return self._patient.claims(self._one(self.supplies)[1].supply_id) if self.supplies else []

    def _code(self, supply: Supply) -> str:
        code = self.town.random.choice(CODES)
        if code != "right":
            return code
        shown = self._patient.session.read("dispatch", f"/fulfilments/{supply.hold.fulfilment_id}/token")
        codes = {pickup["supply_id"]: pickup["code"] for pickup in shown["pickup_codes"]}
        return str(codes.get(supply.supply_id, "NOTYET12"))

    def hand_out(self) -> None:
        store, supply = self._one(self.supplies)
        person = self.journey.admitted.patient
        collector = {"name": person.name, "identity_no": person.identity_number}
        self.town.cast.pharmacy(store).hand_out(supply, self._code(supply), collector)

    def give_up(self) -> None:
        if self.town.random.random() < 0.4:
            self._patient.give_up(self._one(self.supplies)[1])

    def arrange(self) -> None:
        store, supply = self._one(self.supplies)
        contact = {"name": "某某", "phone": "13900000000", "address": "某路1号"}
        courier = self.town.world.carrier_near(store).code
        delivery_id = self.town.cast.pharmacy(store).arrange_delivery(supply, courier, contact)
        self.deliveries.append((store, supply, delivery_id))

    def pack(self) -> None:
        store, _, delivery_id = self._one(self.deliveries)
        self.town.cast.pharmacy(store).pack(delivery_id, "SEAL-1", "LOGGER-1")

    def hand_over(self) -> None:
        store, _, delivery_id = self._one(self.deliveries)
        self.town.cast.pharmacy(store).hand_over(delivery_id, b"courier")

    def carry(self) -> None:
        store, _, delivery_id = self._one(self.deliveries)
        courier = self.town.cast.courier(self.town.world.carrier_near(store))
        match self.town.random.choice(("transit", "arrive", "fail")):
            case "transit":
                courier.in_transit(delivery_id)
            case "arrive":
                courier.arrive(delivery_id)
            case _:
                courier.fail_attempt(delivery_id, "nobody_there")

    def deliver(self) -> None:
        store, supply, delivery_id = self._one(self.deliveries)
        self.town.cast.courier(self.town.world.carrier_near(store)).deliver(delivery_id, b"proof", self._code(supply))

    def call_off(self) -> None:
        store, _, delivery_id = self._one(self.deliveries)
        body = {"reason": "patient_wish"}
        self.town.cast.pharmacy(store).pharmacist.command("dispatch", f"/deliveries/{delivery_id}/cancel", body)

    def cancel(self) -> None:
        """Seldom; all, or a part."""
        if self.town.random.random() < 0.12:
            journey = self.desk.journey
            line = self.town.random.choice(journey.draft.payload["lines"])
            part = [{"line": line["line"], "quantity": self.town.random.randint(1, line["quantity"])}]
            request_id = self.town.random.choice([self.town.new_id(), *self.requests])
            self.requests.append(request_id)
            scope, urgent = self.town.random.choice((None, part)), self.town.random.random() < 0.4
            doctor, prescription_id = self.town.cast.prescriber(journey.doctor), journey.prescription_id
            doctor.cancel(prescription_id, "wrong_drug", scope=scope, urgent=urgent, request_id=request_id)

    def wait(self) -> None:
        if self.town.random.random() < 0.1:
            self.town.move_clock(self.town.random.choice(LAPSES))

    def bring_what_is_on_the_road(self) -> None:
        """A courier who has it delivers it in the end: a proved delivery is always recorded."""
        journeys = (self.desk.journey, *self.desk.followed)
        found = [each for one in journeys for each in self._patient.fulfilments(one.prescription_id)]
        away = {s["supply_id"]: s["delivery_id"] for f in found for s in f["supplies"] if s["status"] == "with_courier"}
        for store, supply, delivery_id in self.deliveries:
            if away.get(supply.supply_id) == delivery_id:
                self.town.cast.courier(self.town.world.carrier_near(store)).deliver(delivery_id, b"proof", "")
