"""The patient confirms an online order: real name and risk notice."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any
from uuid import UUID

from stdnum.cn import ric

from services.dispatch.domain.fulfilment import online_order
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS
from services.dispatch.domain.fulfilment.online_order import ConfirmOnlineOrder
from services.dispatch.domain.fulfilment.state import FulfilmentState
from services.dispatch.domain.policy import POLICIES
from services.dispatch.domain.prescription_content import CONTENTS, content_id
from services.seedwork.calendar import civil_day
from services.seedwork.model import Loaded, Refusal
from services.seedwork.usecase import Answer, Decision, Load, Moment, UseCase


def confirm_online_order(fulfilment_id: UUID, command: ConfirmOnlineOrder) -> UseCase:
    """What is recorded is the name and the number of the identity document; the answer repeats neither."""

    def decide(moment: Moment, fulfilment: Loaded[FulfilmentState]) -> Generator[Load, Any, Decision]:
        state, today = fulfilment.state, civil_day(moment.now)
        if not fulfilment.exists:
            return Decision.refused(Refusal("fulfilment.unknown", {"fulfilment_id": str(fulfilment_id)}))
        (content,) = yield Load.of(CONTENTS.ref(content_id(state.prescription_id)))
        known = content.state.content.patient_name if content.state.content else None
        outcome = online_order.confirm(
            state,
            command.model_copy(update={"name_prescribed": known}),
            moment.now,
            POLICIES.on(today, moment.jurisdiction),
        )
        if isinstance(outcome, Refusal):
            return Decision.refused(outcome)
        if not (ric.is_valid(command.identity_no) and ric.get_birth_date(command.identity_no) <= today):
            return Decision.refused(Refusal("collector.identity_invalid", {}))
        answer = Answer(200, {"fulfilment_id": str(fulfilment_id), "online_notice": command.notice})
        return Decision.on(fulfilment, outcome, answer)

    return UseCase((FULFILMENTS.ref(fulfilment_id),), decide)
