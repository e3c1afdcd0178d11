"""A hospital, its delegate and their pharmacists do whatever they like, while prescriptions come, change and end.

After every step: no case has taken a step that its table does not have, what is read again from the stored events is
what grew event by event, a refusal has changed nothing, and an event that comes again has no effect.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule

from contracts.envelope import IntegrationEvent
from contracts.events.dispatch import SupplyReceived
from contracts.events.prescribe import (
    InstalmentOpened,
    PrescriptionCancelled,
    PrescriptionCompleted,
    PrescriptionExpired,
    PrescriptionIssued,
)
from contracts.events.review import CaseClosed, CasePassed, CaseRefused, CaseReturned
from services.review.application import use_cases
from services.review.domain import events as happened
from services.review.domain.case import CASE, CaseState, case_id
from services.review.domain.case_transitions import CASE_TRANSITIONS, OPEN
from services.review.domain.commands import CodedFinding, CommentCase, SampleCase
from services.review.domain.values import Severity
from services.seedwork.ports import Outcome
from services.seedwork.transitions import NOT_YET
from services.seedwork.usecase import Actor
from tests.unit.review.conftest import DOCTOR, LI, NOW, SUN, Hospital, issued, line, released, reviewer
from tests.unit.review.steps import pass_batch, put_back, refuse, return_, take, take_over
from tests.unit.review.test_delegated_review import CENTRE, THEIRS, ZHAO, agree

HEAD = "HY330102000003"
PEOPLE = st.sampled_from(
    [reviewer(SUN), reviewer(LI), reviewer(HEAD), reviewer(DOCTOR), reviewer("HY999999000001"), THEIRS]
)
TRIGGERS: dict[type, tuple[str, ...]] = {
    happened.CaseOpened: ("prescription_issued",),
    happened.CaseScreened: ("Screen",),
    happened.CaseTaken: ("TakeCase", "TakeOver"),
    happened.CasePutBack: ("PutBack",),
    happened.CaseLeaseExpired: ("clock: lease",),
    happened.CaseEscalated: ("clock: deadline",),
    happened.CaseFirstPassed: ("PassCase", "PassBatch"),
    happened.CasePassed: ("PassCase", "PassBatch"),
    happened.CaseReturned: ("ReturnCase",),
    happened.CaseRefused: ("RefuseCase",),
    happened.CaseRescreened: ("instalment_opened",),
    happened.CaseSampled: ("SampleCase",),
    happened.CaseCommented: ("CommentCase",),
    happened.CaseClosed: ("prescription_issued", "prescription_cancelled", "prescription_expired"),
}
"""By which triggers of the table each event may have come about."""
ENDS = (CasePassed, CaseReturned, CaseRefused, CaseClosed)


def in_table(before: CaseState, event: Any, after: CaseState) -> bool:
    """Whether some row leads from the state before to the one after by what this event stands for."""
    return any(
        (row.state, row.next.split(" ")[0]) == (before.status, after.status) and row.trigger in TRIGGERS[type(event)]
        for row in CASE_TRANSITIONS.rows
    )


class Reviewing(RuleBasedStateMachine):
    cases = Bundle("cases")

    def __init__(self) -> None:
        super().__init__()
        self.hospital = Hospital()
        self.hospital.admit_person(HEAD, "周敏", "reviewer", "supervisor")
        self.hospital.admit("institution", CENTRE, {"name": "市审方中心", "region": "330100", "level": 3})
        self.hospital.admit_person(ZHAO, "赵云", "reviewer", organisation=CENTRE)
        self.current: dict[UUID, PrescriptionIssued] = {}
        self.ended: set[UUID] = set()
        self.heard: list[tuple[IntegrationEvent, datetime]] = []
        self.live: dict[UUID, CaseState] = {}
        self.grown: dict[UUID, int] = {}

    # -- what others tell

    @rule(
        target=cases,
        days=st.sampled_from([7, 14]),
        validity=st.sampled_from([1, 2, 4]),
        drug_class=st.sampled_from(["ordinary", "toxic"]),
        readable=st.booleans(),
        emergency=st.booleans(),
    )
    def issue(self, days: int, validity: int, drug_class: str, readable: bool, emergency: bool) -> Any:
        changes = {} if readable else {"facts": None, "diagnoses": None}
        event = issued(
            lines=[line(days=days) | {"drug_class": drug_class}],
            validity_days=validity,
            visit_kind="emergency" if emergency else "outpatient",
            **changes,
        )
        return self._issued(event)

    @rule(target=cases, case=cases, confirm=st.booleans())
    def issue_again(self, case: UUID, confirm: bool) -> Any:
        event = self._prescription(case)
        if event.prescription_id in self.ended:
            return multiple()
        told = [{"number": 1, "rule": "N3.6", "reason": "x"}]
        more: dict[str, Any] = (
            {"kind": "confirmed", "confirmation_no": event.confirmation_no + 1, "confirmed": told}
            if confirm
            else {"kind": "amended", "revision": event.revision + 1, "confirmation_no": 0}
        )
        return self._issued(PrescriptionIssued.model_validate(event.model_dump() | more))

    @rule(case=cases, kind=st.sampled_from([PrescriptionCancelled, PrescriptionExpired, PrescriptionCompleted]))
    def end(self, case: UUID, kind: Any) -> None:
        event = self._prescription(case)
        complete = kind is PrescriptionCompleted
        if self._in_circulation(event) if complete else event.prescription_id not in self.ended:
            more: dict[str, Any] = {"request_id": uuid4(), "reason_code": "x", "valid_until": NOW, "lines": []}
            self.ended.add(event.prescription_id)
            self._hear(kind.model_validate(self._about(event) | more))

    @rule(case=cases, instalment=st.integers(1, 3))
    def open_instalment(self, case: UUID, instalment: int) -> None:
        event = self._prescription(case)
        if not self._in_circulation(event):
            return
        more = {"instalment": instalment, "of": 3, "opens_at": NOW, "closes_at": NOW, "lines": []}
        self._hear(InstalmentOpened.model_validate(self._about(event) | more))

    @rule(case=cases)
    def release(self, case: UUID) -> None:
        event = self._prescription(case)
        if self._in_circulation(event):
            self._hear(released(event))

    @rule(case=cases, quantity=st.integers(0, 42))
    def receive(self, case: UUID, quantity: int) -> None:
        event = self._prescription(case)
        told = {
            "fulfilment_id": uuid4(),
            "supply_id": uuid4(),
            "accepted": [{"line": 1, "quantity": quantity}],
            "collector_kind": "patient",
            "identity_checked": True,
            "buckets": [],
        }
        self._hear(SupplyReceived.model_validate({"prescription_id": event.prescription_id} | told))

    @rule(which=st.integers(0, 10_000))
    def hear_again(self, which: int) -> None:
        """Each event comes twice at once; later it may come again."""
        if self.heard:
            self._has_no_effect(*self.heard[which % len(self.heard)])

    # -- registers and the clock

    @rule(suspended=st.booleans())
    def change_agreement(self, suspended: bool) -> None:
        agree(self.hospital, suspended=suspended)

    @rule(person=st.sampled_from([SUN, LI]), suspended=st.booleans())
    def change_licence(self, person: str, suspended: bool) -> None:
        self.hospital.admit_person(person, "某", "reviewer", suspended=suspended)

    @rule(minutes=st.sampled_from([5, 30, 60, 240]), noticed=st.booleans())
    def wait(self, minutes: int, noticed: bool) -> None:
        by = timedelta(minutes=minutes)
        if noticed:
            self.hospital.store.move_clock(by)
        else:
            self.hospital.store.time += by

    # -- what pharmacists do

    @rule(case=cases, who=PEOPLE, do=st.sampled_from([take, take_over, put_back, return_, refuse]))
    def step(self, case: UUID, who: Actor, do: Callable[..., Outcome]) -> None:
        self._try(lambda: do(self.hospital, case, actor=who))

    @rule(case=cases, who=PEOPLE, commented=st.booleans(), stale=st.booleans())
    def pass_case(self, case: UUID, who: Actor, commented: bool, stale: bool) -> None:
        jws = self._signed(case, who, commented=commented, revision=99 if stale else None)
        self._try(lambda: self.hospital.store.run(use_cases.pass_case(case, jws, who), who))

    @rule(case=cases, who=st.sampled_from([reviewer(SUN), reviewer(LI)]))
    def review(self, case: UUID, who: Actor) -> None:
        """The usual way: take it, look at it, pass it."""
        self._try(lambda: take(self.hospital, case, who))
        self.pass_case(case, who, commented=True, stale=False)

    @rule(first=cases, second=cases, who=PEOPLE)
    def pass_batch(self, first: UUID, second: UUID, who: Actor) -> None:
        signatures = [self._signed(case, who, commented=False) for case in (first, second)]
        before = {case: self._folded(case).status for case in (first, second)}
        outcome = pass_batch(self.hospital, signatures, who)
        for row in outcome.body["rows"]:
            if row["result"] == "passed":
                assert before[UUID(row["case_id"])] == "queued"

    @rule(case=cases, who=PEOPLE)
    def return_with_two_codes(self, case: UUID, who: Actor) -> None:
        codes = CodedFinding(code="2-5", lines=(1,)), CodedFinding(code="1-10")
        self._try(lambda: return_(self.hospital, case, *codes, actor=who))

    @rule(case=cases, who=PEOPLE)
    def sample(self, case: UUID, who: Actor) -> None:
        self._try(lambda: self.hospital.store.run(use_cases.sample_case(SampleCase(case_id=case), who), who))

    @rule(case=cases, who=PEOPLE, codes=st.sampled_from([(), ("2-5",), ("9-9",)]))
    def comment(self, case: UUID, who: Actor, codes: tuple[str, ...]) -> None:
        command = CommentCase(case_id=case, codes=codes)
        self._try(lambda: self.hospital.store.run(use_cases.comment_case(command, who), who))

    # -- what holds after every step

    @invariant()
    def holds(self) -> None:
        self.every_step_is_in_the_table_and_replay_is_what_grew()
        self.what_nobody_may_break()
        self.a_case_ends_once_and_one_case_of_a_prescription_is_open()

    def every_step_is_in_the_table_and_replay_is_what_grew(self) -> None:
        for stream, ref in self.hospital.store.refs.items():
            if ref.aggregate is not CASE:
                continue
            stored = self.hospital.store.streams[stream]
            state = self.live.get(stream, CASE.initial)
            for event in stored[self.grown.get(stream, 0) :]:
                after = CASE.evolve(state, event)
                assert in_table(state, event, after), (state.status, type(event).__name__, after.status)
                state = after
            self.live[stream], self.grown[stream] = state, len(stored)
            reread = [type(event).model_validate_json(event.model_dump_json()) for event in stored]
            assert CASE.fold(reread) == state

    def what_nobody_may_break(self) -> None:
        for state in self.live.values():
            people = [who.person for who in state.reviewers]
            assert state.opened is not None
            assert state.status != NOT_YET
            assert (state.holder is not None) == (state.lease_until is not None) == (state.status == "taken")
            assert state.deadline is None or state.status in OPEN
            assert DOCTOR not in people
            assert len(set(people)) == len(people)
            assert state.commented is None or state.commented.reviewer.person not in people
            if state.status == "passed":
                assert len(people) == (2 if state.second_wanted else 1)
                first_findings = [f for f in state.findings if f.rule != "pharmacist"]
                assert state.rescreened or all(f.severity is not Severity.BLOCKING for f in first_findings)

    def a_case_ends_once_and_one_case_of_a_prescription_is_open(self) -> None:
        ends = [told.case_id for told in self.hospital.store.told if isinstance(told, ENDS)]
        assert len(set(ends)) == len(ends)
        still = [state.opened.prescription_id for state in self.live.values() if state.opened and state.status in OPEN]
        assert len(set(still)) == len(still)
        assert not self.ended & set(still)

    # -- means

    def _issued(self, event: PrescriptionIssued) -> UUID:
        self._hear(event)
        self.current[event.prescription_id] = event
        return case_id(event.prescription_id, event.revision, event.confirmation_no)

    def _hear(self, event: IntegrationEvent) -> None:
        now = self.hospital.store.time
        self.hospital.store.react(event, now)
        self.heard.append((event, now))
        self._has_no_effect(event, now)

    def _has_no_effect(self, event: IntegrationEvent, at: datetime) -> None:
        before = self.hospital.store.log_index
        self.hospital.store.react(event, at)
        assert self.hospital.store.log_index == before, event

    def _try(self, act: Callable[[], Outcome]) -> None:
        before = self.hospital.store.log_index
        outcome = act()
        assert outcome.refusal is None or self.hospital.store.log_index == before

    def _folded(self, case: UUID) -> CaseState:
        state: CaseState = CASE.fold(self.hospital.store.streams[case])
        return state

    def _prescription(self, case: UUID) -> PrescriptionIssued:
        opened = self._folded(case).opened
        assert opened is not None
        return self.current[opened.prescription_id]

    def _in_circulation(self, event: PrescriptionIssued) -> bool:
        """Passed as it is now, and not at its end: what comes after in the prescription's own stream."""
        case = case_id(event.prescription_id, event.revision, event.confirmation_no)
        return event.prescription_id not in self.ended and self._folded(case).status == "passed"

    def _about(self, event: PrescriptionIssued) -> dict[str, Any]:
        return {"prescription_id": event.prescription_id, "patient_ref": event.patient_ref}

    def _signed(self, case: UUID, who: Actor, *, commented: bool, revision: int | None = None) -> str:
        state = self._folded(case)
        assert state.opened is not None
        numbers = [finding.number for finding in state.findings] if commented else []
        return self.hospital.signed(
            case,
            person=who.subject,
            revision=revision or state.opened.revision,
            signed_sha256=state.opened.signed_sha256,
            comments=[{"finding": number, "comment": "x"} for number in numbers],
        )


Reviewing.TestCase.settings = settings(max_examples=30, stateful_step_count=50, deadline=None)
TestReviewing = Reviewing.TestCase
