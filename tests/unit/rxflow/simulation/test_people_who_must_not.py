"""Who does in a simulated world what nobody may: it must be refused; and an insurer that is asked again."""

from __future__ import annotations

import random
from typing import Any, cast
from uuid import uuid4

import pytest

from rxflow.client import Problem
from rxflow.simulation.doing import Doing, Unlawful
from rxflow.simulation.insurer import REFUSED, UNANSWERED, MoodyInsurer, instead
from rxflow.simulation.mishaps import EVERY, Fortune, Mishap
from services.insurance.adapters.in_house import InHouseInsurer
from services.insurance.composition import OUTSIDE
from services.insurance.domain.gateway import BenefitRequest, GatewayOutcome, OutcomeKind


def test_what_nobody_may_do_is_found_where_it_is_accepted() -> None:
    doing = Doing(cast(Any, None), cast(Any, None))

    def refuse() -> None:
        raise Problem("hold.not_yours", 403)

    doing.attempt(lambda: lambda: doing.must_be_refused("a hold of others", refuse))
    with pytest.raises(Unlawful, match="a hold of others"):
        doing.attempt(lambda: lambda: doing.must_be_refused("a hold of others", lambda: None))
    assert len(doing.refused) == 1
    assert doing.done == []


class Moods(Fortune):
    """These mishaps, in this order, and none after them."""

    def __init__(self, *moods: Mishap | None) -> None:
        super().__init__(random.Random(1))
        self._moods = list(moods)

    def strikes(self, mishap: Mishap, where: str) -> bool:
        del where
        if self._moods and self._moods[0] in {None, mishap}:
            return self._moods.pop(0) is mishap
        return False


@pytest.fixture
def request_(monkeypatch: pytest.MonkeyPatch) -> BenefitRequest:
    monkeypatch.setattr(
        InHouseInsurer, "authorise", lambda _self, _request: GatewayOutcome(OutcomeKind.ACCEPTED, reference="r")
    )
    return BenefitRequest(uuid4(), (), {}, cast(Any, "chosen"))


def test_an_insurer_that_did_not_answer_says_later_what_it_has_booked(request_: BenefitRequest) -> None:
    told: set[tuple[OutcomeKind, OutcomeKind]] = set()
    for seed in range(8):
        insurer = MoodyInsurer(Moods(Mishap.INSURER_SILENT))
        insurer._fortune.chance = random.Random(seed)
        assert insurer.authorise(request_) is UNANSWERED
        told.add((insurer.inquire(request_.message_id).kind, insurer.authorise(request_).kind))

    # booked and found, or never arrived: then it is not booked, and a repeat of the message books it
    assert told == {(OutcomeKind.ACCEPTED, OutcomeKind.ACCEPTED), (OutcomeKind.REFUSED, OutcomeKind.ACCEPTED)}


def test_what_an_insurer_has_refused_stays_refused(request_: BenefitRequest) -> None:
    insurer = MoodyInsurer(Moods(None, Mishap.INSURER_REFUSES))

    assert insurer.authorise(request_) is REFUSED
    assert insurer.authorise(request_) is REFUSED
    assert insurer.inquire(request_.message_id) is REFUSED


def test_what_is_not_taken_back_yet_is_taken_back_when_it_is_asked_again() -> None:
    insurer, message = MoodyInsurer(Moods(None, Mishap.INSURER_REFUSES, Mishap.INSURER_SILENT)), uuid4()

    kinds = [insurer.void(message, uuid4()).kind for _ in range(3)]

    assert kinds == [OutcomeKind.REFUSED, OutcomeKind.UNKNOWN, OutcomeKind.ACCEPTED]


def test_insurance_has_its_own_insurer_again_afterwards() -> None:
    before, other = OUTSIDE.gateway, MoodyInsurer(Fortune(random.Random(1), EVERY))

    with instead(OUTSIDE, other):
        assert OUTSIDE.gateway is other

    assert OUTSIDE.gateway is before
