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

    def protocol(self, issued: prescribe.PrescriptionReleased, **changes: Any) -> UUID:
        example = orjson.loads((EXAMPLES / "shortage.protocol_issued.v1.json").read_bytes())
        key = issued.lines[0].drug_key
        example |= {"from_drug_key": key, "to_drug_key": key.replace("5mg", "10mg"), "excluded": []} | changes
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


class Short:
    """A released prescription, a protocol for its drug, and the substitute on a shelf and held."""

    def __init__(self, chain: Chain, facts: dict[str, Any] | None = None, **protocol: Any) -> None:
        clinic, town = chain.clinic, chain.town
        self.chain = chain
        self.prescription_id = clinic.released(facts=facts or {})
        chain.carry()
        chain.passed_review(self.prescription_id)
        (released,) = clinic.store.told_of(prescribe.PrescriptionReleased)
        protocol_id = chain.protocol(released, **protocol)
        line = released.lines[0]
        stronger = {"generic_name": line.generic_name, "form": line.form, "strength": "10mg", "pack_size": 7}
        town.refer("drug", SUBSTITUTE, drug(**stronger))
        fine(clinic.load("drug", SUBSTITUTE, registered_drug(dose=10000, name=line.generic_name, strength="10mg")))
        town.receive(A, SUBSTITUTE, "K1", 70, price=1480)
        self.fulfilment = fulfilment_id(self.prescription_id, 1)
        self.quantity = line.quantity - line.quantity % 2
        wanted = WantedLine(line=1, quantity=self.quantity, product=SUBSTITUTE, protocol_id=protocol_id)
        request = HoldRequest(
            fulfilment_id=self.fulfilment,
            pharmacy=A,
            pharmacist=person("pharmacist"),
            token=town.token(self.fulfilment),
            way="counter",
            lines=(wanted,),
        )
        who = actor("pharmacist")
        self.hold_id = UUID(fine(town.store.run(holds.hold_quantity(request, who, KEY, KEY), who)).body["hold_id"])

    def propose(self) -> dispatch_later.SubstitutionProposed:
        """The pharmacy proposes, and everybody hears of it."""
        town = self.chain.town
        command = ProposeSubstitution(
            hold_id=self.hold_id, pharmacy=A, pharmacist=person("pharmacist"), line=1, patient_agrees=True
        )
        fine(town.store.run(propose_substitution(self.fulfilment, command, town.secret(self.hold_id), KEY)))
        self.chain.carry()
        (proposed,) = town.store.told_of(dispatch_later.SubstitutionProposed)
        assert isinstance(proposed, dispatch_later.SubstitutionProposed)
        return proposed

    def give(self) -> dispatch.DispensedLine:
        """Passed, prepared and checked: what is told of the line."""
        town, units = self.chain.town, self.quantity // 2
        fine(town.review(self.fulfilment, self.hold_id))
        pick = town.pick(units, lot="K1", trace_codes=()).model_copy(
            update={"product": SUBSTITUTE, "trace_codes": town.new_codes(-(-units // 7))}
        )
        fine(town.try_check(self.fulfilment, town.prepare(self.fulfilment, self.hold_id, pick)))
        self.chain.carry()
        (dispensed,) = town.store.told_of(dispatch.SupplyDispensed)
        line = dispensed.lines[0]
        assert isinstance(line, dispatch.DispensedLine)
        return line


def test_a_short_drug_is_replaced_by_protocol_screening_and_signature(chain: Chain) -> None:
    clinic, town = chain.clinic, chain.town
    short = Short(chain)

    # when: proposed
    proposed = short.propose()

    # then: the prescriber sees it with its screening; unsigned it is not given
    (screened,) = chain.hospital.store.told_of(review.SubstituteScreened)
    assert (screened.proposal_id, screened.degraded) == (proposed.proposal_id, False)
    assert [row["kind"] for row in clinic.feedback()][:2] == ["substitute_screened", "substitution_proposed"]
    refused(town.review(short.fulfilment, short.hold_id), "substitution.not_confirmed")

    # when: signed
    content = {
        "prescription_id": str(short.prescription_id),
        "prescriber": DOCTOR,
        "signed_sha256": clinic.state(short.prescription_id).signed.signature.sha256,
        "proposal_id": str(proposed.proposal_id),
        "line": 1,
        "substitute": SUBSTITUTE,
    }
    fine(clinic.store.run(confirm_substitution(clinic.sign(content), short.prescription_id), clinic.doctor()))
    chain.carry()
    assert clinic.store.told_of(prescribe_later.SubstitutionConfirmed)

    # then: it is given, and counted in prescribed units everywhere
    line = short.give()
    assert line.substitution == "protocol"
    assert (line.quantity, line.prescribed_quantity) == (short.quantity // 2, short.quantity)
    assert (line.substitution_mode, line.substitution_answered_by) == ("prescriber_confirms", DOCTOR)
    assert clinic.state(short.prescription_id).buckets[1].dispensed == short.quantity


def test_where_no_prescriber_is_asked_it_passes_the_same_checks_and_screening(chain: Chain) -> None:
    chain.town.store.jurisdiction = "demo-eu"
    short = Short(chain, mode="pharmacist_alone")
    refused(chain.town.review(short.fulfilment, short.hold_id), "substitution.not_checked")

    proposed = short.propose()

    (screened,) = chain.hospital.store.told_of(review.SubstituteScreened)
    (checked,) = chain.clinic.store.told_of(prescribe_later.SubstitutionChecked)
    assert screened.proposal_id == checked.proposal_id == proposed.proposal_id
    assert (checked.problem, checked.in_the_way) == (None, ())
    line = short.give()
    assert (line.substitution_mode, line.substitution_answered_by) == ("pharmacist_alone", person("pharmacist"))


@pytest.mark.parametrize(
    ("facts", "in_the_way"),
    [({"hepatic_impairment": True}, ("protocol.excluded",)), ({}, ())],
    ids=["excluded", "unasked"],
)
def test_what_its_screening_finds_keeps_it_back_where_no_prescriber_is_asked(
    chain: Chain, facts: dict[str, Any], in_the_way: tuple[str, ...]
) -> None:
    chain.town.store.jurisdiction = "demo-eu"
    short = Short(chain, facts, mode="pharmacist_alone", excluded=["hepatic_impairment"])

    short.propose()

    (checked,) = chain.clinic.store.told_of(prescribe_later.SubstitutionChecked)
    assert "protocol.excluded" in {each.rule for each in checked.findings}
    assert checked.in_the_way == in_the_way
    passed = chain.town.review(short.fulfilment, short.hold_id)
    if in_the_way:
        refused(passed, "substitution.found")
    else:
        fine(passed)
