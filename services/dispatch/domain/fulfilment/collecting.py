"""Who may take a medicine at the counter: the patient, or an agent (代领) with both identities on record.

Source: 医疗保障基金使用监督管理条例 第17条 (代购代取 with documents), 麻醉药品和精神药品管理条例 第32条 (minors).
"""

from __future__ import annotations

from services.dispatch.domain.fulfilment.commands import HandOut
from services.dispatch.domain.fulfilment.state import Supply
from services.dispatch.domain.policy import Policy
from services.seedwork.model import Refusal


def may_not_collect(supply: Supply, command: HandOut, policy: Policy) -> Refusal | None:
    """None when whoever stands at the counter may be given this supply."""
    who = command.collector
    if command.collector_kind == "agent":
        if who.patient_identity_no is None:
            return Refusal("collector.patient_identity_missing", {})
        if who.patient_identity_no.strip().upper() == who.identity_no.strip().upper():
            return Refusal("collector.agent_is_patient", {})
    restricted = [line for line in supply.line_numbers if command.drug_classes.get(line) in policy.adults_only_classes]
    if restricted and (command.collector_years is None or command.collector_years < policy.adult_years):
        return Refusal("collector.minor", {"lines": restricted, "adult_years": policy.adult_years})
    return None
