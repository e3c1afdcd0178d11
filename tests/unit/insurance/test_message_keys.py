"""A message to an insurer is named by its claim: a decision made again, after a conflict, names the same one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from services.insurance.domain.claim_decisions import request_authorisation
from services.insurance.domain.claim_settling import request_settlement
from services.insurance.domain.claim_taking_back import request_reverse, request_void
from services.insurance.domain.claim_values import LineQuantity
from tests.unit.insurance.application.test_claim_lifecycle import paid_world
from tests.unit.insurance.memory import NOW, dispensed, insured_world, received


def test_made_again_each_decision_names_the_same_message() -> None:
    memory = insured_world()
    memory.hear(dispensed())
    quoted, cleared = memory.claim(), paid_world().claim()
    settled = paid_world()
    settled.hear(received())
    asks: dict[str, Any] = {
        "authorise": lambda: request_authorisation(quoted, "credential"),
        "void": lambda: [request_void(cleared, "supply_undone", None)],
        "reverse": lambda: request_reverse(settled.claim(), "ordered", None),
        "settle": lambda: request_settlement(_received(cleared), NOW),
    }
    named = {what: {ask()[0].message_id for _ in range(3)} for what, ask in asks.items()}
    assert {what: len(ids) for what, ids in named.items()} == dict.fromkeys(asks, 1)
    assert len(set.union(*named.values())) == len(asks)


def _received(cleared: Any) -> Any:
    facts = cleared.facts.adding("received", cleared.opened.dispensed or _all_of(cleared))
    return replace(cleared, facts=facts)


def _all_of(claim: Any) -> Any:
    return tuple(LineQuantity(line=line.line, quantity=line.counted) for line in claim.opened.lines)
