"""What a patient has to do before a prescription medicine is sent to them: say who they are by real name, and confirm
that they have read the risk notice. Buying at a counter needs neither.

Source: 药品网络销售监督管理办法 (国家市场监督管理总局令第58号) 第9条 (处方来源真实可靠, 实名制) and
第13条 (告知风险警示信息, 经消费者确认知情).
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

from services.dispatch.domain.fulfilment.state import FulfilmentState
from services.dispatch.domain.fulfilment.transitions import FULFILMENT, wrong_state
from services.dispatch.domain.policy import Policy
from services.dispatch.domain.values import Way
from services.seedwork.model import Command, DomainEvent, Outcome, Personal, PersonalClass, Refusal


class ConfirmOnlineOrder(Command):
    """The patient says who they are and that they have read the notice of this version."""

    patient_ref: UUID | None
    name: str
    identity_no: str
    notice: str
    name_prescribed: str | None = None
    """The patient's name as the prescription has it; None: it is forgotten."""


class OnlineOrderConfirmed(DomainEvent):
    """Who wants it sent is known by real name, and knows the risks."""

    TOPIC: ClassVar[str] = "dispatch.fulfilment.online_order_confirmed"

    patient_ref: UUID
    name: Annotated[str | None, Personal(PersonalClass.IDENTITY)]
    identity_no: Annotated[str | None, Personal(PersonalClass.IDENTITY)]
    notice: str
    confirmed_at: datetime


def confirm(state: FulfilmentState, command: ConfirmOnlineOrder, now: datetime, policy: Policy) -> Outcome:
    """For this instalment. The notice of the day counts: who has read an older one reads the new one."""
    if state.patient_ref != command.patient_ref or command.patient_ref is None:
        return Refusal("fulfilment.not_yours", {"fulfilment_id": str(state.fulfilment_id)})
    if not FULFILMENT.allows(state.status, "ConfirmOnlineOrder"):
        return wrong_state("fulfilment", state.status, "ConfirmOnlineOrder")
    wanted = policy.online_notice
    if wanted is None or command.notice != wanted.version:
        return Refusal("online_order.other_notice", {"notice": wanted.version if wanted else None})
    if command.name != command.name_prescribed:
        return Refusal("online_order.name_differs", {})
    if state.online_notice == command.notice:
        return []
    said = command.model_dump(include={"patient_ref", "name", "identity_no", "notice"})
    return [OnlineOrderConfirmed(confirmed_at=now, **said)]


def unconfirmed(state: FulfilmentState, way: Way, policy: Policy) -> Refusal | None:
    """None where nothing has to be confirmed, or it is."""
    wanted = policy.online_notice
    if way is not Way.DELIVERY or wanted is None or state.online_notice == wanted.version:
        return None
    return Refusal("hold.online_order_unconfirmed", {"notice": wanted.version})
