"""A substitute for which no prescriber is asked: checked and screened under the hold that it is given from, and told
with who answers for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.errors import CATALOGUE
from contracts.events import dispatch as told
from contracts.events import prescribe_later
from contracts.events.dispatch_later import SubstitutionProposed
from services.dispatch.application.views import fulfilment_view
from services.dispatch.domain.values import Way
from services.seedwork.ports import Outcome
from tests.unit.dispatch.application.test_substitution import EU, Short
from tests.unit.dispatch.town import B, Town, fine, person, refused

FOUND = {"rule": "A7.allergy", "severity": "blocking", "result_code": "2-2", "lines": [1], "evidence": "line 1"}


class Abroad(Short):
    """Where the pharmacist answers for a substitute."""

    def __init__(self, town: Town, mode: str = "pharmacist_alone") -> None:
        town.store.jurisdiction = EU
        super().__init__(town, mode=mode)

    def check(self, fulfilment: UUID, **changes: Any) -> prescribe_later.SubstitutionChecked:
        """Prescribe answers what was proposed last."""
        proposed = self.town.store.told_of(SubstitutionProposed)[-1]
        fields = {
            "prescription_id": proposed.prescription_id,
            "patient_ref": proposed.patient_ref,
            "proposal_id": proposed.proposal_id,
            "fulfilment_id": fulfilment,
            "line": proposed.line,
            "substitute": proposed.substitute.product,
            "problem": None,
            "findings": (),
            "in_the_way": (),
            "degraded": False,
            "counter_only": False,
            **changes,
        }
        event = prescribe_later.SubstitutionChecked.model_validate(fields)
        self.town.store.react(event)
        return event

    def review(self, fulfilment: UUID, hold_id: UUID, **changes: Any) -> Outcome:
        return self.town.review(fulfilment, hold_id, **changes)


@pytest.fixture
def abroad(town: Town) -> Abroad:
    return Abroad(town)


@pytest.mark.parametrize("mode", ["pharmacist_alone", "prescriber_consented"])
def test_it_is_given_once_it_is_checked_and_screened_and_told_with_who_answers_for_it(town: Town, mode: str) -> None:
    abroad = Abroad(town, mode)
    fulfilment = town.release()
    hold_id = abroad.hold(fulfilment)
    refused(town.review(fulfilment, hold_id), "substitution.not_checked")
    fine(abroad.propose(fulfilment, hold_id, restricted_use_met=False, restricted_use_reason="no_other_drug"))
    refused(town.review(fulfilment, hold_id), "substitution.not_checked")
    assert CATALOGUE["substitution.not_checked"].final is False

    abroad.check(fulfilment)
    fine(town.review(fulfilment, hold_id))
    fine(town.try_check(fulfilment, town.prepare(fulfilment, hold_id, abroad.pick(30))))

    (proposed,) = town.store.told_of(SubstitutionProposed)
    assert (proposed.mode, proposed.restricted_use_met, proposed.restricted_use_reason) == (
        mode,
        False,
        "no_other_drug",
    )
    (line,) = town.store.told_of(told.SupplyDispensed)[0].lines
    assert (line.substitution_mode, line.substitution_answered_by) == (mode, person("pharmacist"))
    assert line.restricted_use_met is False


def test_of_a_signed_substitute_the_prescriber_answers(town: Town) -> None:
    short = Short(town)
    fulfilment = town.release()
    hold_id = short.hold(fulfilment)
    fine(short.propose(fulfilment, hold_id))
    short.confirm(fulfilment, prescriber="D1")
    fine(town.review(fulfilment, hold_id))

    fine(town.try_check(fulfilment, town.prepare(fulfilment, hold_id, short.pick(30))))

    (line,) = town.store.told_of(told.SupplyDispensed)[0].lines
    assert (line.substitution_mode, line.substitution_answered_by) == ("prescriber_confirms", "D1")


def test_of_what_was_prescribed_nobody_answers_apart(town: Town) -> None:
    town.dispensed(town.release())

    (line,) = town.store.told_of(told.SupplyDispensed)[0].lines
    assert (line.substitution_mode, line.substitution_answered_by) == (None, None)


def test_asking_keeps_the_hold_no_longer(abroad: Abroad) -> None:
    fulfilment = abroad.town.release()
    hold_id = abroad.hold(fulfilment)
    before = abroad.town.state(fulfilment).holds[hold_id].expires_at

    fine(abroad.propose(fulfilment, hold_id))

    assert abroad.town.state(fulfilment).holds[hold_id].expires_at == before
    assert abroad.town.store.told_of(SubstitutionProposed)[0].answer_due_at == before


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"problem": "supply.class_limit"}, "substitution.unlawful"),
        ({"findings": (FOUND,), "in_the_way": ("A7.allergy",)}, "substitution.found"),
        ({"degraded": True}, "substitution.unscreened"),
    ],
    ids=["check", "finding", "unscreened"],
)
def test_what_a_prescriber_could_not_write_or_would_have_to_stand_for_is_not_passed(
    abroad: Abroad, said: dict[str, Any], code: str
) -> None:
    fulfilment = abroad.town.release()
    hold_id = abroad.hold(fulfilment)
    fine(abroad.propose(fulfilment, hold_id))
    abroad.check(fulfilment, **said)
    before = len(abroad.town.store.log)

    refused(abroad.town.review(fulfilment, hold_id), code)

    assert len(abroad.town.store.log) == before
    (shown,) = fulfilment_view(abroad.town.state(fulfilment))["proposals"]
    assert shown["checked"]["problem"] == said.get("problem")
    assert len(shown["checked"]["findings"]) == len(said.get("findings", ()))


def test_what_could_not_be_screened_is_passed_by_whoever_says_that_they_know(abroad: Abroad) -> None:
    fulfilment = abroad.town.release()
    hold_id = abroad.hold(fulfilment)
    fine(abroad.propose(fulfilment, hold_id))
    abroad.check(fulfilment, degraded=True)

    fine(abroad.review(fulfilment, hold_id, screening_acknowledged=True))


def test_what_was_found_is_not_asked_again_what_was_not_stated_or_screened_is(abroad: Abroad) -> None:
    fulfilment = abroad.town.release()
    hold_id = abroad.hold(fulfilment)
    for count, said in enumerate([{"problem": "insurance_intent.restricted_use"}, {"degraded": True}], start=1):
        fine(abroad.propose(fulfilment, hold_id))
        fine(abroad.propose(fulfilment, hold_id))
        assert len(abroad.town.store.told_of(SubstitutionProposed)) == count
        abroad.check(fulfilment, **said)
    fine(abroad.propose(fulfilment, hold_id))
    abroad.check(fulfilment, findings=(FOUND,), in_the_way=("A7.allergy",))

    fine(abroad.propose(fulfilment, hold_id))

    assert len(abroad.town.store.told_of(SubstitutionProposed)) == 3
    refused(abroad.town.review(fulfilment, hold_id), "substitution.found")


def test_a_check_is_of_its_own_hold(abroad: Abroad) -> None:
    town = abroad.town
    fulfilment = town.release()
    first = abroad.hold(fulfilment)
    fine(abroad.propose(fulfilment, first))
    abroad.check(fulfilment)
    fine(town.release_hold(fulfilment, first))

    second = abroad.hold(fulfilment, pharmacy=B)

    refused(town.review(fulfilment, second, B), "substitution.not_checked")


def test_what_stays_at_the_counter_is_not_sent(abroad: Abroad) -> None:
    town = abroad.town
    fulfilment = town.release()
    town.try_order(fulfilment)
    hold_id = abroad.hold(fulfilment, way=Way.DELIVERY)
    fine(abroad.propose(fulfilment, hold_id))
    abroad.check(fulfilment, counter_only=True)

    refused(town.review(fulfilment, hold_id), "hold.counter_only")


def test_an_answer_told_again_or_to_no_question_changes_nothing(abroad: Abroad) -> None:
    town = abroad.town
    fulfilment = town.release()
    fine(abroad.propose(fulfilment, abroad.hold(fulfilment)))
    event = abroad.check(fulfilment)
    before = len(town.store.log)

    town.store.react(event)
    town.store.react(event.model_copy(update={"problem": "supply.too_long"}))
    town.store.react(event.model_copy(update={"proposal_id": uuid4()}))

    assert len(town.store.log) == before


def test_a_check_that_comes_after_the_hold_is_of_no_use(abroad: Abroad) -> None:
    fulfilment = abroad.town.release()
    hold_id = abroad.hold(fulfilment)
    fine(abroad.propose(fulfilment, hold_id))
    abroad.town.store.move_clock(timedelta(hours=1))

    abroad.check(fulfilment)

    refused(abroad.town.review(fulfilment, hold_id), "hold.wrong_state")


def test_of_a_substitute_that_the_prescriber_signs_the_pharmacist_states_nothing(town: Town) -> None:
    short = Short(town)
    fulfilment = town.release()
    hold_id = short.hold(fulfilment)

    refused(short.propose(fulfilment, hold_id, restricted_use_met=True), "substitution.prescriber_states")
