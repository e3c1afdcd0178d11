"""Checks of a simulated world that seldom have something to find: each finds what it is there for."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from rxflow.simulation.books import AllBooks, Books
from rxflow.simulation.circulation import _lapsed_untold, ends_or_waits, urgent_was_told
from rxflow.simulation.lawful import _wrong_decision, blocked_everywhere, both_ask_the_same
from services.dispatch.domain.fulfilment.state import FulfilmentState
from services.dispatch.domain.prescription_content import ContentState, QuestionAsked, StopUseKnown
from services.prescribe.domain.prescription_state import Cancellation, PrescriptionState, StopUse
from services.prescribe.domain.stop_use_events import StopUseNotified
from services.prescribe.domain.values import CancelledLine, LineQuantity, Status
from services.review.domain.case import CaseState
from services.review.domain.events import CasePassed
from services.review.domain.values import Reviewer
from tests.unit.prescribe.conftest import NOW, Clinic

BLOCK, REQUEST = uuid4(), uuid4()


class Read:
    """Books with these states in them."""

    def __init__(self, *states: Any) -> None:
        self._states = states
        self.streams: dict[UUID, Any] = {}

    def states(self, aggregate: Any) -> list[Any]:
        return [each for each in self._states if isinstance(each, type(aggregate.initial))]


def books(*states: Any) -> AllBooks:
    return {name: cast(Books, Read(*states)) for name in ("prescribe", "review", "dispatch")}


@pytest.fixture
def prescription() -> PrescriptionState:
    clinic = Clinic()
    return clinic.state(clinic.issued())


def content(prescription_id: UUID, *, asked: bool = True, told: bool = False) -> ContentState:
    question = QuestionAsked(
        block_id=BLOCK, patient_ref=uuid4(), lines=(1,), source="pharmacy", codes=(), asked_by="P1", reason=None
    )
    notice = StopUseKnown(request_id=REQUEST, reason_code="wrong_drug", lines=(1,))
    return ContentState(
        content=cast(Any, SimpleNamespace(prescription_id=prescription_id)),
        instalments=(1, 2),
        questions={BLOCK: question} if asked else {},
        stop_use=(notice,) if told else (),
    )


def instalment(prescription_id: UUID, number: int, *, blocked: bool, status: str = "open") -> FulfilmentState:
    blocks = {BLOCK: (1,)} if blocked else {}
    lines = cast(Any, {1: None})
    return FulfilmentState(
        status=status, prescription_id=prescription_id, instalment=number, lines=lines, blocks=blocks
    )


@pytest.mark.parametrize(
    ("blocked", "status", "found"),
    [(True, "open", 0), (False, "open", 1), (False, "closed", 0)],
    ids=["blocked", "open", "over"],
)
def test_an_instalment_that_opens_under_a_question_is_blocked(blocked: bool, status: str, found: int) -> None:
    name = uuid4()
    second = instalment(name, 2, blocked=blocked, status=status)
    known = cast(Books, Read(content(name), instalment(name, 1, blocked=True), second))

    assert len(list(blocked_everywhere(known))) == found


def test_a_question_that_only_one_side_knows_is_found(prescription: PrescriptionState) -> None:
    name = prescription.signed.prescription_id

    assert len(list(both_ask_the_same(prescription, books(content(name))))) == 1
    assert list(both_ask_the_same(prescription, books(content(name, asked=False)))) == []
    assert len(list(both_ask_the_same(prescription, books(content(name, asked=False, told=True))))) == 1


def test_an_urgent_cancellation_of_what_is_in_hands_must_have_been_told(prescription: PrescriptionState) -> None:
    left = (CancelledLine(line=1, refused=3),)
    request = Cancellation(REQUEST, "D1", "wrong_drug", answer="refused", lines=left, final=True, urgent=True)
    untold = replace(prescription, cancellations=(request,))
    notified = StopUseNotified(
        request_id=REQUEST, patient_ref=uuid4(), reason_code="wrong_drug", lines=(LineQuantity(line=1, quantity=3),)
    )

    assert len(list(urgent_was_told(untold))) == 1
    assert list(urgent_was_told(replace(untold, stop_use={REQUEST: StopUse(notified)}))) == []
    assert list(urgent_was_told(replace(prescription, cancellations=(replace(request, urgent=False),)))) == []


def test_a_prescription_that_waits_for_nobody_is_found(prescription: PrescriptionState) -> None:
    returned = replace(prescription, status=Status.RETURNED)
    forgotten = replace(prescription, status=Status.CLOSING_EXPIRED)
    ended = replace(prescription, status=Status.EXPIRED)

    assert list(ends_or_waits(books(returned))) == []
    assert list(ends_or_waits(books(ended))) == []
    found = list(ends_or_waits(books(forgotten)))
    assert [text.endswith(end) for text, end in zip(found, ("for nobody", "no deadline ends it"), strict=True)] == [
        True,
        True,
    ]
    assert len(list(ends_or_waits(books(prescription)))) == 1  # issued, and no case is open


def test_a_second_reviewer_who_was_the_first_is_found() -> None:
    first = Reviewer(person="HY1", name="孙丽", organisation="H1", signed_sha256="0" * 64)
    waiting = CaseState(status="second_wanted", second_wanted="sampled", reviewers=(first,))
    second = first.model_copy(update={"person": "HY2"})

    def passed(by: Reviewer) -> list[str]:
        event = CasePassed(patient_ref=uuid4(), reviewer=by, comment=None, signature="x.y.z")
        return list(_wrong_decision(waiting, event, by.person, NOW))

    assert passed(first) == ["the first reviewer again"]
    assert passed(second) == []
    assert passed(second.model_copy(update={"signed_sha256": None})) == ["not signed"]


@pytest.mark.parametrize(
    ("dispatch", "prescribe", "moved"),
    [
        ({"replaceable": 2, "lapsed": 0}, {"replaceable": 2, "lapsed": 0}, {}),
        ({"replaceable": 0, "lapsed": 2}, {"replaceable": 2, "lapsed": 0}, {1: {"replaceable": 0, "lapsed": 2}}),
        ({"replaceable": 2, "lapsed": 0}, {"replaceable": 0, "lapsed": 2}, {}),
        ({"replaceable": 0, "lapsed": 0}, {"replaceable": 2, "lapsed": 0}, {1: {"replaceable": 0, "lapsed": 2}}),
    ],
)
def test_only_what_nobody_replaced_in_time_may_be_known_to_one_side(dispatch: Any, prescribe: Any, moved: Any) -> None:
    """In the last row dispatch has lost two: what it is compared with then is what it should say, which it does not."""
    told, known = {1: {"held": 0, **dispatch}}, {1: {"held": 0, **prescribe}}

    assert _lapsed_untold(told, known) == moved
