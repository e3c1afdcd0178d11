"""A prescription and its fulfilments under any order of commands, deliveries and time: a Hypothesis state machine.

Prescribe and dispatch talk through queues: in order within a stream, at any time, and any told event may come again.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from contracts.envelope import IntegrationEvent
from contracts.events import review
from services.dispatch.application.blocks import refuse_at_pharmacy
from services.dispatch.domain.fulfilment import events as e
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS, fulfilment_id
from services.dispatch.domain.fulfilment.commands import RefuseAtPharmacy
from services.dispatch.domain.fulfilment.state import FulfilmentState
from services.dispatch.domain.values import Bucket
from services.prescribe.application.signed_again import answer_query, confirm_prescription
from services.prescribe.application.stops import stop_lines
from services.prescribe.domain.commands import SafetyStop
from services.prescribe.domain.prescription import PRESCRIPTION
from services.prescribe.domain.values import FINAL, Status
from services.seedwork.usecase import Actor
from tests.unit.dispatch.town import KEY, TABLETS, A, B, Town, person
from tests.unit.prescribe.conftest import DOCTOR, FINDING, HOSPITAL, NOW, Clinic, drug, line

S = Status
LEADS_TO: dict[Status, set[Status]] = {
    S.NOT_YET: {S.ISSUED},
    S.ISSUED: {S.RELEASED, S.RETURNED, S.REFUSED, S.CANCELLED, S.EXPIRED},
    S.RETURNED: {S.ISSUED, S.CANCELLED, S.EXPIRED},
    S.RELEASED: {S.CLOSING_CANCELLED, S.CLOSING_EXPIRED, S.COMPLETED, S.CANCELLED, S.EXPIRED},
    S.CLOSING_EXPIRED: {S.CLOSING_CANCELLED, S.COMPLETED, S.CANCELLED, S.EXPIRED},
    S.CLOSING_CANCELLED: {S.RELEASED, S.CLOSING_EXPIRED, S.COMPLETED, S.CANCELLED, S.EXPIRED},
}
"""Every pair of states that `flows.md` B allows; nothing leads out of an end."""
PLACES = st.sampled_from([A, B])
QUANTITIES = st.integers(1, 28)


class Lifecycle(RuleBasedStateMachine):
    """One prescription of 28 tablets, plain or in two instalments, and whoever works on it."""

    @initialize(planned=st.booleans(), released=st.sampled_from([True, True, True, False]))
    def begin(self, planned: bool, released: bool) -> None:
        self.clinic, self.town = Clinic(), Town(now=NOW)
        facts = {"form": "片剂", "strength": "25mg", "pack_size": 20, "dose": 25000, "atc": "C09AA01"}
        self.clinic.load("drug", TABLETS, drug("卡托普利", **facts))
        self.town.patient_ref = self.clinic.patient_ref
        more: dict[str, Any] = {"plan": {"instalments": 2, "days": 14}} if planned else {"long_supply_reason": "慢性病"}
        lines = [line(product=TABLETS, dose="25", days=28, quantity=28)]
        self.heard = {"dispatch": len(self.clinic.store.told), "prescribe": 0}
        self.envelopes: list[Any] = []
        self.id = self.clinic.issued(lines=lines, **more)
        if released:  # most of what can go wrong comes after it
            self.clinic.answer(self.id, review.CasePassed)
            self.prescribe_speaks(100)

    # deliveries --------------------------------------------------------------------------------------------------
    def _tell_dispatch(self, event: IntegrationEvent) -> None:
        if type(event) in self.town.store.service.react:
            self.town.store.react(event)

    def _tell_prescribe(self, place: int, event: IntegrationEvent) -> None:
        if type(event) not in self.clinic.store.service.react:
            return
        while len(self.envelopes) <= place:
            self.envelopes.append(None)
        if self.envelopes[place] is None:
            self.envelopes[place] = self.clinic.envelope(event)
        self.clinic.hear(event, envelope=self.envelopes[place])

    @rule(count=st.integers(1, 4))
    def prescribe_speaks(self, count: int) -> None:
        told = self.clinic.store.told[self.heard["dispatch"] :][:count]
        for event in told:
            self._tell_dispatch(event)
        self.heard["dispatch"] += len(told)

    @rule(count=st.integers(1, 4))
    def dispatch_speaks(self, count: int) -> None:
        first = self.heard["prescribe"]
        told = self.town.store.told[first:][:count]
        for place, event in enumerate(told, first):
            self._tell_prescribe(place, event)
        self.heard["prescribe"] += len(told)

    @rule(back=st.integers(1, 5))
    def an_event_comes_again(self, back: int) -> None:
        place = self.heard["prescribe"] - back
        if place >= 0:
            self._tell_prescribe(place, self.town.store.told[place])
        place = self.heard["dispatch"] - back
        if place >= 0 and self.heard["dispatch"] == len(self.clinic.store.told):
            self._tell_dispatch(self.clinic.store.told[place])

    # the review --------------------------------------------------------------------------------------------------
    @rule(answer=st.sampled_from([review.CasePassed] * 4 + [review.CaseReturned, review.CaseRefused]))
    def review_answers(self, answer: Any) -> None:
        number = self.clinic.state(self.id).signed.confirmation_no
        self.clinic.answer(self.id, answer, confirmation_no=number, findings=[FINDING])

    @rule()
    def confirm(self) -> None:
        signed = self.clinic.state(self.id).signed
        said = {"revision": signed.revision, "confirmation_no": signed.confirmation_no + 1}
        self._sign_again(confirm_prescription, **said, findings=[{"finding": 1, "reason": "x"}])

    # the prescriber, the office, the clock -----------------------------------------------------------------------
    @rule(quantity=st.none() | QUANTITIES)
    def cancel(self, quantity: int | None) -> None:
        self.clinic.cancel(self.id, **({"scope": ({"line": 1, "quantity": quantity},)} if quantity else {}))

    @rule()
    def stop(self) -> None:
        command = SafetyStop(prescription_id=self.id, block_id=uuid4(), reason_code="alert", reason="x")
        self.clinic.store.run(stop_lines(command), Actor("M1", "medical_office", HOSPITAL))

    @precondition(lambda self: self.clinic.state(self.id).blocked_lines)
    @rule()
    def answer(self) -> None:
        asked = next(each for each in self.clinic.state(self.id).blocks if each.answered_by is None)
        self._sign_again(answer_query, block_id=str(asked.raised.block_id), answer="x")

    def _sign_again(self, use_case: Any, **said: Any) -> None:
        about = {"prescription_id": str(self.id), "prescriber": DOCTOR}
        about["signed_sha256"] = self.clinic.state(self.id).signed.signature.sha256
        self.clinic.store.run(use_case(self.clinic.sign(about | said), self.id), self.clinic.doctor())

    @rule(hours=st.sampled_from([1, 12, 24, 240]))
    def time_passes(self, hours: int) -> None:
        self.clinic.store.move_clock(timedelta(hours=hours))
        self.town.store.move_clock(timedelta(hours=hours))

    # pharmacies --------------------------------------------------------------------------------------------------
    def _fulfilments(self) -> list[FulfilmentState]:
        refs = [FULFILMENTS.ref(fulfilment_id(self.id, number)) for number in (1, 2)]
        return [state for state in map(self.town.store.state, refs) if state.status != "-"]

    @rule(quantity=QUANTITIES, pharmacy=PLACES, at=st.integers(0, 1))
    def hold(self, quantity: int, pharmacy: str, at: int) -> None:
        for state in self._fulfilments()[at : at + 1]:
            self.town.try_hold(state.fulfilment_id, (1, quantity), pharmacy=pharmacy)

    @rule()
    def dispense(self) -> None:
        for state in self._fulfilments():
            for hold in list(state.running_holds())[:1]:
                fulfilment, pharmacy = state.fulfilment_id, hold.pharmacy
                self.town.review(fulfilment, hold.hold_id, pharmacy)
                pick = self.town.pick(hold.held(1))
                prepared = self.town.try_prepare(fulfilment, hold.hold_id, pick, pharmacy=pharmacy)
                if prepared.refusal is None:
                    self.town.try_check(fulfilment, UUID(prepared.body["supply_id"]), pharmacy)

    @rule()
    def refuse(self) -> None:
        for state in self._fulfilments():
            for hold in list(state.running_holds())[:1]:
                facts = {"pharmacist": person("pharmacist", hold.pharmacy), "code": "2-8", "reason": "x"}
                command = RefuseAtPharmacy(hold_id=hold.hold_id, pharmacy=hold.pharmacy, **facts)
                secret = self.town.secret(hold.hold_id, hold.pharmacy)
                self.town.store.run(refuse_at_pharmacy(state.fulfilment_id, command, secret, KEY))

    @rule(collected=st.booleans())
    def end_supplies(self, collected: bool) -> None:
        for state in self._fulfilments():
            for supply in [each for each in state.supplies.values() if each.status == "dispensed"][:1]:
                if collected:
                    self.town.clear(state.fulfilment_id, supply.supply_id)
                    self.town.try_hand_out(state.fulfilment_id, supply.supply_id, supply.pharmacy)
                else:
                    self.town.give_up(state.fulfilment_id, supply.supply_id)

    # what always holds -------------------------------------------------------------------------------------------
    @invariant()
    def quantities_add_up_and_no_illegal_transition_is_made(self) -> None:
        state = PRESCRIPTION.initial
        for event in self.clinic.store.streams[self.id]:
            before, state = state, PRESCRIPTION.evolve(state, type(event).model_validate_json(event.model_dump_json()))
            assert state.buckets[1].total == 28, event
            moved = before.status is not state.status
            assert not moved or state.status in LEADS_TO.get(before.status, set()), (before.status, event)
        assert state == self.clinic.state(self.id)

    @invariant()
    def a_blocked_line_is_never_held_or_dispensed(self) -> None:
        for seen in self._fulfilments():
            state = FULFILMENTS.initial
            for event in self.town.store.streams[seen.fulfilment_id]:
                if isinstance(event, e.QuantityHeld | e.SupplyDispensed):
                    assert not state.blocked_lines & {row.line for row in event.lines}, event
                state = FULFILMENTS.evolve(state, event)
                held = {row.line for hold in state.running_holds() for row in hold.lines}
                assert not state.blocked_lines & held, event

    def teardown(self) -> None:
        """At rest both know the same, and once every deadline has passed it has ended."""
        if not hasattr(self, "id"):
            return
        for _ in range(6):
            self._rest()
            self._both_know_the_same()
            self.time_passes(240)
        self._rest()
        for supply in [one for state in self._fulfilments() for one in state.supplies.values()]:
            assert supply.status != "dispensed"
        assert self.clinic.state(self.id).status in FINAL
        self.quantities_add_up_and_no_illegal_transition_is_made()

    def _rest(self) -> None:
        while self.heard["dispatch"] < len(self.clinic.store.told) or self.heard["prescribe"] < len(
            self.town.store.told
        ):
            self.prescribe_speaks(100)
            self.dispatch_speaks(100)

    def _both_know_the_same(self) -> None:
        known = self.clinic.state(self.id)
        for state in self._fulfilments():
            told = {bucket.value: state.lines[1].buckets.of(bucket) for bucket in Bucket}
            part = known.parts.instalments[state.instalment][1]
            assert told == part.model_dump(exclude={"line"}), state.instalment
            blocked = state.status == "closed" or state.blocked_lines == known.blocked_lines
            assert blocked, (state.blocked_lines, known.blocked_lines)


TestLifecycle = Lifecycle.TestCase
TestLifecycle.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
