"""People who do whatever comes to their mind, with right and wrong, in any order, while the post is late."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from rxflow.client import Hold, Problem, Supply
from rxflow.client.retail import ReleaseReason, Way
from rxflow.simulation.authorities import Authority
from rxflow.simulation.buyers import Buyers
from rxflow.simulation.doing import Doing, Unlawful
from rxflow.simulation.meddlers import Meddler
from rxflow.simulation.officers import Officers
from rxflow.simulation.prescribers import Desk
from rxflow.simulation.road import Road
from rxflow.simulation.wishes import Wishes
from rxflow.simulation.writing import stores_of
from rxflow.world import Store

SENSIBLE = 0.6
"""Share of acts that lead on; the others are anything."""
ELSEWHERE = 0.25
"""How often the rest of a line is held elsewhere before what is held already goes on."""
LAPSES = (timedelta(minutes=1), timedelta(minutes=40), timedelta(hours=5), timedelta(hours=30))
NO_CODES = ("WRONG123", "NOTYET12")
"""What opens nothing: somebody's invention, and what stands for a code that nobody has heard of yet."""
CODES = ("right", "right", "right", NO_CODES[0])
ALL_LINES = 0.5
"""How often everything that is still to be had is held at once, not one line of it."""
REFUSALS = ("2-8", "2-5", "1-8", "forged")
"""Why a pharmacist does not dispense; a forgery concerns every line."""


@dataclass
class Mischief(Doing):
    """One prescription and everybody around it."""

    holds: list[tuple[Store, Hold]] = field(default_factory=list)
    supplies: list[tuple[Store, Supply]] = field(default_factory=list)
    picked: list[list[dict[str, Any]]] = field(default_factory=list)
    requests: list[UUID] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.desk = Desk(self.town, self.journey)
        self.road = Road(self.town, self._code)
        self.officers = Officers(self.town, self.journey.admitted.patient.insurer, self.supplies)
        self.meddler = Meddler(self.town, self.desk, self.holds, self.supplies, self.must_be_refused)
        self.authority = Authority(self.town, self.journey.admitted.patient.region, self.holds)
        products = tuple(line["product"] for line in self.journey.draft.payload["lines"])
        self.buyers = Buyers(self.town, products, self._stores)
        self.wishes = Wishes(self.town, self.desk, self.holds, self._fulfilment, self._stocked_up)

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
        others = (self.road, self.officers, self.meddler, self.wishes, self.authority, self.buyers)
        return deeds + [deed for each in others for deed in each.deeds()]

    def _sensible(self) -> Callable[[], object] | None:
        """What would be next."""
        if self.desk.reviewing is not None and self.town.random.random() < 0.8:
            return self.desk.review
        shown = self._fulfilment()
        statuses = {each["status"]: each for each in (*shown["holds"], *shown["supplies"])}
        if "with_courier" in statuses:
            return self.road.next(statuses["with_courier"]["delivery_id"])
        if "dispensed" in statuses:
            supply = statuses["dispensed"]
            if not supply["cleared"]:
                return self.town.random.choice((self.authorise, self.pay))
            return (
                self.town.random.choice((self.road.pack, self.road.hand_over))
                if supply["delivery_id"]
                else self.hand_out
            )
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
        return self.town.random.choice(self._stores())

    def _stores(self) -> tuple[Store, ...]:
        return stores_of(self.town, self.journey)[:3]

    def hold(self) -> None:
        """A line, or all that is still to be had at once."""
        fulfilment, store = self._fulfilment(), self._store()
        token = self._patient.token(fulfilment["fulfilment_id"])
        rows = fulfilment["lines"]
        left = [row for row in rows if row["buckets"]["remaining"]]
        chosen = left if left and self.town.random.random() < ALL_LINES else [self.town.random.choice(rows)]
        way: Way = self.town.random.choice(("counter", "delivery"))
        if way == "delivery":
            person = self.journey.admitted.patient
            self._patient.confirm_online_order(fulfilment["fulfilment_id"], person.name, person.identity_number)
        lines = [{"line": row["line"], "quantity": self._stocked_up(store, row["product"])} for row in chosen]
        held = self.town.cast.pharmacy(store).hold(fulfilment["fulfilment_id"], token, lines, way=way)
        self.holds.append((store, held))

    def _stocked_up(self, store: Store, product: str) -> int:
        """A quantity to hold of what the pharmacy has: a pack or two."""
        self.town.stage.stock_up(store, product)
        return self.town.world.product[product].drug.pack_size * self.town.random.choice((1, 1, 2))

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
        """All of it, or a part of one line."""
        store, hold = self._one(self.holds)
        line = self.town.random.choice(hold.shown["lines"])
        part = [{"line": line["line"], "quantity": self.town.random.randint(1, line["quantity"])}]
        reason: ReleaseReason = self.town.random.choice(("out_of_stock", "mistake"))
        self.town.cast.pharmacy(store).release(hold, reason, self.town.random.choice((None, None, part)))

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
        return str(codes.get(supply.supply_id, NO_CODES[1]))

    def hand_out(self) -> None:
        store, supply = self._one(self.supplies)
        person = self.journey.admitted.patient
        collector = {"name": person.name, "identity_no": person.identity_number}
        code = self._code(supply)
        self.town.cast.pharmacy(store).hand_out(supply, code, collector)
        if code in NO_CODES:
            raise Unlawful(f"supply {supply.supply_id} was handed out for the code {code}")

    def give_up(self) -> None:
        if self.town.random.random() < 0.4:
            self._patient.give_up(self._one(self.supplies)[1])

    def arrange(self) -> None:
        store, supply = self._one(self.supplies)
        contact = {"name": "某某", "phone": "13900000000", "address": "某路1号"}
        courier = self.town.world.carrier_near(store).code
        delivery_id = self.town.cast.pharmacy(store).arrange_delivery(supply, courier, contact)
        self.road.parcels.append((store, supply, delivery_id))

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

    def bring_to_an_end(self) -> None:
        """What is on the road arrives, what is back is looked at, what is suspected or disputed is decided."""
        journeys = (self.desk.journey, *self.desk.followed)
        found = [each for one in journeys for each in self._patient.fulfilments(one.prescription_id)]
        away = {s["supply_id"]: s["delivery_id"] for f in found for s in f["supplies"] if s["status"] == "with_courier"}
        self.road.bring_home(away)
        self.officers.settle_audits()
        self.officers.settle_disputes()
