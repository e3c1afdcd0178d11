"""Representatives in any order of appointing, withdrawing, days and deliveries: no right outside scope and days.

Beside it runs what dispatch has heard: events arrive in any order, more than once, late or not yet.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from contracts.envelope import IntegrationEvent
from services.dispatch.composition import SERVICE as DISPATCH
from services.prescribe.application.forgetting import forget_patient
from services.prescribe.domain.commands import ForgetPatient
from services.prescribe.domain.patient_record import PATIENT
from services.seedwork.calendar import civil_day
from services.seedwork.representation import Representation, Scope, not_represented, representations_of
from tests.support.store_in_memory import StoreInMemory
from tests.unit.prescribe.conftest import Clinic
from tests.unit.prescribe.test_representatives import appoint, himself, withdraw

ACCOUNTS = ("daughter-1", "neighbour-1")


@dataclass
class Given:
    """What the patient gave, as a person would write it down."""

    account: str
    scope: frozenset[Scope]
    valid_from: date
    valid_until: date
    withdrawn: bool = False

    def lets(self, account: str, scope: Scope, day: date) -> bool:
        return self.account == account and scope in self.scope and self.valid_from <= day <= self.valid_until


class Representing(RuleBasedStateMachine):
    """One patient, two people who may act for them, and a service that hears of it."""

    def __init__(self) -> None:
        super().__init__()
        self.clinic = Clinic()
        self.dispatch = StoreInMemory(DISPATCH, self.clinic.store.time)
        self.given: dict[UUID, Given] = {}
        self.letters: list[IntegrationEvent] = []
        self.arrived: list[IntegrationEvent] = []
        self.read = len(self.clinic.store.told)
        self.forgotten = False

    @property
    def today(self) -> date:
        return civil_day(self.clinic.store.time)

    def _post(self) -> None:
        self.letters += self.clinic.store.told[self.read :]
        self.read = len(self.clinic.store.told)

    @precondition(lambda self: not self.forgotten)
    @rule(
        account=st.sampled_from(ACCOUNTS),
        scope=st.sets(st.sampled_from(Scope), min_size=1),
        begins=st.integers(0, 3),
        days=st.integers(1, 4),
    )
    def appoints(self, account: str, scope: set[Scope], begins: int, days: int) -> None:
        begin = self.today + timedelta(days=begins)
        end = begin + timedelta(days=days - 1)
        outcome = appoint(self.clinic, account=account, scope=tuple(sorted(scope)), valid_from=begin, valid_until=end)
        if outcome.refusal:
            assert outcome.refusal.code == "representative.too_many"
            return
        self.given[UUID(outcome.body["appointment_id"])] = Given(account, frozenset(scope), begin, end)
        self._post()

    @precondition(lambda self: self.given and not self.forgotten)
    @rule(data=st.data())
    def withdraws(self, data: st.DataObject) -> None:
        which = data.draw(st.sampled_from(list(self.given)))
        assert withdraw(self.clinic, which).refusal is None
        if self.given[which].valid_until >= self.today:  # what is over is over, and need not be taken back
            self.given[which].withdrawn = True
        self._post()

    @rule(hours=st.sampled_from([3, 24, 60]))
    def time_passes(self, hours: int) -> None:
        for store in (self.clinic.store, self.dispatch):
            store.move_clock(timedelta(hours=hours))
        self._post()

    @precondition(lambda self: not self.forgotten)
    @rule(chance=st.integers(0, 3))
    def is_forgotten(self, chance: int) -> None:
        if chance:
            return  # seldom: only deliveries come after it
        command = ForgetPatient(patient_ref=self.clinic.patient_ref, reason_code="patient_asks")
        assert self.clinic.store.run(forget_patient(command), himself(self.clinic)).refusal is None
        self.clinic.store.move_clock(timedelta(days=2))
        self.dispatch.move_clock(timedelta(days=2))
        self.forgotten = True
        self._post()

    @precondition(lambda self: self.letters)
    @rule(data=st.data())
    def something_arrives(self, data: st.DataObject) -> None:
        self._arrives(self.letters.pop(data.draw(st.integers(0, len(self.letters) - 1))))

    @precondition(lambda self: self.arrived)
    @rule(data=st.data())
    def something_comes_again(self, data: st.DataObject) -> None:
        self.dispatch.react(data.draw(st.sampled_from(self.arrived)))

    def _arrives(self, letter: IntegrationEvent) -> None:
        self.dispatch.react(letter)
        self.arrived.append(letter)

    @rule()
    def everything_arrives(self) -> None:
        for letter in self.letters:
            self._arrives(letter)
        self.letters = []

    @precondition(lambda self: not self.letters)
    @invariant()
    def whoever_has_heard_everything_agrees_with_the_owner(self) -> None:
        self._agrees(self._copy())

    @invariant()
    def the_owner_gives_exactly_what_the_patient_gave(self) -> None:
        self._agrees(self.clinic.store.state(PATIENT.ref(self.clinic.patient_ref)).representations)

    @invariant()
    def nobody_hears_more_than_was_given(self) -> None:
        for account, scope, day in self._questions():
            ever = any(each.lets(account, scope, day) for each in self.given.values())
            assert ever or not lets(self._copy(), account, scope, day)

    def _copy(self) -> tuple[Representation, ...]:
        copy: Any = self.dispatch.state(representations_of(self.clinic.patient_ref))
        return tuple(copy.representations)

    def _questions(self) -> list[tuple[str, Scope, date]]:
        days = [self.today + timedelta(days=ahead) for ahead in range(-3, 5)]
        return [(account, scope, day) for account in ACCOUNTS for scope in Scope for day in days]

    def _agrees(self, found: tuple[Representation, ...]) -> None:
        running = [] if self.forgotten else [each for each in self.given.values() if not each.withdrawn]
        for account, scope, day in self._questions():
            may = any(each.lets(account, scope, day) for each in running)
            assert lets(found, account, scope, day) == may


def lets(found: tuple[Representation, ...], account: str, scope: Scope, day: date) -> bool:
    return not_represented(found, account, frozenset({scope}), day) is None


TestRepresenting = Representing.TestCase
