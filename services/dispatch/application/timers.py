"""Deadlines of dispatch. The timer only asks; whether it is time is decided with the store's clock."""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import datetime
from typing import Any
from uuid import UUID

from services.dispatch.application import recalls, stock
from services.dispatch.application.deliveries import give_up_retrying
from services.dispatch.application.parcel_ends import silence
from services.dispatch.application.shelf import Circumstances, settle
from services.dispatch.domain.delivery.state import DELIVERIES, RETRY, SILENCE
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS
from services.dispatch.domain.fulfilment.holds import expire_holds
from services.dispatch.domain.fulfilment.replacing import lapse_replacements
from services.dispatch.domain.fulfilment.state import FulfilmentState
from services.dispatch.domain.fulfilment.supplies import not_cleared, uncollected
from services.dispatch.domain.policy import POLICIES, Policy
from services.seedwork.calendar import civil_day
from services.seedwork.composition import TimerCommand
from services.seedwork.model import DomainEvent, Loaded
from services.seedwork.usecase import Decision, Load, Moment, UseCase

Due = Callable[[FulfilmentState, datetime, Policy], list[DomainEvent]]


def _on_time(due: Due) -> TimerCommand:
    def use_case(fulfilment_id: UUID) -> UseCase:
        def decide(moment: Moment, fulfilment: Loaded[FulfilmentState]) -> Generator[Load, Any, Decision]:
            policy = POLICIES.on(civil_day(moment.now), moment.jurisdiction)
            events = due(fulfilment.state, moment.now, policy)
            return (yield from settle(fulfilment, events, Circumstances.at(moment)))

        return UseCase((FULFILMENTS.ref(fulfilment_id),), decide)

    return use_case


TIMERS: dict[tuple[str, str], TimerCommand] = {
    (DELIVERIES.name, RETRY): give_up_retrying,
    (DELIVERIES.name, SILENCE): silence,
    (FULFILMENTS.name, "hold_expiry"): _on_time(lambda state, now, _policy: expire_holds(state, now)),
    (FULFILMENTS.name, "collect"): _on_time(uncollected),
    (FULFILMENTS.name, "self_pay"): _on_time(not_cleared),
    (FULFILMENTS.name, "replace"): _on_time(lambda state, now, _policy: lapse_replacements(state, now)),
    **stock.TIMERS,
    **recalls.TIMERS,
}
