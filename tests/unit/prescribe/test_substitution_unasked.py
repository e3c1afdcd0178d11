"""A substitute for which no prescriber is asked is held against the same checks and the same screening, and told."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.events import prescribe_later as public
from services.prescribe.application.views import show_prescription
from tests.unit.prescribe.conftest import DOCTOR, FINDING, Clinic
from tests.unit.prescribe.test_substitution import (
    AMOUNTS,
    SUBSTITUTE,
    code,
    confirm,
    issued,
    proposed,
    registered,
    screened,
)

ALONE: dict[str, Any] = {"mode": "pharmacist_alone"}
SERIOUS = FINDING | {"rule": "A2.skin_test_missing", "severity": "serious", "confirmable": True}


def told(clinic: Clinic) -> list[public.SubstitutionChecked]:
    return clinic.store.told_of(public.SubstitutionChecked)


def asked(clinic: Clinic, prescription_id: UUID, *findings: dict[str, Any], **changes: Any) -> UUID:
    """A pharmacy proposes what no prescriber is asked about, and review has screened it."""
    degraded = changes.pop("degraded", False)
    proposal_id = proposed(clinic, prescription_id, **ALONE | changes)
    screened(clinic, prescription_id, proposal_id, *findings, degraded=degraded)
    return proposal_id


@pytest.fixture
def released(clinic: Clinic) -> UUID:
    registered(clinic)
    return clinic.released()


@pytest.mark.parametrize("mode", ["pharmacist_alone", "prescriber_consented"])
@pytest.mark.parametrize("screening_first", [False, True])
def test_it_is_told_once_proposal_and_screening_are_known_in_whatever_order(
    clinic: Clinic, released: UUID, mode: str, screening_first: bool
) -> None:
    proposal_id = uuid4()
    steps = [
        lambda: proposed(clinic, released, proposal_id=proposal_id, mode=mode),
        lambda: screened(clinic, released, proposal_id, FINDING | {"severity": "caution"}),
    ]
    for step in reversed(steps) if screening_first else steps:
        assert told(clinic) == []
        step()
    screened(clinic, released, proposal_id)

    (event,) = told(clinic)
    assert (event.proposal_id, event.line, event.substitute) == (proposal_id, 1, SUBSTITUTE)
    assert (event.problem, event.in_the_way, event.degraded, event.counter_only) == (None, (), False, False)
    assert [each.rule for each in event.findings] == [FINDING["rule"]]


@pytest.mark.parametrize(
    ("substitute", "written", "asked_for", "refusal"), [row[1:] for row in AMOUNTS], ids=[row[0] for row in AMOUNTS]
)
def test_it_passes_the_checks_that_a_prescribers_signature_passes(
    substitute: dict[str, Any], written: dict[str, Any], asked_for: dict[str, Any], refusal: str | None
) -> None:
    clinic = Clinic()
    clinic.load_person(DOCTOR, prescribing_rights=["ordinary", "toxic", "psychotropic_2"])
    registered(clinic, **substitute)

    asked(clinic, clinic.released(**written), **asked_for)

    assert [event.problem for event in told(clinic)] == [refusal]


@pytest.mark.parametrize(
    ("substitute", "problem"),
    [({"drug_class": "narcotic"}, "drug.never_circulates"), ({"drug_class": "psychotropic_2"}, "prescriber.no_right")],
)
def test_what_its_prescriber_could_not_write_nobody_gives_in_their_place(
    clinic: Clinic, substitute: dict[str, Any], problem: str
) -> None:
    registered(clinic, **substitute)

    asked(clinic, clinic.released())

    assert [(event.problem, event.counter_only) for event in told(clinic)] == [(problem, True)]


def test_what_is_in_no_register_is_not_given(clinic: Clinic) -> None:
    asked(clinic, clinic.released())

    assert [(event.problem, event.counter_only) for event in told(clinic)] == [("drug.unknown", True)]


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({}, "insurance_intent.restricted_use"),
        ({"restricted_use_met": True}, None),
        ({"restricted_use_met": False}, "insurance_intent.reason"),
        ({"restricted_use_met": False, "restricted_use_reason": "no_other_drug"}, None),
    ],
    ids=["unsaid", "met", "no reason", "not met"],
)
def test_the_pharmacist_states_what_insurance_restricts(
    clinic: Clinic, said: dict[str, Any], problem: str | None
) -> None:
    registered(clinic, restricted_use=True)

    asked(clinic, clinic.released(), **said)

    assert [event.problem for event in told(clinic)] == [problem]


def test_what_only_a_prescriber_could_confirm_stands_in_the_way(clinic: Clinic, released: UUID) -> None:
    mild = FINDING | {"rule": "A7.allergy_unknown", "severity": "caution"}

    asked(clinic, released, SERIOUS, mild)

    (event,) = told(clinic)
    assert (event.in_the_way, len(event.findings)) == (("A2.skin_test_missing",), 2)


def test_what_could_not_be_screened_is_told_as_such(clinic: Clinic, released: UUID) -> None:
    asked(clinic, released, degraded=True)

    assert [event.degraded for event in told(clinic)] == [True]


def test_the_prescriber_is_told_and_not_asked(clinic: Clinic, released: UUID) -> None:
    issued(clinic)
    proposal_id = asked(clinic, released)

    kinds = [row["kind"] for row in clinic.feedback()]
    assert kinds[:2] == ["substitution_checked", "substitute_screened"]
    assert "substitution_proposed" not in kinds
    (shown,) = show_prescription(clinic.state(released))["proposals"]
    assert shown["checked"] == {"problem": None, "in_the_way": [], "counter_only": False}
    assert code(confirm(clinic, released, proposal_id)) == "proposal.not_asked"


def test_of_what_has_ended_nothing_is_told(clinic: Clinic, released: UUID) -> None:
    proposal_id = proposed(clinic, released, **ALONE)
    clinic.closed(released, outcome="supplied", in_hands=7)
    assert clinic.state(released).ended

    screened(clinic, released, proposal_id)

    assert told(clinic) == []
