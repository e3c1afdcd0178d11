"""A restricted drug (限制使用) is paid where the prescriber states that the condition is met, else by the patient."""

from __future__ import annotations

from datetime import date

import pytest

from tests.unit.insurance.memory import ADMIN, JIA, dispensed, dispensed_line, insured_world, recorded


@pytest.mark.parametrize(
    ("met", "own", "in_scope"),
    # one pack at 25.50: all of it in scope, or all of it the patient's own
    [(True, 0, 2550), (False, 2550, 0), (None, 2550, 0)],
)
def test_the_statement_decides_who_pays(met: bool | None, own: int, in_scope: int) -> None:
    memory = insured_world()
    entry = {"name": "限二线用药", "drug_list_class": "甲", "restriction": "限二线用药"}
    memory.run(recorded("catalogue_entry", JIA, entry, date(2020, 1, 1)), ADMIN)

    memory.hear(dispensed(lines=(dispensed_line(1, JIA, 1, 2550, restricted_use_met=met),)))

    amounts = memory.claim().adjudication
    assert amounts is not None
    (line,) = amounts.lines
    assert (line.own_pay.amount, line.in_scope.amount) == (own, in_scope)
    assert line.own_pay.rule.endswith("/listed" if met else "/restriction-not-met")
