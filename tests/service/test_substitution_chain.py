"""A substitute from the protocol to the patient's hands, over dispatch, review and prescribe; each hears what the
others told. Shortage's protocol comes as its golden example, because nothing issues one yet."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest

from contracts.envelope import IntegrationEvent
from contracts.events import dispatch, dispatch_later, prescribe, prescribe_later, review, shortage
from services.dispatch.application import holds
from services.dispatch.application.holds import HoldRequest
from services.dispatch.application.substitutions import propose_substitution
from services.dispatch.domain.fulfilment.aggregate import fulfilment_id
from services.dispatch.domain.fulfilment.commands import ProposeSubstitution, WantedLine
from services.prescribe.application.substitutions import confirm_substitution
from services.review.domain.case import case_id
from services.review.domain.events import CasePassed
from services.review.domain.values import Reviewer
from tests.unit.dispatch.town import KEY, A, Town, actor, drug, fine, person, refused
from tests.unit.prescribe.conftest import DOCTOR, Clinic
from tests.unit.prescribe.conftest import drug as registered_drug
from tests.unit.review.conftest import HOSPITAL, SUN, Hospital

EXAMPLES = Path(__file__).parents[2] / "contracts" / "examples"
SUBSTITUTE = "XC08CAB799A002029194749"


class Chain:
    """Three services in memory, and the line between them."""

    def __init__(self) -> None:
        self.clinic, self.hospital, self.town = Clinic(), Hospital(), Town()
        self._heard: dict[Any, int] = {}

    def carry(self) -> None:
        """Everybody hears what the others have told since, until nobody tells anything more."""
        while sum(self._carried(*way) for way in self._ways()):
            pass

    def _ways(self) -> Iterable[tuple[Any, Any]]:
        yield self.clinic.store, self.hospital.store
        yield self.clinic.store, self.town.store
        yield self.town.store, self.hospital.store
        yield self.town.store, self.clinic
        yield self.hospital.store, self.clinic

    def _carried(self, source: Any, target: Any) -> bool:
        told: list[IntegrationEvent] = source.told
        start = self._heard.get((id(source), id(target)), 0)
        self._heard[id(source), id(target)] = len(told)
        for event in told[start:]:
            store = getattr(target, "store", target)
            if type(event) not in store.service.react:
                continue
            if target is self.clinic:
                self.clinic.hear(event)
            else:
                store.react(event)
        return len(told) > start

    def protocol(self, issued: prescribe.PrescriptionReleased) -> UUID:
        example = orjson.loads((EXAMPLES / "shortage.protocol_issued.v1.json").read_bytes())
        key = issued.lines[0].drug_key
        example |= {"from_drug_key": key, "to_drug_key": key.replace("5mg", "10mg"), "excluded": []}
        event = shortage.ProtocolIssued.model_validate(example)
        self.town.store.react(event)
        self.clinic.hear(event)
        return event.protocol_id

    def passed_review(self, prescription_id: UUID) -> None:
        """The case that the clinic's own words have passed is passed here as well."""
        reviewer = Reviewer(person=SUN, name="孙丽", organisation=HOSPITAL)
        event = CasePassed(patient_ref=self.clinic.patient_ref, reviewer=reviewer, comment=None, signature=None)
        self.hospital.store.streams[case_id(prescription_id, 1, 0)].append(event)


@pytest.fixture
def chain() -> Chain:
    return Chain()


def test_a_short_drug_is_replaced_by_protocol_screening_and_signature(chain: Chain) -> None:
    # given: a released prescription, a protocol for its drug, the substitute on a shelf
    clinic, town = chain.clinic, chain.town
    prescription_id = clinic.released()
    chain.carry()
    chain.passed_review(prescription_id)
    (released,) = clinic.store.told_of(prescribe.PrescriptionReleased)
    protocol_id = chain.protocol(released)
    line = released.lines[0]
    stronger = {"generic_name": line.generic_name, "form": line.form, "strength": "10mg", "pack_size": 7}
    town.refer("drug", SUBSTITUTE, drug(**stronger))
    fine(clinic.load("drug", SUBSTITUTE, registered_drug(dose=10000, name=line.generic_name, strength="10mg")))
    town.receive(A, SUBSTITUTE, "K1", 70, price=1480)
    fulfilment = fulfilment_id(prescription_id, 1)
    quantity = line.quantity - line.quantity % 2

    # when: held and proposed
    wanted = WantedLine(line=1, quantity=quantity, product=SUBSTITUTE, protocol_id=protocol_id)
    request = HoldRequest(
        fulfilment_id=fulfilment,
        pharmacy=A,
        pharmacist=person("pharmacist"),
        token=town.token(fulfilment),
        way="counter",
        lines=(wanted,),
    )
    who = actor("pharmacist")
    hold_id = UUID(fine(town.store.run(holds.hold_quantity(request, who, KEY, KEY), who)).body["hold_id"])
    command = ProposeSubstitution(
        hold_id=hold_id, pharmacy=A, pharmacist=person("pharmacist"), line=1, patient_agrees=True
    )
    fine(town.store.run(propose_substitution(fulfilment, command, town.secret(hold_id), KEY)))
    chain.carry()

    # then: the prescriber sees it with its screening; unsigned it is not given
    (proposed,) = town.store.told_of(dispatch_later.SubstitutionProposed)
    (screened,) = chain.hospital.store.told_of(review.SubstituteScreened)
    assert (screened.proposal_id, screened.degraded) == (proposed.proposal_id, False)
    assert [row["kind"] for row in clinic.feedback()][:2] == ["substitute_screened", "substitution_proposed"]
    refused(town.review(fulfilment, hold_id), "substitution.not_confirmed")

    # when: signed
    content = {
        "prescription_id": str(prescription_id),
        "prescriber": DOCTOR,
        "signed_sha256": clinic.state(prescription_id).signed.signature.sha256,
        "proposal_id": str(proposed.proposal_id),
        "line": 1,
        "substitute": SUBSTITUTE,
    }
    fine(clinic.store.run(confirm_substitution(clinic.sign(content), prescription_id), clinic.doctor()))
    chain.carry()
    assert clinic.store.told_of(prescribe_later.SubstitutionConfirmed)

    # then: it is given, and counted in prescribed units everywhere
    fine(town.review(fulfilment, hold_id))
    pick = town.pick(quantity // 2, lot="K1", trace_codes=()).model_copy(
        update={"product": SUBSTITUTE, "trace_codes": town.new_codes(-(-(quantity // 2) // 7))}
    )
    supply_id = town.prepare(fulfilment, hold_id, pick)
    fine(town.try_check(fulfilment, supply_id))
    chain.carry()
    (dispensed,) = town.store.told_of(dispatch.SupplyDispensed)
    assert dispensed.lines[0].substitution == "protocol"
    assert (dispensed.lines[0].quantity, dispensed.lines[0].prescribed_quantity) == (quantity // 2, quantity)
    assert clinic.state(prescription_id).buckets[1].dispensed == quantity
