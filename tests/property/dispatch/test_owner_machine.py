"""Three regions sell, give back and lose one another's answers in any order: a code is one supply's, whoever asked
first, once its owner could be asked; and whatever was dispensed without an owner's word is decided in the end."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from contracts.events.dispatch_later import TraceCodeRepeated, TraceCodesDecided
from services.dispatch.domain.fulfilment.state import Supply
from services.seedwork.transitions import NOT_YET
from tests.unit.dispatch.regions import Regions, prepared
from tests.unit.dispatch.town import fine

NAMES = ("east", "west", "north")
REGION, NUMBER = st.sampled_from(NAMES), st.integers(0, 3)


class OwnerMachine(RuleBasedStateMachine):
    @initialize()
    def found(self) -> None:
        self.regions = Regions(*NAMES)
        self.codes = [code for name in NAMES for code in self.regions.codes_of(name)][:3]
        self.codes.append(self.regions.codes_of("west", 2)[1])
        self.supplies: list[tuple[str, UUID, UUID, str]] = []
        """Region, fulfilment, supply, code."""

    @rule(region=REGION, number=NUMBER)
    def sell(self, region: str, number: int) -> None:
        """Scanned and checked, where nobody says that it was sold before."""
        town, code = self.regions.towns[region], self.codes[number]
        fulfilment = town.release(20)
        hold_id = town.accepted(fulfilment, (1, 20))
        picked = town.try_prepare(fulfilment, hold_id, town.pick(20, trace_codes=(code,)))
        if picked.refusal or picked.status >= 400:
            fine(town.release_hold(fulfilment, hold_id))
            return
        supply_id = UUID(picked.body["supply_id"])
        checked = town.try_check(fulfilment, supply_id)
        if checked.refusal or checked.status >= 400:
            fine(town.release_hold(fulfilment, hold_id))
            return
        self.supplies.append((region, fulfilment, supply_id, code))

    @rule(region=REGION, number=NUMBER)
    def scan_and_put_back(self, region: str, number: int) -> None:
        town, code = self.regions.towns[region], self.codes[number]
        if self.regions.known(region, code).status in {"free", NOT_YET}:
            fulfilment, hold_id, _supply = prepared(town, code)
            fine(town.release_hold(fulfilment, hold_id))

    @rule(which=st.integers(0, 20))
    def give_up(self, which: int) -> None:
        running = [each for each in self.supplies if self.supply(each).status == "dispensed"]
        if running:
            region, fulfilment, supply_id, _code = running[which % len(running)]
            fine(self.regions.towns[region].give_up(fulfilment, supply_id))

    @rule(region=REGION)
    def close(self, region: str) -> None:
        self.regions.close(region)

    @rule(region=REGION)
    def open(self, region: str) -> None:
        self.regions.open(region)

    @rule(region=REGION, other=REGION)
    def lose_answers(self, region: str, other: str) -> None:
        self.regions.borders[region].deaf ^= {other}

    @rule()
    def tick(self) -> None:
        self.regions.tick()

    def supply(self, each: tuple[str, UUID, UUID, str]) -> Supply:
        region, fulfilment, supply_id, _code = each
        return self.regions.towns[region].state(fulfilment).supplies[supply_id]

    @invariant()
    def a_code_is_sold_once_by_its_owner_and_once_among_those_who_have_its_word(self) -> None:
        for code in self.codes if hasattr(self, "codes") else ():
            owner = self.regions.borders["east"].stores.owner(code)
            registered = self.regions.known(owner, code)
            assert len(registered.sold) <= 1
            sure = [
                supply.supply_id
                for each in self.supplies
                if each[3] == code and (supply := self.supply(each)).status == "dispensed"
                if not supply.codes_undecided and not supply.codes_repeated
            ]
            assert len(sure) <= 1
            assert set(sure) <= set(registered.sold)

    def teardown(self) -> None:
        if not hasattr(self, "codes"):
            return
        for name in NAMES:
            self.regions.open(name)
            self.regions.borders[name].deaf.clear()
        for _ in range(4):
            self.regions.tick()
        self.a_code_is_sold_once_by_its_owner_and_once_among_those_who_have_its_word()
        for each in self.supplies:
            supply = self.supply(each)
            assert not supply.codes_undecided
            asks = self.regions.asks(each[0], supply.supply_id)
            assert not asks.to_tell
            decided = self.told(each[0], TraceCodesDecided, supply.supply_id)
            assert len(decided) <= 1, "decided once"
            if supply.codes_repeated:
                alarms: list[Any] = self.regions.towns[each[0]].store.told_of(TraceCodeRepeated)
                assert supply.supply_id in {alarm.second.supply_id for alarm in alarms}

    def told(self, region: str, event: Any, supply_id: UUID) -> list[Any]:
        return [each for each in self.regions.towns[region].store.told_of(event) if each.supply_id == supply_id]


TestOwners = OwnerMachine.TestCase
TestOwners.settings = settings(stateful_step_count=20)
