"""Members, assistance identities and filings in bulk: dated, once, row by row, and obeyed by the claims of the day."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from contracts.rows import ROWS_PER_REQUEST_MAX
from services.insurance.application.claims import authorise_claim
from services.insurance.application.member_imports import import_assistances, import_filings, import_members
from services.insurance.application.payments import pay
from services.insurance.domain.accumulator import Counted, FiguresImported, YearFigures, accumulator_of
from services.insurance.domain.claim import AuthoriseClaim, ClaimState, claim_of
from services.insurance.domain.dated_status import (
    AssistanceIdentity,
    AssistanceImported,
    FilingImported,
    import_assistance,
    with_assistance,
)
from services.insurance.domain.member import MemberState, evolve_member, member_of
from services.insurance.domain.payment import PayShare, payment_of
from services.seedwork.forgotten import PatientForgotten, forgotten_ref
from services.seedwork.model import Refusal
from tests.unit.insurance.memory import (
    ADMIN,
    INSURER,
    PATIENT,
    PATIENT_ACTOR,
    SUPPLY,
    Memory,
    dispensed,
    insured_world,
    received,
)

OTHER = UUID(int=77)
AWAY = "330106"
"""Of another province than the insurer's."""


def member_row(**changes: Any) -> dict[str, Any]:
    row = {
        "patient_ref": str(OTHER),
        "as_of": "2026-03-01",
        "insurer": INSURER,
        "insutype": "390",
        "psn_type": "居民",
        "account_balance": "6000",
        "deductible_used": "15000",
        "insured_from": "2020-01-01",
    }
    return {**row, **changes}


def assistance_row(**changes: Any) -> dict[str, Any]:
    row = {"patient_ref": str(PATIENT), "as_of": "2026-03-01", "identity": "特困", "valid_from": "2026-01-01"}
    return {**row, **changes}


def filing_row(**changes: Any) -> dict[str, Any]:
    row = {
        "patient_ref": str(PATIENT),
        "as_of": "2026-03-01",
        "region": "330100",
        "kind": "resident",
        "valid_from": "2026-01-01",
    }
    return {**row, **changes}


IMPORTS: dict[str, Any] = {
    "members": (import_members, member_row),
    "assistance": (import_assistances, assistance_row),
    "filings": (import_filings, filing_row),
}


def bring(memory: Memory, kind: str, *rows: dict[str, Any]) -> list[tuple[str, list[str]]]:
    import_kind, row = IMPORTS[kind]
    body = memory.run(import_kind([row(**changes) for changes in rows]), ADMIN).body
    assert body["booked"] + body["unchanged"] + body["refused"] == len(rows)
    return [(each["result"], each.get("errors", [])) for each in body["rows"]]


def member(memory: Memory, patient: UUID = PATIENT) -> MemberState:
    state: MemberState = memory.state(member_of(patient))
    return state


@pytest.mark.parametrize("kind", list(IMPORTS))
def test_the_same_file_again_changes_nothing(kind: str) -> None:
    memory = insured_world()
    assert bring(memory, kind, {}) == [("booked", [])]
    events = len(memory.log)

    assert bring(memory, kind, {}, {}) == [("unchanged", []), ("unchanged", [])]
    assert len(memory.log) == events


@pytest.mark.parametrize("kind", list(IMPORTS))
def test_a_broken_row_is_told_and_holds_up_no_other(kind: str) -> None:
    memory = insured_world()
    rows = [{"as_of": "1.3.2026"}, {"colour": "red"}, {"patient_ref": "nobody"}, {"as_of": "2026-03-02"}]

    report = bring(memory, kind, *rows)

    assert [result for result, _ in report] == ["refused", "refused", "refused", "booked"]
    assert [errors[0].partition(":")[0] for _, errors in report[:3]] == ["as_of", "colour", "patient_ref"]


@pytest.mark.parametrize("kind", list(IMPORTS))
def test_an_older_word_never_overwrites_a_newer_one(kind: str) -> None:
    memory = insured_world()
    changed = {"members": {"account_balance": "1"}, "assistance": {"identity": "返贫"}, "filings": {"kind": "referral"}}
    bring(memory, kind, {"as_of": "2026-03-05"})

    assert bring(memory, kind, {"as_of": "2026-03-04", **changed[kind]}) == [("refused", ["member.import_outdated"])]
    assert bring(memory, kind, {"as_of": "2026-03-06", **changed[kind]}) == [("booked", [])]


@pytest.mark.parametrize("kind", list(IMPORTS))
def test_of_a_forgotten_patient_nothing_is_kept(kind: str) -> None:
    memory = insured_world()
    for patient in (PATIENT, OTHER):
        ref = forgotten_ref(patient)
        memory.streams[ref.stream_id] = [PatientForgotten(patient_ref=patient)]

    assert bring(memory, kind, {}) == [("refused", ["patient.forgotten"])]


