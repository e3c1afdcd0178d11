"""What the prescriber states of the insurance's restriction (限制使用) goes with what is dispensed."""

from __future__ import annotations

from uuid import uuid4

import pytest

from contracts.events import dispatch as told
from contracts.events import prescribe
from services.dispatch.application.translation import _dispensed_line
from services.dispatch.domain.fulfilment.aggregate import fulfilment_id
from tests.unit.dispatch.town import Town


@pytest.mark.parametrize("met", [True, False, None])
def test_the_statement_stands_in_the_dispensed_line(town: Town, met: bool | None) -> None:
    prescription_id = uuid4()
    released = town.released(prescription_id, (60,))
    stated = () if met is None else ({"line": 1, "met": met, "reason": None if met else "no_other_drug"},)
    intent = prescribe.InsuranceIntent.model_validate({"kind": "general", "restricted_use": stated})
    town.store.react(released.model_copy(update={"insurance_intent": intent}))
    town.store.react(town.instalment(prescription_id, (60,)))

    town.dispensed(fulfilment_id(prescription_id, 1))

    (dispensed,) = town.store.told_of(told.SupplyDispensed)
    assert [line.restricted_use_met for line in dispensed.lines] == [met]


def test_of_a_substitute_nothing_is_stated_by_what_was_said_of_the_line(town: Town) -> None:
    prescription_id = uuid4()
    intent = prescribe.InsuranceIntent.model_validate({"kind": "general", "restricted_use": [{"line": 1, "met": True}]})
    town.store.react(town.released(prescription_id, (60,)).model_copy(update={"insurance_intent": intent}))
    town.store.react(town.instalment(prescription_id, (60,)))
    fulfilment = fulfilment_id(prescription_id, 1)
    supply_id = town.dispensed(fulfilment)
    state = town.state(fulfilment)
    row = state.supplies[supply_id].lines[0]
    hold = state.holds[state.supplies[supply_id].hold_id]

    assert _dispensed_line(state, hold, row)["restricted_use_met"] is True
    for how, stated in (("brand", True), ("protocol", None)):
        given = row.model_copy(update={"substitution": how})
        assert _dispensed_line(state, hold, given)["restricted_use_met"] is stated
