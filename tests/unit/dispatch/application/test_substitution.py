"""Another brand is free; another drug only by a protocol, in the mode that holds here, counted exactly."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.events import dispatch as told
from contracts.events import dispatch_stock, prescribe_later, shortage
from contracts.events.dispatch_later import SubstitutionProposed
from contracts.values import SubstitutionRatio
from services.dispatch.application import holds
from services.dispatch.application.holds import HoldRequest
from services.dispatch.application.substitutions import propose_substitution
from services.dispatch.domain.fulfilment.commands import ProposeSubstitution, WantedLine
from services.dispatch.domain.values import Ratio, Way
from services.seedwork.ports import Outcome
from tests.unit.dispatch.town import (
    BRAND,
    DRUGS,
    HOUR,
    KEY,
    NOON,
    SHA,
    TABLETS,
    A,
    B,
    Town,
    actor,
    drug,
    fine,
    person,
    refused,
)

STRONG = "XC09AAA040A002010102699"
"""50 mg in place of 25 mg: one counts for two."""
STRONGER: dict[str, Any] = {"generic_name": "卡托普利", "form": "片剂", "strength": "50mg", "pack_size": 10}
FROM, TO = "卡托普利|片剂|25mg", "卡托普利|片剂|50mg"
EU = "demo-eu"


def issued(**changes: Any) -> shortage.ProtocolIssued:
    fields: dict[str, Any] = {
        "protocol_id": uuid4(),
        "case_id": uuid4(),
        "from_drug_key": FROM,
        "to_drug_key": TO,
        "ratio": SubstitutionRatio(numerator=2, denominator=1),
        "regions": ("43",),
        "mode": "prescriber_confirms",
        "issuer": {"authority": "430000", "level": "province", "person": "R1", "signed_sha256": SHA},
        "valid_from": date(2026, 3, 1),
        **changes,
    }
    return shortage.ProtocolIssued.model_validate(fields)


class Short:
    """A town in which the prescribed tablets are short and stronger ones are there."""

    def __init__(self, town: Town, **protocol: Any) -> None:
        self.town = town
        town.refer("drug", STRONG, drug(**STRONGER))
        for pharmacy in (A, B):
            town.receive(pharmacy, STRONG, "K1", 100, price=1480)
        self.protocol = issued(**protocol)
        town.store.react(self.protocol)
        self.id = self.protocol.protocol_id

    def try_hold(self, fulfilment: UUID, quantity: int = 60, product: str = STRONG, **more: Any) -> Outcome:
        named = more.pop("protocol_id", self.id)
        wanted = WantedLine(line=1, quantity=quantity, product=product, protocol_id=named)
        pharmacy = more.pop("pharmacy", A)
        request = HoldRequest(
            fulfilment_id=fulfilment,
            pharmacy=pharmacy,
            pharmacist=person("pharmacist", pharmacy),
            token=self.town.token(fulfilment),
            way=more.pop("way", Way.COUNTER),
            lines=(wanted, *(WantedLine(line=line, quantity=each) for line, each in more.pop("others", ()))),
        )
        who = actor("pharmacist", pharmacy)
        return self.town.store.run(holds.hold_quantity(request, who, KEY, KEY), who)

    def hold(self, fulfilment: UUID, quantity: int = 60, **more: Any) -> UUID:
        return UUID(fine(self.try_hold(fulfilment, quantity, **more)).body["hold_id"])

    def propose(self, fulfilment: UUID, hold_id: UUID, pharmacy: str = A, **changes: Any) -> Outcome:
        fields = {"line": 1, "patient_agrees": True, **changes}
        command = ProposeSubstitution(
            hold_id=hold_id, pharmacy=pharmacy, pharmacist=person("pharmacist", pharmacy), **fields
        )
        secret = self.town.secret(hold_id, pharmacy)
        return self.town.store.run(propose_substitution(fulfilment, command, secret, KEY))

    def confirm(self, fulfilment: UUID, **changes: Any) -> prescribe_later.SubstitutionConfirmed:
        proposed = self.town.store.told_of(SubstitutionProposed)[-1]
        event = prescribe_later.SubstitutionConfirmed(
            prescription_id=proposed.prescription_id,
            patient_ref=proposed.patient_ref,
            proposal_id=proposed.proposal_id,
            fulfilment_id=fulfilment,
            line=proposed.line,
            substitute=proposed.substitute.product,
            substitute_drug_key=proposed.substitute.drug_key,
            ratio=proposed.ratio,
            protocol_id=proposed.protocol_id,
            signed_sha256=SHA,
            **changes,
        )
        self.town.store.react(event)
        return event

    def pick(self, quantity: int, **changes: Any) -> Any:
        codes = self.town.new_codes(-(-quantity // STRONGER["pack_size"]))
        fields = {"product": STRONG, "lot": "K1", "trace_codes": codes, **changes}
        return self.town.pick(quantity, **{**fields, "product": TABLETS}).model_copy(update={"product": STRONG})


@pytest.fixture
def short(town: Town) -> Short:
    return Short(town)


# brands --------------------------------------------------------------------------------------------------------------
def test_another_brand_is_given_freely_and_recorded_with_its_price(town: Town) -> None:
    town.receive(A, BRAND, "B1", 90, price=2000)
    fulfilment = town.release(60)
    hold_id = town.accepted(fulfilment, (1, 60), product=BRAND)
    fine(town.try_check(fulfilment, town.prepare(fulfilment, hold_id, town.pick(60, product=BRAND, lot="B1"))))

    (line,) = town.store.told_of(told.SupplyDispensed)[0].lines
    assert (line.product, line.substitution, line.prescribed_product) == (BRAND, "brand", TABLETS)
    assert (line.unit_price, line.amount, line.prescribed_quantity) == (2000, 4000, None)


def test_the_prescribed_product_is_no_substitution(town: Town) -> None:
    town.dispensed(town.release())

    (line,) = town.store.told_of(told.SupplyDispensed)[0].lines
    assert (line.substitution, line.prescribed_product, line.protocol_id) == ("none", None, None)


# by a protocol -------------------------------------------------------------------------------------------------------
def test_from_proposal_to_dispensing_by_the_prescribers_signature(short: Short) -> None:
    town = short.town
    fulfilment = town.release()
    hold_id = short.hold(fulfilment)
    assert town.shelf(A, STRONG).reserved == {hold_id: 30}
    refused(town.review(fulfilment, hold_id), "substitution.not_confirmed")

    fine(short.propose(fulfilment, hold_id))
    (proposed,) = town.store.told_of(SubstitutionProposed)
    assert (proposed.quantity, proposed.substitute_quantity, proposed.unit_price) == (60, 30, 1480)
    assert (proposed.prescribed_product, proposed.substitute.product) == (TABLETS, STRONG)
    assert town.state(fulfilment).holds[hold_id].expires_at == proposed.answer_due_at == NOON + 4 * HOUR
    refused(town.review(fulfilment, hold_id), "substitution.not_confirmed")

    short.confirm(fulfilment)
    fine(town.review(fulfilment, hold_id))
    supply_id = town.prepare(fulfilment, hold_id, short.pick(30))
    fine(town.try_check(fulfilment, supply_id))

    event = town.store.told_of(told.SupplyDispensed)[0]
    (line,) = event.lines
    assert (line.quantity, line.prescribed_quantity, line.packs, line.amount) == (30, 60, 3, 3 * 1480)
    assert (line.substitution, line.prescribed_product, line.protocol_id) == ("protocol", TABLETS, short.id)
    assert (event.buckets[0].dispensed, event.buckets[0].remaining) == (60, 0)
    assert town.shelf(A, STRONG).on_hand == 70
    assert not town.shelf(A, STRONG).reserved
    town.clear(fulfilment, supply_id)
    fine(town.try_hand_out(fulfilment, supply_id))
    assert town.store.told_of(told.SupplyReceived)[0].accepted[0].quantity == 60


def test_a_part_is_counted_in_prescribed_units_and_the_rest_is_free(short: Short) -> None:
    town = short.town
    fulfilment = town.release()
    hold_id = short.hold(fulfilment)
    fine(short.propose(fulfilment, hold_id))
    short.confirm(fulfilment)
    fine(town.review(fulfilment, hold_id))
    refused(town.try_prepare(fulfilment, hold_id, short.pick(40)), "supply.more_than_held")

    fine(town.try_check(fulfilment, town.prepare(fulfilment, hold_id, short.pick(10))))

    buckets = town.state(fulfilment).lines[1].buckets
    assert (buckets.dispensed, buckets.remaining, buckets.held) == (20, 40, 0)
    assert not town.shelf(A, STRONG).reserved
    (unfilled,) = town.store.told_of(dispatch_stock.LineUnfilled)
    assert (unfilled.drug_key, unfilled.quantity) == (TO, 40)


def test_a_confirmed_substitute_may_be_given_by_any_pharmacy(short: Short) -> None:
    town = short.town
    fulfilment = town.release()
    first = short.hold(fulfilment)
    fine(short.propose(fulfilment, first))
    fine(town.release_hold(fulfilment, first))
    short.confirm(fulfilment)

    second = short.hold(fulfilment, pharmacy=B)

    fine(town.review(fulfilment, second, B))


@pytest.mark.parametrize("counter_only", [True, False])
def test_a_substitute_for_the_counter_only_is_not_sent_whatever_it_stands_for(short: Short, counter_only: bool) -> None:
    town = short.town
    fulfilment = town.release()
    town.try_order(fulfilment)
    by_courier = short.hold(fulfilment, 20, way=Way.DELIVERY)
    fine(short.propose(fulfilment, by_courier))
    short.confirm(fulfilment, counter_only=counter_only)
    at_the_counter = short.hold(fulfilment, 20)
    fine(town.review(fulfilment, at_the_counter))
    supply_id = town.prepare(fulfilment, at_the_counter, short.pick(10))
    fine(town.try_check(fulfilment, supply_id))

    passed, arranged = town.review(fulfilment, by_courier), town.try_arrange(fulfilment, supply_id)

    if counter_only:
        refused(passed, "hold.counter_only")
        refused(arranged, "supply.counter_only")
    else:
        fine(passed)
        fine(arranged)


@pytest.mark.parametrize("met", [True, False, None])
def test_what_is_stated_of_the_substitute_goes_with_what_is_dispensed(short: Short, met: bool | None) -> None:
    town = short.town
    fulfilment = town.release()
    hold_id = short.hold(fulfilment)
    fine(short.propose(fulfilment, hold_id))
    short.confirm(fulfilment, restricted_use_met=met)
    fine(town.review(fulfilment, hold_id))

    fine(town.try_check(fulfilment, town.prepare(fulfilment, hold_id, short.pick(30))))

    assert town.store.told_of(told.SupplyDispensed)[0].lines[0].restricted_use_met is met


def test_without_a_protocol_another_drug_is_refused(short: Short) -> None:
    fulfilment = short.town.release()

    refused(short.try_hold(fulfilment, protocol_id=None), "hold.other_drug")
    refused(short.try_hold(fulfilment, protocol_id=uuid4()), "substitution.no_protocol")


@pytest.mark.parametrize(
    ("protocol", "code"),
    [
        ({"regions": ("33",)}, "substitution.no_protocol"),
        ({"valid_from": date(2026, 3, 3)}, "substitution.no_protocol"),
        ({"valid_until": date(2026, 3, 1)}, "substitution.no_protocol"),
        ({"from_drug_key": "别的|片剂|1mg"}, "substitution.other_protocol"),
        ({"mode": "pharmacist_alone"}, "substitution.mode_not_allowed"),
        ({"ratio": {"numerator": 7, "denominator": 1}}, "substitution.not_exact"),
        ({"max_days": 9}, "substitution.too_long"),
    ],
    ids=["region", "not yet", "over", "another drug", "mode", "remainder", "days"],
)
def test_a_protocol_that_does_not_fit_is_no_ground(town: Town, protocol: dict[str, Any], code: str) -> None:
    short = Short(town, **protocol)
    fulfilment = town.release(days=10)

    refused(short.try_hold(fulfilment), code)


def test_as_many_days_as_the_protocol_allows_may_be_held(town: Town) -> None:
    short = Short(town, max_days=5)
    fulfilment = town.release(days=10)

    refused(short.try_hold(fulfilment, 32), "substitution.too_long")
    short.hold(fulfilment, 30)


def test_an_ended_protocol_lets_nobody_begin_but_a_passed_hold_finish(short: Short) -> None:
    town = short.town
    fulfilment, other = town.release(), town.release()
    passed = short.hold(fulfilment)
    fine(short.propose(fulfilment, passed))
    short.confirm(fulfilment)
    fine(town.review(fulfilment, passed))
    begun = short.hold(other)
    fine(short.propose(other, begun))
    short.confirm(other)
    ended = shortage.ProtocolEnded(
        protocol_id=short.id, case_id=short.protocol.case_id, ended_as="withdrawn", ends_on=date(2026, 3, 1)
    )
    town.store.react(ended)
    town.store.react(ended)

    refused(short.try_hold(town.release()), "substitution.no_protocol")
    refused(town.review(other, begun), "substitution.no_protocol")
    fine(town.try_check(fulfilment, town.prepare(fulfilment, passed, short.pick(30))))


def test_an_end_that_is_told_first_is_kept(town: Town) -> None:
    protocol = issued(valid_until=date(2026, 3, 31))
    ended = shortage.ProtocolEnded(
        protocol_id=protocol.protocol_id, case_id=protocol.case_id, ended_as="case_over", ends_on=date(2026, 3, 1)
    )
    town.store.react(ended)
    short = Short(town, **protocol.model_dump())

    refused(short.try_hold(town.release()), "substitution.no_protocol")


def test_the_patient_agrees_first_and_only_what_is_held_and_asked_is_proposed(short: Short) -> None:
    town = short.town
    fulfilment = town.release(60, 1)
    hold_id = short.hold(fulfilment)

    refused(short.propose(fulfilment, hold_id, patient_agrees=False), "substitution.patient_disagrees")
    refused(short.propose(fulfilment, hold_id, line=2), "substitution.nothing_held")
    refused(short.propose(fulfilment, hold_id, pharmacy=B), "hold.not_yours")
    fine(short.propose(fulfilment, hold_id))
    fine(short.propose(fulfilment, hold_id))
    assert len(town.store.told_of(SubstitutionProposed)) == 1
    event = short.confirm(fulfilment)
    before = len(town.store.log)
    town.store.react(event)
    town.store.react(event.model_copy(update={"proposal_id": uuid4()}))
    assert len(town.store.log) == before


def test_a_hold_that_the_prescriber_does_not_answer_in_time_ends(short: Short) -> None:
    town = short.town
    fulfilment = town.release()
    fine(short.propose(fulfilment, short.hold(fulfilment)))

    town.store.move_clock(timedelta(hours=5))

    assert town.state(fulfilment).lines[1].buckets.remaining == 60
    assert not town.shelf(A, STRONG).reserved


def test_a_part_of_a_hold_that_is_no_whole_substitute_is_not_given_back(short: Short) -> None:
    town = short.town
    fulfilment = town.release()
    hold_id = short.hold(fulfilment)
    three = ({"line": 1, "quantity": 3},)

    refused(town.release_hold(fulfilment, hold_id, lines=three), "substitution.not_exact")
    fine(town.release_hold(fulfilment, hold_id, lines=({"line": 1, "quantity": 4},)))

    assert town.shelf(A, STRONG).reserved == {hold_id: 28}


def test_a_weaker_substitute_takes_more_units_and_none_that_leaves_a_remainder(town: Town) -> None:
    short = Short(town, ratio=SubstitutionRatio(numerator=1, denominator=2))
    fulfilment = town.release()
    hold_id = short.hold(fulfilment, 30)
    assert town.shelf(A, STRONG).reserved == {hold_id: 60}
    fine(short.propose(fulfilment, hold_id))
    short.confirm(fulfilment)
    fine(town.review(fulfilment, hold_id))

    refused(town.try_prepare(fulfilment, hold_id, short.pick(31)), "substitution.not_exact")


# other jurisdictions -------------------------------------------------------------------------------------------------
def test_without_the_prescribers_consent_a_mode_that_needs_it_is_refused(town: Town) -> None:
    town.store.jurisdiction = EU
    short = Short(town, mode="prescriber_consented")

    refused(short.try_hold(town.release(substitution_consent=False)), "substitution.no_consent")


def test_elsewhere_the_prescriber_is_not_asked(town: Town) -> None:
    town.store.jurisdiction = EU
    short = Short(town)

    refused(short.try_hold(town.release()), "substitution.mode_not_allowed")


def test_a_ratio_counts_without_a_remainder_or_not_at_all() -> None:
    assert (Ratio(numerator=2, denominator=1).prescribed(3), Ratio(numerator=2, denominator=1).units(6)) == (6, 3)
    assert Ratio(numerator=1, denominator=2).prescribed(3) is None
    assert Ratio(numerator=2, denominator=1).units(3) is None
    assert str(Ratio(numerator=3, denominator=2)) == "3:2"
    assert DRUGS[TABLETS]["pack_size"] == 20