@pytest.mark.parametrize("kind", list(IMPORTS))
def test_a_request_has_its_size(kind: str) -> None:
    import_kind, row = IMPORTS[kind]
    assert Memory().refused(import_kind([]), ADMIN).code == "import.size"
    assert Memory().refused(import_kind([row()] * (ROWS_PER_REQUEST_MAX + 1)), ADMIN).code == "import.size"


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"insurer": "I999999"}, "member.unknown_insurer"),
        ({"account_balance": "-1"}, "account_balance: "),
        ({"account_balance": "10.5"}, "account_balance: "),
        ({"insured_until": "2019-12-31"}, "row: "),
        ({"funds": "hifmi"}, "funds: "),
        ({"funds": "hifmi=1;hifmi=2"}, "funds: "),
        ({"funds": 12}, "funds: "),
        ({"counters": "chronic=x/1"}, "counters.chronic.deductible_used: "),
        ({"counters": 12}, "counters: "),
    ],
)
def test_what_cannot_be_a_member_is_refused(cells: dict[str, Any], said: str) -> None:
    memory = insured_world()
    ((result, errors),) = bring(memory, "members", cells)
    assert result == "refused"
    assert errors[0].startswith(said)
    assert member(memory, OTHER) == MemberState()


def test_all_figures_of_the_year_come_in_cells() -> None:
    memory = insured_world()
    cells = {"burden": "9000", "funds": "hifmi=1200; maf=300", "counters": "chronic=20000/51000"}
    bring(memory, "members", {**cells, "supplements": "civil_servant;commercial"})

    assert memory.state(accumulator_of(OTHER, 2026)).used == YearFigures(
        deductible_used=15000,
        pooled_paid=0,
        burden=9000,
        funds={"hifmi": 1200, "maf": 300},
        counters={"chronic": Counted(deductible_used=20000, pooled_paid=51000)},
    )
    facts = member(memory, OTHER).facts
    assert facts is not None
    assert facts.supplements == ("civil_servant", "commercial")


@pytest.mark.parametrize("kind", ["assistance", "filings"])
def test_only_of_members_anything_is_known(kind: str) -> None:
    memory = insured_world()
    assert bring(memory, kind, {"patient_ref": str(OTHER)}) == [("refused", ["member.unknown"])]
    bring(memory, "members", {})
    assert bring(memory, kind, {"patient_ref": str(OTHER)}) == [("booked", [])]


@pytest.mark.parametrize("kind", ["assistance", "filings"])
def test_two_that_hold_on_one_day_are_refused_and_a_withdrawn_one_makes_room(kind: str) -> None:
    memory = insured_world()
    bring(memory, kind, {"valid_until": "2026-06-30"})
    overlapping = {"valid_from": "2026-06-30"}

    assert bring(memory, kind, overlapping) == [("refused", ["member.periods_overlap"])]
    assert bring(memory, kind, {"valid_from": "2025-06-30"}) == [("refused", ["member.periods_overlap"])]
    assert bring(memory, kind, {"valid_from": "2026-07-01"}) == [("booked", [])]
    assert bring(memory, kind, {"withdrawn": "true", "valid_until": "2026-06-30"}) == [("booked", [])]
    assert bring(memory, kind, {"valid_from": "2026-02-01", "valid_until": "2026-06-30"}) == [("booked", [])]
    assert bring(memory, kind, {"valid_from": "2026-05-01", "valid_until": "2026-04-01"})[0][0] == "refused"


def test_filings_for_two_places_hold_at_once_and_the_nearest_counts() -> None:
    memory = insured_world()
    bring(memory, "filings", {"region": "330000", "kind": "temporary"}, {"region": "330100", "kind": "resident"})

    assert member(memory).filing("330106", date(2026, 3, 2)) == "resident"
    assert member(memory).filing("330200", date(2026, 3, 2)) == "temporary"
    assert member(memory).filing("340100", date(2026, 3, 2)) is None


def test_an_assistance_identity_holds_on_its_days_and_the_dated_word_replaces_the_members() -> None:
    memory = insured_world()
    assert member(memory).assistance(date(2026, 3, 2)) == "低保", "as the member's own import said"
    bring(memory, "assistance", {"valid_from": "2026-03-02", "valid_until": "2026-03-31"})

    days = (date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 31), date(2026, 4, 1))
    assert [member(memory).assistance(day) for day in days] == [None, "特困", "特困", None]
    assert MemberState().assistance(days[0]) is None
    assert MemberState().filing("330100", days[0]) is None


