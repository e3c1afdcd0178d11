"""The town's words for parcels: sent, measured, brought back, looked at."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

from contracts.events import dispatch as told
from services.dispatch.application import deliveries, parcel_ends
from services.dispatch.application.deliveries import ArrangeDelivery
from services.dispatch.domain.delivery.commands import (
    AssessExcursion,
    DecideQuarantine,
    FailAttempt,
    InspectReturn,
    LogTemperatures,
    PackDelivery,
    PackVerdict,
    Recall,
    ReceiveReturn,
    ScheduleRetry,
)
from services.dispatch.domain.delivery.state import DeliveryState
from services.dispatch.domain.delivery.values import ContactAddress, Reading
from services.dispatch.domain.fulfilment.state import Buckets, Supply
from services.dispatch.domain.stock.item import Lot
from services.dispatch.domain.trace_code import TRACE_CODES, TraceCodeState, trace_code_id
from services.seedwork.ports import Outcome
from tests.unit.dispatch.town import COURIER, SHA, TABLETS, A, Town, fine, person

COLD = "91430100MA4L00002X"
"""A courier with validated cold boxes."""
QUALITY = "HY430102010009"
MINUTES = timedelta(minutes=1)


class Road:
    """One supply of a town, on its way and back."""

    def __init__(
        self,
        town: Town,
        *,
        cold: bool = False,
        lines: tuple[int, ...] = (60,),
        prescribed: tuple[int, ...] | None = None,
        picked: Mapping[str, Any] = MappingProxyType({}),
        **drug: Any,
    ) -> None:
        self.town = town
        self.courier = COLD if cold else COURIER
        self.cold = cold
        town.load("courier", COLD, {"name": "冷链", "agreement_until": "2027-12-31", "cold_chain": True})
        content = {"name": "质量", "professions": ["quality_manager"], "organisation": A, "registration_no": "Q1"}
        town.refer("person", QUALITY, content)
        self.fulfilment = town.release(*(prescribed or lines), cold_chain=cold, **drug)
        hold = town.accepted(self.fulfilment, *enumerate(lines, 1))
        picks = [town.pick(quantity, line, **picked) for line, quantity in enumerate(lines, 1)]
        self.codes = [code for pick in picks for code in pick.trace_codes]
        self.supply_id = town.prepare(self.fulfilment, hold, *picks)
        fine(town.try_check(self.fulfilment, self.supply_id))
        town.clear(self.fulfilment, self.supply_id)
        self.delivery_id = UUID(fine(self.arrange()).body["delivery_id"])

    def arrange(self) -> Outcome:
        contact = ContactAddress(name="测试患者", phone="13800000000", address="长沙市示例路1号")
        command = ArrangeDelivery(
            fulfilment_id=self.fulfilment, supply_id=self.supply_id, pharmacy=A, courier=self.courier, contact=contact
        )
        return self._run(deliveries.arrange(command))

    # on the way --------------------------------------------------------------------------------------------------
    def packed(self) -> Road:
        command = PackDelivery(
            pharmacy=A, packed_by=person("checker"), seal_no="SEAL-1", logger_id="LOG-1" if self.cold else None
        )
        fine(self._run(deliveries.pack(self.delivery_id, command)))
        return self

    def handed_over(self) -> Road:
        self.packed()
        fine(self.hand_over())
        return self

    def hand_over(self) -> Outcome:
        return self._run(deliveries.hand_over(self.delivery_id, A, SHA))

    def out(self) -> Road:
        """On the road."""
        self.handed_over()
        fine(self.go())
        return self

    def at_the_door(self) -> Road:
        self.out()
        fine(self.arrive())
        return self

    def go(self) -> Outcome:
        return self._run(deliveries.in_transit(self.delivery_id, self.courier))

    def arrive(self) -> Outcome:
        return self._run(deliveries.arrive(self.delivery_id, self.courier))

    def fail(self, reason: Any = "nobody_there") -> Outcome:
        return self._run(deliveries.fail_attempt(self.delivery_id, FailAttempt(courier=self.courier, reason=reason)))

    def retry(self, after: timedelta = timedelta(hours=5)) -> Outcome:
        command = ScheduleRetry(courier=self.courier, next_at=self.now + after)
        return self._run(deliveries.schedule_retry(self.delivery_id, command))

    def refuse(self) -> Outcome:
        return self._run(deliveries.refuse_at_door(self.delivery_id, self.courier))

    def recall(self, reason: Any = "pharmacy_wish") -> Outcome:
        return self._run(deliveries.recall(self.delivery_id, Recall(pharmacy=A, reason=reason)))

    def deliver(self, **more: Any) -> Outcome:
        return self.town.deliver(self.delivery_id, self.supply_id, courier=self.courier, **more)

    def lose(self) -> Outcome:
        return self._run(parcel_ends.report_lost(self.delivery_id, courier=self.courier))

    def damage(self) -> Outcome:
        return self._run(deliveries.report_damaged(self.delivery_id, courier=self.courier))

    # temperature -------------------------------------------------------------------------------------------------
    def measure(self, *celsius: float, every: int = 10, since: datetime | None = None) -> Outcome:
        """Readings that end now, one each so many minutes."""
        start = since or self.now - (len(celsius) - 1) * every * MINUTES
        readings = tuple(
            Reading(at=start + number * every * MINUTES, celsius_hundredths=round(value * 100))
            for number, value in enumerate(celsius)
        )
        command = LogTemperatures(party="courier", organisation=self.courier, readings=readings)
        return self._run(parcel_ends.log_temperatures(self.delivery_id, command))

    def assess(self, decision: Any, excursion: int = 1, **more: Any) -> Outcome:
        command = AssessExcursion.model_validate(
            {
                "pharmacy": A,
                "excursion": excursion,
                "decision": decision,
                "reason": "按稳定性资料评估",
                "assessed_by": QUALITY,
                **more,
            }
        )
        return self._run(parcel_ends.assess_excursion(self.delivery_id, command))

    # back --------------------------------------------------------------------------------------------------------
    def back(self, *packs: int, seal_intact: bool = True, found: bool = False) -> Outcome:
        command = ReceiveReturn(
            pharmacy=A,
            received_by=person("checker"),
            seal_intact=seal_intact,
            packs=packs or tuple(self.state.packs),
        )
        use_case = parcel_ends.find_again if found else parcel_ends.receive_return
        return self._run(use_case(self.delivery_id, command))

    def back_empty(self) -> Outcome:
        """The seal is whole and nothing is in it."""
        command = ReceiveReturn(pharmacy=A, received_by=person("checker"), seal_intact=True, packs=())
        return self._run(parcel_ends.receive_return(self.delivery_id, command))

    def inspect(self, *verdicts: Any, by: str | None = None) -> Outcome:
        """One verdict for all packs, or one for each."""
        counted = self.state.counted
        each = verdicts * len(counted) if len(verdicts) == 1 else verdicts
        said = tuple(
            PackVerdict(pack=pack, verdict=verdict, reason=None if verdict == "restocked" else "温度存疑")
            for pack, verdict in zip(counted, each, strict=True)
        )
        command = InspectReturn(pharmacy=A, inspected_by=by or QUALITY, verdicts=said)
        return self._run(parcel_ends.inspect_return(self.delivery_id, command))

    def decide(self, to: Any, *packs: int, by: str = QUALITY) -> Outcome:
        command = DecideQuarantine(pharmacy=A, decided_by=by, to=to, reason="复核", packs=packs or None)
        return self._run(parcel_ends.decide_quarantine(self.delivery_id, command))

    # what is so --------------------------------------------------------------------------------------------------
    @property
    def now(self) -> datetime:
        now: datetime = self.town.store.time
        return now

    @property
    def state(self) -> DeliveryState:
        return self.town.delivery(self.delivery_id)

    @property
    def supply(self) -> Supply:
        return self.town.state(self.fulfilment).supplies[self.supply_id]

    @property
    def buckets(self) -> Buckets:
        """Of line 1."""
        return self.town.state(self.fulfilment).lines[1].buckets

    def lot(self, product: str = TABLETS, lot: str = "L1") -> Lot:
        return self.town.shelf(A, product).lots[lot]

    def code_is(self, number: int = 0) -> str:
        code: TraceCodeState = self.town.store.state(TRACE_CODES.ref(trace_code_id(self.codes[number])))
        return code.status

    @property
    def undone(self) -> told.SupplyUndone:
        (found,) = self.town.store.told_of(told.SupplyUndone)
        event: told.SupplyUndone = found
        return event

    @property
    def ended(self) -> list[tuple[str, bool]]:
        return [(event.outcome, event.exception) for event in self.town.store.told_of(told.DeliveryEnded)]

    def wait(self, **time: float) -> None:
        self.town.store.move_clock(timedelta(**time))

    def _run(self, use_case: Any) -> Outcome:
        outcome: Outcome = self.town.store.run(use_case)
        return outcome
