"""Deadlines of dispatch. The timer only asks; whether it is time is decided with the store's clock."""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import datetime
from typing import Any
from uuid import UUID

from services.dispatch.application import recalls, stock
from services.dispatch.application.shelf import Circumstances, settle
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS
from services.dispatch.domain.fulfilment.holds import expire_holds
from services.dispatch.domain.fulfilment.state import FulfilmentState
from services.dispatch.domain.fulfilment.supplies import uncollected
from services.seedwork.composition import TimerCommand
from services.seedwork.model import DomainEvent, Loaded
from services.seedwork.usecase import Decision, Load, Moment, UseCase


def _on_time(due: Callable[[FulfilmentState, datetime], list[DomainEvent]]) -> TimerCommand:
    def use_case(fulfilment_id: UUID) -> UseCase:
        def decide(moment: Moment, fulfilment: Loaded[FulfilmentState]) -> Generator[Load, Any, Decision]:
            events = due(fulfilment.state, moment.now)
            return (yield from settle(fulfilment, events, Circumstances.at(moment)))

        return UseCase((FULFILMENTS.ref(fulfilment_id),), decide)

    return use_case


TIMERS: dict[tuple[str, str], TimerCommand] = {
    (FULFILMENTS.name, "hold_expiry"): _on_time(expire_holds),
    (FULFILMENTS.name, "collect"): _on_time(uncollected),
    **stock.TIMERS,
    **recalls.TIMERS,
}