def away(memory: Memory, number: int) -> ClaimState:
    supply = UUID(int=900 + number)
    memory.hear(dispensed(supply_id=supply, region=AWAY))
    return memory.claim(supply=supply)


def test_care_out_of_area_is_paid_for_on_the_days_of_a_filing_only() -> None:
    memory = insured_world()
    assert away(memory, 1).self_pay_reason == "no_filing"

    bring(memory, "filings", {"valid_from": "2026-03-03", "valid_until": "2026-03-04"})
    assert away(memory, 2).self_pay_reason == "no_filing", "not yet"
    memory.time += timedelta(days=1)
    held = away(memory, 3)
    assert (held.insurer, held.self_pay_reason) == (INSURER, None)
    assert held.adjudication is not None
    assert held.adjudication.paid_by("hifp") > 0
    memory.time += timedelta(days=2)
    assert away(memory, 4).self_pay_reason == "no_filing", "over"

    bring(memory, "filings", {"valid_from": "2026-03-03", "valid_until": "2026-03-31", "as_of": "2026-03-05"})
    assert away(memory, 5).insurer == INSURER, "prolonged"
    bring(memory, "filings", {"valid_from": "2026-03-03", "withdrawn": True, "as_of": "2026-03-06"})
    assert away(memory, 6).self_pay_reason == "no_filing", "withdrawn"


def test_assistance_pays_by_the_identity_of_the_day() -> None:
    memory = insured_world(assistance=None)
    memory.hear(dispensed())
    bring(memory, "assistance", {"identity": "低保", "valid_from": "2026-03-03"})
    before, later = memory.claim().adjudication, UUID(int=950)
    memory.time += timedelta(days=1)
    memory.hear(dispensed(supply_id=later))
    after = memory.claim(supply=later).adjudication

    assert before is not None
    assert after is not None
    assert (before.paid_by("maf"), after.paid_by("maf") > 0) == (0, True)


def test_an_older_file_again_takes_nothing_of_what_was_settled_since() -> None:
    """Settled on 2 March: the word of 1 March does not contain it, that of 3 March does."""
    memory = insured_world()
    row = {"patient_ref": str(PATIENT), "account_balance": "6000", "deductible_used": "15000"}
    settle(memory)
    used, available = memory.state(accumulator_of(PATIENT, 2026)).used, member(memory).account_available
    assert (used.deductible_used, available) == (20000, 0)

    bring(memory, "members", {**row, "account_balance": "7000"})
    assert memory.state(accumulator_of(PATIENT, 2026)).used == used
    assert member(memory).account_available == 1000

    bring(memory, "members", {**row, "as_of": "2026-03-03", "account_balance": "0", "deductible_used": "20000"})
    assert memory.state(accumulator_of(PATIENT, 2026)).used == YearFigures(deductible_used=20000, pooled_paid=0)
    assert member(memory).account_available == 0


def settle(memory: Memory) -> None:
    memory.hear(dispensed())
    claim_id = claim_of(SUPPLY, 1).stream_id
    memory.run(authorise_claim(AuthoriseClaim(claim_id=claim_id, credential="card-1"), memory.outside), PATIENT_ACTOR)
    share = PayShare(payment_id=payment_of(claim_id).stream_id, reference="R-0001")
    memory.run(pay(share, memory.outside), PATIENT_ACTOR)
    memory.hear(received())
    assert memory.claim().state == "settled"


def test_what_is_forgotten_leaves_no_period() -> None:
    day = date(2026, 3, 1)
    known = MemberState(as_of=day)
    for event in (
        AssistanceImported(patient_ref=PATIENT, as_of=day, assistance=None),
        FilingImported(patient_ref=PATIENT, as_of=day, filing=None),
    ):
        assert evolve_member(known, event) == known
    state = accumulator_of(PATIENT, 2026).aggregate.fold(
        [FiguresImported(patient_ref=PATIENT, year=2026, figures=None, as_of=day)]
    )
    assert state.used == YearFigures(deductible_used=0, pooled_paid=0)


def test_the_refusal_of_an_overlap_names_the_other() -> None:
    one = AssistanceIdentity(identity="低保", valid_from=date(2026, 1, 1))
    known = with_assistance({}, AssistanceImported(patient_ref=PATIENT, as_of=date(2026, 1, 1), assistance=one))
    later = AssistanceIdentity(identity="特困", valid_from=date(2026, 2, 1))

    refused = import_assistance(known, PATIENT, date(2026, 2, 1), later)

    assert refused == Refusal("member.periods_overlap", {"valid_from": later.valid_from, "other_from": one.valid_from})
