"""A substitute proposed by a pharmacy: in the inbox with its screening, allowed by the prescriber's signature only."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError

from contracts.errors import CATALOGUE
from contracts.events import prescribe_later as public
from contracts.events import review, shortage
from contracts.events.dispatch_later import SubstitutionProposed
from services.prescribe.api.substitutions import DeclineBody
from services.prescribe.application import substitutions
from services.prescribe.application.substitutions import confirm_substitution, decline_substitution
from services.prescribe.application.views import show_prescription
from services.prescribe.domain.commands import DeclineSubstitution
from services.prescribe.domain.policy import CN, Policy
from services.prescribe.domain.prescription import PRESCRIPTION, fulfilment_id
from services.seedwork.policies import Jurisdictions, Policies
from services.seedwork.ports import Outcome
from tests.unit.prescribe.conftest import (
    AMLODIPINE,
    COLLEAGUE,
    DOCTOR,
    FINDING,
    HOSPITAL,
    INTENT,
    NOW,
    PHARMACY,
    Clinic,
    drug,
    fulfilment_event,
    line,
)

SUBSTITUTE = "XC08CAB799A002029194749"
PROTOCOL = UUID(int=77)
SHA = "ab" * 32


def code(outcome: Outcome) -> str | None:
    return outcome.refusal.code if outcome.refusal else None


def issued(clinic: Clinic, **changes: Any) -> None:
    fields = {
        "protocol_id": PROTOCOL,
        "case_id": UUID(int=78),
        "from_drug_key": "氨氯地平|片剂|5mg",
        "to_drug_key": "氨氯地平|片剂|10mg",
        "ratio": {"numerator": 2, "denominator": 1},
        "regions": ["33"],
        "mode": "prescriber_confirms",
        "issuer": {"authority": "330000", "level": "province", "person": "R33", "signed_sha256": SHA},
        "valid_from": date(2026, 3, 1),
        **changes,
    }
    clinic.hear(shortage.ProtocolIssued.model_validate(fields))


def registered(clinic: Clinic, **changes: Any) -> None:
    """The substitute in the register of drugs."""
    fine = drug("苯磺酸氨氯地平", dose=10000, strength="10mg") | changes
    assert clinic.load("drug", SUBSTITUTE, fine).refusal is None


def proposed(clinic: Clinic, prescription_id: UUID, **changes: Any) -> UUID:
    """A pharmacy asks; answers the proposal."""
    about = {
        "patient_ref": clinic.patient_ref,
        "proposal_id": uuid4(),
        "hold_id": uuid4(),
        "pharmacy": PHARMACY,
        "pharmacist": "HY1",
        "line": 1,
        "prescribed_product": AMLODIPINE,
        "quantity": 6,
        "substitute": {
            "product": SUBSTITUTE,
            "generic_name": "氨氯地平",
            "drug_key": "氨氯地平|片剂|10mg",
            "form": "片剂",
            "strength": "10mg",
            "dose_unit": "mg",
            "dose_per_base_unit": 10000,
            "base_unit": "片",
        },
        "substitute_quantity": 3,
        "unit_price": 1480,
        "ratio": {"numerator": 2, "denominator": 1},
        "protocol_id": PROTOCOL,
        "answer_due_at": NOW + timedelta(hours=4),
    }
    event = fulfilment_event(prescription_id, SubstitutionProposed, **{**about, **changes})
    clinic.hear(event)
    clinic.hear(event)
    return UUID(str(event.proposal_id))


def screened(
    clinic: Clinic, prescription_id: UUID, proposal_id: UUID, *findings: dict[str, Any], degraded: bool = False
) -> None:
    event = review.SubstituteScreened.model_validate(
        {
            "prescription_id": prescription_id,
            "patient_ref": clinic.patient_ref,
            "proposal_id": proposal_id,
            "line": 1,
            "findings": findings,
            "degraded": degraded,
        }
    )
    clinic.hear(event)


def clean(clinic: Clinic, prescription_id: UUID, **changes: Any) -> UUID:
    """A pharmacy asks about what screening finds nothing in; answers the proposal."""
    proposal_id = proposed(clinic, prescription_id, **changes)
    screened(clinic, prescription_id, proposal_id)
    return proposal_id


def signed(clinic: Clinic, prescription_id: UUID, proposal_id: UUID, /, **changes: Any) -> str:
    content = {
        "prescription_id": str(prescription_id),
        "prescriber": DOCTOR,
        "signed_sha256": clinic.state(prescription_id).signed.signature.sha256,
        "proposal_id": str(proposal_id),
        "line": 1,
        "substitute": SUBSTITUTE,
    } | changes
    return clinic.sign(content)


def confirm(
    clinic: Clinic, prescription_id: UUID, proposal_id: UUID, /, doctor: str = DOCTOR, **changes: Any
) -> Outcome:
    jws = signed(clinic, prescription_id, proposal_id, **changes)
    return clinic.store.run(confirm_substitution(jws, prescription_id), clinic.doctor(doctor))


@pytest.fixture
def asked(clinic: Clinic) -> tuple[UUID, UUID]:
    """A released prescription and a proposal for it, screened without a finding."""
    registered(clinic)
    issued(clinic)
    prescription_id = clinic.released()
    return prescription_id, clean(clinic, prescription_id)


def test_a_proposal_is_in_the_inbox_with_its_screening(clinic: Clinic) -> None:
    prescription_id = clinic.released()
    proposal_id = proposed(clinic, prescription_id)
    screened(clinic, prescription_id, proposal_id, FINDING)
    screened(clinic, prescription_id, proposal_id, FINDING)

    (shown,) = show_prescription(clinic.state(prescription_id))["proposals"]
    assert (shown["substitute"], shown["quantity"], shown["substitute_quantity"]) == (SUBSTITUTE, 6, 3)
    assert (shown["screened"], shown["confirmed"], len(shown["findings"])) == (True, False, 1)
    kinds = [
        row["kind"] for row in clinic.store.rows("feedback_of_prescriber", prescriber=DOCTOR, before=2**62, limit=9)
    ]
    assert kinds == ["substitute_screened", "substitution_proposed"]


def test_a_screening_told_before_its_proposal_is_kept(clinic: Clinic) -> None:
    issued(clinic)
    prescription_id, proposal_id = clinic.released(), uuid4()
    screened(clinic, prescription_id, proposal_id, FINDING)

    proposed(clinic, prescription_id, proposal_id=proposal_id)

    (shown,) = show_prescription(clinic.state(prescription_id))["proposals"]
    assert shown["screened"] is True


def test_the_prescribers_signature_allows_it_and_dispatch_is_told_once(
    clinic: Clinic, asked: tuple[UUID, UUID]
) -> None:
    prescription_id, proposal_id = asked

    jws = signed(clinic, prescription_id, proposal_id)

    outcome = clinic.store.run(confirm_substitution(jws, prescription_id), clinic.doctor())
    again = clinic.store.run(confirm_substitution(jws, prescription_id), clinic.doctor())

    assert (outcome.status, outcome.body["confirmed"], again.status) == (201, True, 201)
    (told,) = clinic.store.told_of(public.SubstitutionConfirmed)
    assert (told.proposal_id, told.line, told.substitute) == (proposal_id, 1, SUBSTITUTE)
    assert (told.fulfilment_id, told.protocol_id) == (fulfilment_id(prescription_id, 1), PROTOCOL)
    assert (told.ratio.numerator, told.ratio.denominator) == (2, 1)
    assert code(confirm(clinic, prescription_id, proposal_id)) == "proposal.answered"


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"proposal_id": str(UUID(int=5))}, "proposal.unknown"),
        ({"substitute": "XC08CAB799A003029194749"}, "proposal.other_substitute"),
        ({"line": 2}, "proposal.other_substitute"),
        ({"signed_sha256": "cd" * 32}, "prescription.other_content"),
        ({"prescription_id": str(UUID(int=6))}, "prescription.other_id"),
        ({"line": 0}, "prescription.payload"),
    ],
    ids=["proposal", "substitute", "line", "content", "prescription", "payload"],
)
def test_what_is_signed_is_what_was_proposed(
    clinic: Clinic, asked: tuple[UUID, UUID], changes: dict[str, Any], refusal: str
) -> None:
    assert code(confirm(clinic, *asked, **changes)) == refusal
    assert not clinic.store.told_of(public.SubstitutionConfirmed)


@pytest.mark.parametrize(
    ("found", "refused"),
    [
        ({"rule": "A7.allergy", "severity": "blocking", "result_code": "2-2", "confirmable": False}, True),
        ({"rule": "A2.skin_test_missing", "severity": "serious", "result_code": "2-9", "confirmable": False}, True),
        ({"rule": "A7.allergy_unknown", "severity": "caution", "result_code": "2-2", "confirmable": False}, False),
        ({"severity": "serious", "confirmable": True}, False),
    ],
)
def test_no_signature_insists_on_what_cannot_be_confirmed(
    clinic: Clinic, asked: tuple[UUID, UUID], found: dict[str, Any], refused: bool
) -> None:
    prescription_id, proposal_id = asked
    other = proposed(clinic, prescription_id)
    screened(clinic, prescription_id, other, FINDING | found)
    before = clinic.state(prescription_id)

    outcome = confirm(clinic, prescription_id, other)

    assert code(outcome) == ("proposal.not_confirmable" if refused else None)
    assert (clinic.state(prescription_id) == before) is refused
    assert code(confirm(clinic, prescription_id, proposal_id)) is None


@pytest.mark.parametrize("degraded", [False, True])
def test_nobody_signs_before_the_screening_is_known_and_the_same_signature_holds_afterwards(
    clinic: Clinic, degraded: bool
) -> None:
    registered(clinic)
    issued(clinic)
    prescription_id = clinic.released()
    proposal_id = proposed(clinic, prescription_id)
    before, jws = clinic.state(prescription_id), signed(clinic, prescription_id, proposal_id)

    early = clinic.store.run(confirm_substitution(jws, prescription_id), clinic.doctor())

    assert (code(early), CATALOGUE["proposal.not_screened"].final) == ("proposal.not_screened", False)
    assert clinic.state(prescription_id) == before
    screened(clinic, prescription_id, proposal_id, degraded=degraded)
    assert code(clinic.store.run(confirm_substitution(jws, prescription_id), clinic.doctor())) is None
    assert len(clinic.store.told_of(public.SubstitutionConfirmed)) == 1


RESTRICTED = {"antibacterial_level": "restricted", "atc": "J01DD08"}
SPECIAL = {"antibacterial_level": "special", "atc": "J01DH02"}
LEVELS = {"antibacterial_rights": [{"level": "restricted", "valid_from": "2026-01-01"}]}
EMERGENCY = {"visit_kind": "emergency", "lines": [line(days=3, quantity=3)]}


@pytest.mark.parametrize(
    ("substitute", "doctor", "written", "refusal"),
    [
        ({"drug_class": "psychotropic_2"}, {}, {}, "prescriber.no_right"),
        ({"drug_class": "narcotic"}, {}, {}, "drug.never_circulates"),
        (
            {"drug_class": "psychotropic_2"},
            {
                "dated_rights": [
                    {"drug_class": "psychotropic_2", "valid_from": "2026-01-01", "valid_until": "2026-03-01"}
                ]
            },
            {},
            "prescriber.right_not_in_force",
        ),
        (
            {"drug_class": "psychotropic_2"},
            {
                "dated_rights": [
                    {"drug_class": "psychotropic_2", "valid_from": "2026-01-01", "valid_until": "2026-03-02"}
                ]
            },
            {},
            None,
        ),
        (RESTRICTED, {}, {}, "antibacterial.no_right"),
        (RESTRICTED, LEVELS | {"title": "resident"}, {}, "prescriber.title"),
        (RESTRICTED, LEVELS | {"title": "attending"}, {}, None),
        (SPECIAL, LEVELS | {"title": "attending"}, {}, "antibacterial.not_outpatient"),
        (SPECIAL, LEVELS | {"title": "attending"}, EMERGENCY, "antibacterial.reason_missing"),
        (
            SPECIAL,
            LEVELS | {"title": "attending"},
            EMERGENCY | {"beyond_level_reason": "septic shock"},
            "antibacterial.too_long",
        ),
    ],
    ids=["class", "narcotic", "right ended", "its last day", "level", "title", "fine", "outpatient", "reason", "days"],
)
def test_the_prescriber_has_the_right_that_the_substitute_asks_for(
    clinic: Clinic, substitute: dict[str, Any], doctor: dict[str, Any], written: dict[str, Any], refusal: str | None
) -> None:
    registered(clinic, **substitute)
    clinic.load_person(DOCTOR, **doctor)
    issued(clinic)
    prescription_id = clinic.released(**written)
    proposal_id = clean(clinic, prescription_id)
    before = clinic.state(prescription_id)

    outcome = confirm(clinic, prescription_id, proposal_id)

    assert code(outcome) == refusal
    assert (clinic.state(prescription_id) == before) is (refusal is not None)
    assert bool(clinic.store.told_of(public.SubstitutionConfirmed)) is (refusal is None)


WITH_REASON = {"lines": [line(days=14, quantity=14)], "long_supply_reason": "lives far away"}
IN_PARTS = {"plan": {"instalments": 2, "days": 14}, "lines": [line(days=28, quantity=28)]}
UNEVEN = {"plan": {"instalments": 2, "days": 7}, "lines": [line(days=14, quantity=14)]}
AS_NEEDED = {"lines": [line(frequency="prn", frequency_per_day=2, days=7, quantity=8)]}
OTHER = {"generic_name": "硝苯地平"}
QUARTER = {"ratio": {"numerator": 4, "denominator": 1}}
AMOUNTS: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any], str | None]] = [
    ("herb", {"medicine_type": "herbal"}, {}, {}, "line.medicine_kind"),
    ("strength", {"dose_per_base_unit": 20000}, {}, {}, "line.quantity"),
    ("its ratio", {"dose_per_base_unit": 20000}, {}, QUARTER, None),
    ("another ratio", {}, {}, QUARTER, "line.quantity"),
    ("unequal parts", {"dose_per_base_unit": 7500}, {}, {"ratio": {"numerator": 3, "denominator": 2}}, None),
    ("another drug", OTHER | {"dose_per_base_unit": 20000}, {}, {}, None),
    ("another form", {"form": "缓释片", "dose_per_base_unit": 20000}, {}, {}, None),
    ("another unit", {"dose_unit": "g", "dose_per_base_unit": 20}, {}, {}, None),
    ("as needed", {}, AS_NEEDED, {}, None),
    ("as needed, more", {"dose_per_base_unit": 40000}, AS_NEEDED, {}, "line.quantity"),
    ("class", {"drug_class": "psychotropic_2"}, IN_PARTS, {}, "supply.class_reason_missing"),
    ("class with reason", {"drug_class": "psychotropic_2"}, WITH_REASON, {}, None),
    ("toxic", {"drug_class": "toxic"}, {}, {}, "supply.class_limit"),
    ("toxic, a day", {"drug_class": "toxic", "daily_dose_max": 10000}, {"lines": [line(days=2, quantity=2)]}, {}, None),
    (
        "its largest dose",
        {"drug_class": "toxic", "daily_dose_max": 4999},
        {"lines": [line(days=2, quantity=2)]},
        {},
        "supply.largest_dose",
    ),
    (
        "no more than can be given",
        {"drug_class": "toxic", "daily_dose_max": 10000},
        {"lines": [line(frequency_per_day=5, days=1, quantity=5)]},
        {},
        None,
    ),
    ("one dose", {"generic_name": "盐酸哌替啶"}, {}, {}, "supply.single_dose"),
    ("in instalments", {}, IN_PARTS, {}, None),
    ("of which something is left", {}, UNEVEN, {}, None),
    ("anti-infective", {"atc": "J01CA04"}, IN_PARTS, {}, "plan.excluded"),
    ("stored cold", {"cold_chain": True}, IN_PARTS, {}, "plan.excluded"),
]


def answered(substitute: dict[str, Any], written: dict[str, Any], asked_for: dict[str, Any]) -> str | None:
    """How a substitute is answered that this doctor may prescribe."""
    clinic = Clinic()
    clinic.load_person(DOCTOR, prescribing_rights=["ordinary", "toxic", "psychotropic_2"])
    registered(clinic, **substitute)
    issued(clinic)
    prescription_id = clinic.released(**written)
    proposal_id = clean(clinic, prescription_id, **asked_for)
    before = clinic.state(prescription_id)
    answer = code(confirm(clinic, prescription_id, proposal_id))
    assert (clinic.state(prescription_id) == before) is (answer is not None)
    return answer


@pytest.mark.parametrize(
    ("substitute", "written", "asked_for", "refusal"), [row[1:] for row in AMOUNTS], ids=[row[0] for row in AMOUNTS]
)
def test_the_amounts_of_a_substitute_are_checked_as_if_it_were_written(
    substitute: dict[str, Any], written: dict[str, Any], asked_for: dict[str, Any], refusal: str | None
) -> None:
    assert answered(substitute, written, asked_for) == refusal


@pytest.mark.parametrize(
    ("substitute", "counter_only"),
    [({}, False), ({"deliverable": False}, True), ({"drug_class": "psychotropic_2"}, True)],
    ids=["delivered", "by its nature", "by law"],
)
def test_dispatch_is_told_of_a_substitute_that_is_not_delivered(
    clinic: Clinic, substitute: dict[str, Any], counter_only: bool
) -> None:
    clinic.load_person(DOCTOR, prescribing_rights=["ordinary", "psychotropic_2"])
    registered(clinic, **substitute)
    issued(clinic)
    prescription_id = clinic.released()

    confirm(clinic, prescription_id, clean(clinic, prescription_id))

    assert clinic.store.told_of(public.SubstitutionConfirmed)[0].counter_only is counter_only


SELF_PAY = {"kind": "self_pay", "lines": [{"line": 1, "kind": "self_pay", "self_pay_reason": "patient_asks"}]}


@pytest.mark.parametrize(
    ("restricted", "said", "written", "refusal"),
    [
        (True, {}, {}, "insurance_intent.restricted_use"),
        (True, {"restricted_use_met": True}, {}, None),
        (True, {"restricted_use_met": False}, {}, "insurance_intent.reason"),
        (True, {"restricted_use_met": False, "restricted_use_reason": "no other drug"}, {}, None),
        (True, {}, {"insurance_intent": SELF_PAY}, None),
        (False, {}, {"insurance_intent": INTENT | {"restricted_use": [{"line": 1, "met": True}]}}, None),
    ],
    ids=["unsaid", "met", "no reason", "not met", "self-pay", "said of the line"],
)
def test_what_insurance_restricts_is_stated_of_the_substitute_itself(
    clinic: Clinic, restricted: bool, said: dict[str, Any], written: dict[str, Any], refusal: str | None
) -> None:
    registered(clinic, restricted_use=restricted)
    issued(clinic)
    prescription_id = clinic.released(**written)

    assert code(confirm(clinic, prescription_id, clean(clinic, prescription_id), **said)) == refusal
    told = [event.restricted_use_met for event in clinic.store.told_of(public.SubstitutionConfirmed)]
    assert told == ([] if refusal else [said.get("restricted_use_met")])


def test_what_was_signed_under_looser_forms_is_not_measured_by_those_of_today(clinic: Clinic) -> None:
    registered(clinic)
    issued(clinic)
    prescription_id = clinic.released(**WITH_REASON)
    stream = clinic.store.streams[PRESCRIPTION.ref(prescription_id).stream_id]
    stream[0] = stream[0].model_copy(update={"beyond_level_reason": " ", "plan_assessment": " "})

    assert code(confirm(clinic, prescription_id, clean(clinic, prescription_id))) is None


TIGHTER: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    (
        {"days": {kind: {"usual": 7, "with_reason": 13} for kind in ("outpatient", "emergency")}},
        WITH_REASON,
        "supply.too_long",
    ),
    (
        {"frequencies": {}},
        {"lines": [line(frequency="qod", frequency_per_day=None, days=7, quantity=4)]},
        "line.frequency",
    ),
    ({"long_term": None}, IN_PARTS, "plan.not_admitted"),
]


@pytest.mark.parametrize(("change", "written", "refusal"), TIGHTER, ids=[row[-1] for row in TIGHTER])
def test_the_amounts_are_checked_by_the_policy_of_the_day(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], written: dict[str, Any], refusal: str
) -> None:
    registered(clinic)
    issued(clinic)
    prescription_id = clinic.released(**written)
    proposal_id = clean(clinic, prescription_id)
    changed = Policy.model_validate(CN.on(NOW.date()).model_dump() | change)
    policies = Jurisdictions({"cn": Policies[Policy](jurisdiction="cn", versions=(changed,))})
    monkeypatch.setattr(substitutions, "POLICIES", policies)

    assert code(confirm(clinic, prescription_id, proposal_id)) == refusal


def test_a_substitute_in_no_register_or_withdrawn_is_not_signed(clinic: Clinic) -> None:
    issued(clinic)
    prescription_id = clinic.released()
    proposal_id = clean(clinic, prescription_id)

    assert code(confirm(clinic, prescription_id, proposal_id)) == "drug.unknown"
    clinic.load("drug", SUBSTITUTE, drug("苯磺酸氨氯地平"), valid_until="2026-03-01")
    assert code(confirm(clinic, prescription_id, proposal_id)) == "drug.not_in_force"
    registered(clinic)
    assert code(confirm(clinic, prescription_id, proposal_id)) is None


def test_no_substitute_of_an_excluded_class_after_an_online_visit() -> None:
    clinic = Clinic(jurisdiction="demo-eu")
    clinic.load_person(DOCTOR, prescribing_rights=["ordinary", "narcotic"], practising_since="2020-01-01")
    clinic.load("institution", HOSPITAL, {"name": "practice", "region": "330102", "level": 1, "kind": "practice"})
    registered(clinic, drug_class="narcotic")
    issued(clinic)
    online = {"online_visit": True, "written_by": "person", "online": {"first_visit": False}}
    plain = {"diagnoses": [{"code": "I10", "name": "hypertension"}], "insurance_intent": {"kind": "general"}}
    seen_online = clinic.released(**plain, **online)
    in_person = clinic.released(**plain)

    assert code(confirm(clinic, seen_online, clean(clinic, seen_online))) == "online.excluded_class"
    assert code(confirm(clinic, in_person, clean(clinic, in_person))) is None


def test_nobody_else_signs_it(clinic: Clinic, asked: tuple[UUID, UUID]) -> None:
    assert code(confirm(clinic, *asked, doctor=COLLEAGUE)) == "prescription.not_yours"
    assert code(confirm(clinic, *asked, prescriber=COLLEAGUE, doctor=COLLEAGUE)) == "prescription.not_yours"


def test_a_pharmacy_that_waits_no_more_is_not_answered(clinic: Clinic, asked: tuple[UUID, UUID]) -> None:
    clinic.store.time += timedelta(hours=4)

    assert code(confirm(clinic, *asked)) == "proposal.over"


def test_without_a_protocol_in_force_nothing_is_signed(clinic: Clinic) -> None:
    prescription_id = clinic.released()
    proposal_id = proposed(clinic, prescription_id)
    assert code(confirm(clinic, prescription_id, proposal_id)) == "proposal.protocol_over"
    issued(clinic)
    issued(clinic)
    ended = shortage.ProtocolEnded(
        protocol_id=PROTOCOL, case_id=UUID(int=78), ended_as="withdrawn", ends_on=date(2026, 3, 1)
    )
    clinic.hear(ended)
    clinic.hear(ended)

    assert code(confirm(clinic, prescription_id, proposal_id)) == "proposal.protocol_over"


def test_a_protocol_of_tomorrow_does_not_hold_yet(clinic: Clinic) -> None:
    issued(clinic, valid_from=date(2026, 3, 3))
    prescription_id = clinic.released()

    assert code(confirm(clinic, prescription_id, proposed(clinic, prescription_id))) == "proposal.protocol_over"


def test_an_ended_prescription_takes_no_substitute(clinic: Clinic, asked: tuple[UUID, UUID]) -> None:
    prescription_id, proposal_id = asked
    clinic.cancel(prescription_id)

    assert code(confirm(clinic, prescription_id, proposal_id)) == "prescription.wrong_state"


def test_what_cannot_be_placed_is_recorded_and_changes_nothing(clinic: Clinic) -> None:
    unknown = uuid4()
    proposed(clinic, unknown)
    screened(clinic, unknown, uuid4())
    prescription_id = clinic.released()
    proposed(clinic, prescription_id, line=9)
    under_review = clinic.issued()
    proposed(clinic, under_review)

    assert not clinic.state(prescription_id).proposals
    assert not clinic.state(under_review).proposals


# declined ------------------------------------------------------------------------------------------------------------
def decline(
    clinic: Clinic, prescription_id: UUID, proposal_id: UUID, reason: str = "not tolerated", doctor: str = DOCTOR
) -> Outcome:
    command = DeclineSubstitution(prescription_id=prescription_id, proposal_id=proposal_id, reason=reason)
    return clinic.store.run(decline_substitution(command), clinic.doctor(doctor))


def test_a_declined_proposal_is_told_with_its_reason_and_is_over(clinic: Clinic, asked: tuple[UUID, UUID]) -> None:
    prescription_id, proposal_id = asked

    answers = [decline(clinic, *asked), decline(clinic, *asked)]

    assert [(each.status, each.body["declined"], each.body["confirmed"]) for each in answers] == [
        (201, True, False)
    ] * 2
    (event,) = clinic.store.told_of(public.SubstitutionDeclined)
    assert (event.proposal_id, event.line, event.substitute) == (proposal_id, 1, SUBSTITUTE)
    assert (event.fulfilment_id, event.reason) == (fulfilment_id(prescription_id, 1), "not tolerated")
    (shown,) = show_prescription(clinic.state(prescription_id))["proposals"]
    assert (shown["declined"], shown["declined_because"]) == (True, "not tolerated")
    assert clinic.feedback()[0]["kind"] == "substitution_declined"
    assert code(decline(clinic, *asked, reason="another")) == "proposal.answered"
    assert code(confirm(clinic, *asked)) == "proposal.answered"


def test_it_is_declined_before_it_is_screened_and_without_a_protocol(clinic: Clinic) -> None:
    prescription_id = clinic.released()

    assert code(decline(clinic, prescription_id, proposed(clinic, prescription_id))) is None


def test_a_signed_substitute_is_not_declined_afterwards(clinic: Clinic, asked: tuple[UUID, UUID]) -> None:
    assert code(confirm(clinic, *asked)) is None

    assert code(decline(clinic, *asked)) == "proposal.answered"


def test_who_may_not_what_is_not_asked_or_over_is_not_declined(clinic: Clinic, asked: tuple[UUID, UUID]) -> None:
    prescription_id, proposal_id = asked
    unasked = proposed(clinic, prescription_id, mode="pharmacist_alone")
    before = clinic.state(prescription_id)

    assert code(decline(clinic, uuid4(), proposal_id)) == "prescription.unknown"
    assert code(decline(clinic, *asked, doctor=COLLEAGUE)) == "prescription.not_yours"
    assert code(decline(clinic, prescription_id, uuid4())) == "proposal.unknown"
    assert code(decline(clinic, prescription_id, unasked)) == "proposal.not_asked"
    clinic.store.time += timedelta(hours=4)
    assert code(decline(clinic, *asked)) == "proposal.over"
    assert clinic.state(prescription_id) == before
    clinic.closed(prescription_id, outcome="supplied", in_hands=7)
    assert code(decline(clinic, *asked)) == "prescription.ended"
    assert not clinic.store.told_of(public.SubstitutionDeclined)


def test_blanks_are_no_reason_why_a_restriction_is_not_met(clinic: Clinic, asked: tuple[UUID, UUID]) -> None:
    said = {"restricted_use_met": False, "restricted_use_reason": " "}

    assert code(confirm(clinic, *asked, **said)) == "prescription.payload"


@pytest.mark.parametrize("reason", ["", " ", "\u3000\n", "x" * 501])
def test_declining_says_why(reason: str) -> None:
    for kind in (DeclineSubstitution, DeclineBody):
        with pytest.raises(ValidationError):
            kind.model_validate({"prescription_id": uuid4(), "proposal_id": uuid4(), "reason": reason})


def test_what_nobody_answered_when_the_prescription_ended_is_shown_closed(
    clinic: Clinic, asked: tuple[UUID, UUID]
) -> None:
    prescription_id, declined = asked
    assert code(decline(clinic, *asked)) is None
    unanswered = proposed(clinic, prescription_id)

    def closed() -> dict[str, bool]:
        return {
            each["proposal_id"]: each["closed"]
            for each in show_prescription(clinic.state(prescription_id))["proposals"]
        }

    assert closed() == {str(declined): False, str(unanswered): False}
    clinic.closed(prescription_id, cancelled=7)
    assert clinic.state(prescription_id).ended
    assert closed() == {str(declined): False, str(unanswered): True}
