"""Registers, members and standing authorisations are loaded and obeyed."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from contracts.events.insurance import RegisterEntryRecorded
from services.insurance.application.access import concerns
from services.insurance.application.audits import audit_view
from services.insurance.application.members import (
    give_standing_authorisation,
    load_member,
    withdraw_standing_authorisation,
)
from services.insurance.application.payments import payment_view
from services.insurance.application.registers import INSURANCE_REGISTER
from services.insurance.application.views import claim_view
from services.insurance.domain.accumulator import (
    AccumulatorState,
    FiguresReserved,
    YearFigures,
    accumulator_of,
    evolve_accumulator,
)
from services.insurance.domain.audit.case import AuditState
from services.insurance.domain.claim import ClaimState
from services.insurance.domain.gateway import OutcomeKind
from services.insurance.domain.member import AccountReserved, MemberImported, MemberState, evolve_member, member_of
from services.insurance.domain.payment import (
    PaymentState,
    PayShare,
    ProviderAnswer,
    evolve_payment,
    pay_share,
)
from services.insurance.domain.payment_events import PaymentOutcomeUnknown, PaymentRequested
from services.insurance.domain.policy import POLICIES
from services.seedwork.reference import entry
from services.seedwork.usecase import Actor
from tests.unit.insurance.memory import (
    ADMIN,
    INSURER,
    JIA,
    NOW,
    PATIENT,
    PATIENT_ACTOR,
    PHARMACY,
    Memory,
    golden_member,
    insured_world,
    recorded,
)

DESIGNATION = f"{PHARMACY}-{INSURER}"
AGREED = {"pharmacy": PHARMACY, "insurer": INSURER, "channels": ["定点"]}


def test_a_designation_is_recorded_and_published_once() -> None:
    memory = Memory()
    memory.run(recorded("designation", DESIGNATION, AGREED), ADMIN)
    again = memory.run(recorded("designation", DESIGNATION, AGREED), ADMIN)
    assert again.body["unchanged"] == 1
    assert memory.names_told() == ["insurance.register_entry_recorded.v1"]
    assert memory.state(entry(INSURANCE_REGISTER, "designation", DESIGNATION)).in_force(date(2026, 1, 1))


def test_a_suspension_is_published_too() -> None:
    memory = Memory()
    memory.run(recorded("designation", DESIGNATION, AGREED), ADMIN)
    memory.run(recorded("designation", DESIGNATION, AGREED, suspended=True), ADMIN)
    assert [event.suspended for event in memory.told_of(RegisterEntryRecorded)] == [False, True]


def test_the_drug_catalogue_stays_insurances_own() -> None:
    memory = insured_world()
    content = {"name": "新药", "drug_list_class": "乙", "first_self_pay_bp": 2000}
    assert memory.run(recorded("catalogue_entry", f"{JIA[:-1]}9", content), ADMIN).body["recorded"] == 1
    assert memory.names_told() == []


@pytest.mark.parametrize(
    ("kind", "code", "content"),
    [
        ("insurer", PHARMACY, {"name": "x", "region": "310100"}),
        ("designation", INSURER, AGREED),
        ("catalogue_entry", "X", {"name": "x", "drug_list_class": "甲"}),
        ("catalogue_entry", JIA, {"name": "x", "drug_list_class": "甲", "first_self_pay_bp": 1000}),
    ],
)
def test_a_code_and_a_content_have_the_form_of_their_kind(kind: str, code: str, content: dict[str, Any]) -> None:
    assert Memory().run(recorded(kind, code, content), ADMIN).body["refused"] == 1


def complaint(kind: str, code: str, content: dict[str, Any]) -> str:
    """What is said of the one row that is not recorded."""
    body = Memory().run(recorded(kind, code, content), ADMIN).body
    assert (body["recorded"], body["refused"]) == (0, 1)
    (said,) = body["rows"][0]["errors"]
    return str(said)


@pytest.mark.parametrize(
    ("first_until", "second_from", "wrong"),
    [
        ("2026-01-31", "2026-02-01", None),
        ("2026-01-31", "2026-01-31", "310100: two versions overlap from 2026-01-31 on"),
        (None, "2026-02-01", "310100: two versions overlap from 2026-02-01 on"),
        ("2026-01-31", "2026-02-02", "310100: a gap: no version from 2026-02-01 to 2026-02-02"),
        ("2025-12-31", "2026-02-01", "310100: ends on 2025-12-31, before it begins"),
    ],
)
def test_the_terms_of_a_place_hold_one_after_the_other(
    first_until: str | None, second_from: str, wrong: str | None
) -> None:
    terms = {"region": "310100", "drug_list_class": "乙"}
    local = [{**terms, "valid_from": "2026-01-01", "valid_until": first_until}, {**terms, "valid_from": second_from}]
    content = {"name": "x", "drug_list_class": "甲", "local": local}
    if wrong is None:
        assert Memory().run(recorded("catalogue_entry", JIA, content), ADMIN).body["recorded"] == 1
    else:
        assert wrong in complaint("catalogue_entry", JIA, content)


def city_row(**changed: Any) -> dict[str, Any]:
    """The national row of an ordinary visit, as a city may load it for itself."""
    row = POLICIES.on(date(2026, 3, 2), "cn").row("310100", "390", "居民", "门诊统筹", date(2026, 3, 2))
    assert row is not None
    return {**row.model_dump(mode="json"), "id": "city", "insuplc": "310100", **changed}


def test_a_policy_table_holds_the_rows_of_one_place_and_scheme() -> None:
    neighbour = {**city_row(), "id": "neighbour", "insuplc": "330100"}
    said = complaint("benefit_policy", "310100-390", {"rows": [city_row(), neighbour]})
    assert said == "rows: neighbour are not of 310100-390"
    both = Memory().run(recorded("benefit_policy", "310100-390", {"rows": [city_row()]}), ADMIN)
    assert both.body["recorded"] == 1


@pytest.mark.parametrize(
    ("fund", "wrong"),
    [
        ({"ratio_bp": 5000, "by_assistance": {"低保": 7000}}, "one of ratio_bp, by_assistance and tiers"),
        ({"tiers": [{"above": 2, "ratio_bp": 6000}, {"above": 1, "ratio_bp": 7000}]}, "ascending order"),
        ({"tiers": [{"above": 1, "ratio_bp": 6000}, {"above": 1, "ratio_bp": 7000}]}, "ascending order"),
    ],
)
def test_a_further_fund_says_in_one_way_what_it_pays(fund: dict[str, Any], wrong: str) -> None:
    row = city_row(further=[{"payer": "hifmi", **fund}])
    assert wrong in complaint("benefit_policy", "310100-390", {"rows": [row]})


def test_the_same_import_again_changes_nothing() -> None:
    memory = insured_world()
    events = len(memory.log)
    memory.run(load_member(golden_member()), ADMIN)
    assert len(memory.log) == events


def test_an_older_import_never_overwrites_a_newer_one() -> None:
    memory = insured_world()
    refusal = memory.refused(load_member(golden_member(as_of=date(2026, 2, 1))), ADMIN)
    assert refusal.code == "member.import_outdated"


def test_a_member_of_an_unknown_insurer_is_refused() -> None:
    assert Memory().refused(load_member(golden_member()), ADMIN).code == "member.unknown_insurer"


def test_a_newer_import_replaces_the_final_figures_and_keeps_what_is_reserved() -> None:
    memory = insured_world()
    member, accumulator = memory.loaded(member_of(PATIENT)), memory.loaded(accumulator_of(PATIENT, 2026))
    claim = UUID(int=50)
    reserved = YearFigures(deductible_used=100, pooled_paid=10)
    memory.streams[member.stream_id].append(AccountReserved(patient_ref=PATIENT, claim_id=claim, amount=1000))
    memory.streams[accumulator.stream_id].append(
        FiguresReserved(patient_ref=PATIENT, year=2026, claim_id=claim, figures=reserved)
    )
    figures = YearFigures(deductible_used=20000, pooled_paid=500)
    memory.run(load_member(golden_member(as_of=date(2026, 4, 1), account_balance=9000, figures=figures)), ADMIN)
    assert memory.loaded(member_of(PATIENT)).state.account_available == 8000
    assert memory.loaded(accumulator_of(PATIENT, 2026)).state.used == figures.plus(reserved)


def test_forgotten_figures_count_as_nothing() -> None:
    claim = UUID(int=50)
    member = evolve_member(MemberState(), MemberImported(patient_ref=PATIENT, as_of=date(2026, 1, 1), facts=None))
    member = evolve_member(member, AccountReserved(patient_ref=PATIENT, claim_id=claim, amount=None))
    assert member.account_available == 0
    accumulator = evolve_accumulator(
        AccumulatorState(), FiguresReserved(patient_ref=PATIENT, year=2026, claim_id=claim, figures=None)
    )
    assert accumulator.used == YearFigures(deductible_used=0, pooled_paid=0)


def test_a_standing_authorisation_is_given_and_withdrawn_by_the_patient() -> None:
    memory = Memory()
    assert memory.run(give_standing_authorisation(PATIENT_ACTOR), PATIENT_ACTOR).body == {"standing": True}
    again = memory.refused(give_standing_authorisation(PATIENT_ACTOR), PATIENT_ACTOR)
    assert again.code == "authorisation.wrong_state"
    assert memory.run(withdraw_standing_authorisation(PATIENT_ACTOR), PATIENT_ACTOR).body == {"standing": False}
    gone = memory.refused(withdraw_standing_authorisation(PATIENT_ACTOR), PATIENT_ACTOR)
    assert (gone.code, gone.facts["state"]) == ("authorisation.wrong_state", "withdrawn")
    assert memory.run(give_standing_authorisation(PATIENT_ACTOR), PATIENT_ACTOR).body == {"standing": True}


def test_only_a_patient_has_a_standing_authorisation() -> None:
    actor = Actor("patient-without-record", "patient")
    assert Memory().refused(give_standing_authorisation(actor), actor).code == "authorisation.not_a_patient"


class SilentProvider:
    """A provider that does not answer."""

    def pay(self, payment_id: UUID, amount: int, reference: str) -> ProviderAnswer:
        return ProviderAnswer(OutcomeKind.UNKNOWN, "silent")

    def inquire(self, payment_id: UUID, reference: str | None) -> ProviderAnswer:
        return ProviderAnswer(OutcomeKind.UNKNOWN, "silent")

    def refund(self, payment_id: UUID, amount: int, reference: str, refund_id: UUID) -> str:
        return reference


def test_a_silent_provider_is_asked_again_and_nothing_is_assumed() -> None:
    request = PaymentRequested(
        payment_id=UUID(int=1),
        claim_id=UUID(int=2),
        supply_id=UUID(int=3),
        prescription_id=UUID(int=4),
        fulfilment_id=UUID(int=5),
        patient_ref=PATIENT,
        amount=100,
    )
    state = evolve_payment(PaymentState(), request)
    asked = PayShare(payment_id=UUID(int=1), reference="R-0001")
    outcome: Any = pay_share(state, asked, SilentProvider(), "authorised", NOW, payable=True)
    assert outcome == [PaymentOutcomeUnknown(reference="R-0001", next_inquiry_at=NOW)]
    waits = evolve_payment(state, outcome[0])
    assert (waits.state, waits.outcome_unknown) == ("requested", True)
    other = asked.model_copy(update={"reference": "R-0002"})
    refused: Any = pay_share(waits, other, SilentProvider(), "authorised", NOW, payable=True)
    assert (refused.code, refused.facts) == ("payment.outcome_unknown", {"reference": "R-0001"})
    unknown: Any = pay_share(
        PaymentState(),
        PayShare(payment_id=UUID(int=1), reference="R-0001"),
        SilentProvider(),
        "authorised",
        NOW,
        payable=True,
    )
    assert unknown.code == "payment.unknown"


def test_what_does_not_exist_has_no_view() -> None:
    assert claim_view(ClaimState()) == {}
    assert payment_view(PaymentState()) == {}
    assert audit_view(AuditState()) == {}


@pytest.mark.parametrize(
    ("actor", "seen"),
    [
        (Actor("o", "insurance_officer", organisation=INSURER), True),
        (Actor("o", "insurance_officer", organisation="I330100"), False),
        (Actor("o", "insurance_officer"), False),
        (Actor("p", "pharmacist", organisation=PHARMACY), True),
        (Actor("p", "patient", patient_ref=PATIENT), True),
        (Actor("d", "prescriber"), False),
    ],
)
def test_a_claim_is_seen_by_its_own_parties_only(actor: Actor, seen: bool) -> None:
    assert concerns(actor, patient_ref=PATIENT, pharmacy=PHARMACY, insurer=INSURER) is seen
