"""What ends with a case: its protocols after notice, its allocations and whatever was proposed at once."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from services.seedwork.model import StreamRef
from services.seedwork.usecase import Load
from services.shortage.application.nodes import Loading, Work
from services.shortage.domain import allocation, protocol, response
from services.shortage.domain.case import CaseState
from services.shortage.domain.policy import ShortagePolicy
from services.shortage.domain.values import ResponseKind


def responses_over(case: Work[CaseState], now: datetime, policy: ShortagePolicy) -> Loading[list[Work[Any]]]:
    """The responses of this case, ended, when this decision has ended the case; else nothing."""
    before = case.loaded.state
    if case.state.is_open or not before.responses:
        return []
    names = sorted(before.responses)
    loaded = yield Load(tuple(_ref(before.responses[name][0], name) for name in names))
    works = [Work(each) for each in loaded]
    for name, work in zip(names, works, strict=True):
        match before.responses[name][0]:
            case ResponseKind.PROTOCOL:
                work.add(protocol.end_with_case(work.state, now, policy))
            case ResponseKind.ALLOCATION:
                work.add(allocation.end_with_case(work.state, now))
            case _:
                work.add(response.end_with_case(work.state, now))
    return works


def _ref(kind: ResponseKind, response_id: UUID) -> StreamRef[Any]:
    if kind is ResponseKind.PROTOCOL:
        return protocol.protocol_ref(response_id)
    return (
        allocation.allocation_ref(response_id)
        if kind is ResponseKind.ALLOCATION
        else response.response_ref(response_id)
    )
