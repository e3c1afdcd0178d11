"""What a representative may do is what the table of scopes says, in every service that has heard of it."""

from datetime import date
from uuid import UUID, uuid4

import pytest

from contracts.events.prescribe import PatientForgotten
from contracts.events.prescribe_representation import RepresentationEnded, RepresentationTerms, RepresentativeAppointed
from contracts.roles import PATIENTS_ALONE, RIGHTS, SCOPES, SCOPES_OF, Role
from services.dispatch.composition import SERVICE as DISPATCH
from services.insurance.composition import SERVICE as INSURANCE
from services.seedwork.api.mandates import Mandate
from services.seedwork.composition import Service
from services.seedwork.forgotten import forgotten_ref
from services.seedwork.model import Loaded
from services.seedwork.representation import (
    Representation,
    RepresentationsState,
    Scope,
    not_represented,
    representations_of,
)
from services.seedwork.usecase import Actor, Decision, Moment, UseCase
from tests.support.store_in_memory import RandomIds, StoreInMemory
from tests.unit.prescribe.conftest import NOW

PATIENT, APPOINTMENT = uuid4(), uuid4()
TODAY = date(2026, 3, 2)
DAUGHTER = Representation(
    account="daughter-1", scope=(Scope.READ, Scope.TOKEN), valid_from=TODAY, valid_until=date(2026, 3, 9)
)


def told(appointment: UUID = APPOINTMENT, *scope: str) -> RepresentativeAppointed:
    terms = {**DAUGHTER.model_dump(), "scope": scope or DAUGHTER.scope}
    return RepresentativeAppointed(
        patient_ref=PATIENT, appointment_id=appointment, terms=RepresentationTerms.model_validate(terms)
    )


ENDED = RepresentationEnded(patient_ref=PATIENT, appointment_id=APPOINTMENT)


@pytest.fixture(params=[DISPATCH, INSURANCE], ids=lambda service: service.name)
def store(request: pytest.FixtureRequest) -> StoreInMemory:
    service: Service = request.param
    return StoreInMemory(service, NOW)


def known(store: StoreInMemory) -> tuple[Representation, ...]:
    state: RepresentationsState = store.state(representations_of(PATIENT))
    return state.representations


def test_every_right_of_patients_is_in_a_scope_or_the_patients_alone() -> None:
    patients = {right for right, roles in RIGHTS.items() if Role.PATIENT in roles}

    assert SCOPES_OF.keys() | PATIENTS_ALONE.keys() == patients
    assert SCOPES_OF.keys() & PATIENTS_ALONE.keys() == set()
    assert SCOPES.keys() == set(Scope)
    assert {right for right, roles in RIGHTS.items() if Role.REPRESENTATIVE in roles} == SCOPES_OF.keys()


@pytest.mark.parametrize(
    ("account", "scope", "day", "refused"),
    [
        ("daughter-1", Scope.READ, TODAY, None),
        ("daughter-1", Scope.TOKEN, date(2026, 3, 9), None),
        ("daughter-1", Scope.PAY, TODAY, "representation.out_of_scope"),
        ("daughter-1", Scope.READ, date(2026, 3, 10), "representation.not_in_force"),
        ("daughter-1", Scope.READ, date(2026, 3, 1), "representation.not_in_force"),
        ("neighbour-1", Scope.READ, TODAY, "representation.not_in_force"),
    ],
)
def test_a_right_needs_account_scope_and_day(account: str, scope: Scope, day: date, refused: str | None) -> None:
    found = not_represented([DAUGHTER], account, frozenset({scope}), day)

    assert (found.code if found else None) == refused


def test_what_is_told_is_known_once_and_over_for_good(store: StoreInMemory) -> None:
    for event in (told(), told()):
        store.react(event)
    assert known(store) == (DAUGHTER,)

    for again in (ENDED, ENDED, told()):
        store.react(again)

    assert known(store) == ()
    assert len(store.log) == 2


def test_an_end_that_comes_first_leaves_no_right(store: StoreInMemory) -> None:
    for event in (ENDED, told()):
        store.react(event)

    assert known(store) == ()


def test_a_scope_of_a_later_release_gives_no_right(store: StoreInMemory) -> None:
    store.react(told(APPOINTMENT, "read", "sell_the_house"))

    assert [each.scope for each in known(store)] == [(Scope.READ,)]


def test_nobody_acts_for_a_patient_who_is_forgotten(store: StoreInMemory) -> None:
    store.react(told())
    for event in (PatientForgotten(patient_ref=PATIENT), PatientForgotten(patient_ref=PATIENT), told(uuid4())):
        store.react(event)

    assert known(store) == ()
    assert store.state(forgotten_ref(PATIENT)).forgotten


def test_of_a_forgotten_patient_nothing_was_readable_either(store: StoreInMemory) -> None:
    sealed = told().model_copy(update={"terms": None})
    store.react(sealed)
    store.react(PatientForgotten(patient_ref=PATIENT))

    assert known(store) == ()


def test_what_ends_before_the_save_is_not_done() -> None:
    ref = representations_of(PATIENT)
    mandate = Mandate(ref, "daughter-1", frozenset({Scope.READ}))
    asked: list[tuple[object, ...]] = []

    def decide(_moment: Moment, *loaded: object) -> Decision:
        asked.append(loaded)
        return Decision.nothing()

    about, beside = Loaded(ref, 1, "about"), Loaded(ref, 2, "beside")
    guarded = mandate.guarding(UseCase((ref,), decide, relaxed=(ref,)))
    moment = Moment(NOW, RandomIds(), Actor("daughter-1", "patient", patient_ref=PATIENT, representing=True))
    runs, ended = (Loaded(ref, 3, RepresentationsState({APPOINTMENT: terms})) for terms in (DAUGHTER, None))

    allowed, refused = (guarded.decide(moment, about, patient, beside) for patient in (runs, ended))

    assert guarded.streams == (ref, ref)
    assert asked == [(about, beside)]
    assert isinstance(allowed, Decision)
    assert allowed.refusal is None
    assert isinstance(refused, Decision)
    assert refused.refusal is not None
    assert refused.refusal.code == "representation.not_in_force"


def test_what_is_recorded_says_who_acted_for_whom() -> None:
    daughter = Actor("daughter-1", "patient", patient_ref=PATIENT, representing=True)

    assert daughter.recorded_as == f"daughter-1 for patient {PATIENT}"
    assert Actor("patient-1", "patient", patient_ref=PATIENT).recorded_as == "patient-1"
