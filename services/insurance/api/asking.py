"""Whoever brings a patient's credential asks the insurer with it, once the request is saved.

It is written down nowhere. Should this process die on the way, the clock asks the insurer what became of the message.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from services.insurance.application.claim_inquiries import (
    insurer_of,
    line_to,
    record_authorisation,
    waits_for_its_credential,
)
from services.insurance.composition import OUTSIDE
from services.insurance.domain.claim import CLAIM
from services.insurance.domain.member import member_of
from services.seedwork.calendar import civil_day
from services.seedwork.failures import ExecutionFailure
from services.seedwork.ports import Reader
from services.seedwork.usecase import UseCase

logger = logging.getLogger(__name__)


async def ask_with_credential(
    claim_id: UUID,
    credential: str,
    read: Reader,
    keep: Callable[[UseCase], Awaitable[Any]],
    aside: Callable[..., Awaitable[Any]],
) -> None:
    """Sends an authorisation that waits for its credential, beside the loop, and records what the insurer answers."""
    (claim,) = await read.load(CLAIM.ref(claim_id))
    state, opened = claim.state, claim.state.opened
    if opened is None or not waits_for_its_credential(state):
        return
    member, insurer = await read.load(member_of(opened.patient_ref), insurer_of(state))
    policy = OUTSIDE.policies.on(civil_day(await read.now()), read.jurisdiction)
    line = line_to(state, member.state, insurer.state, OUTSIDE, policy)
    outcome = await aside(line.ask, "authorise", state.message_id, state.requested_at, credential)
    try:
        await keep(record_authorisation(claim_id, state.message_id, outcome, OUTSIDE))
    except ExecutionFailure:
        logger.warning("an insurer's answer was not saved; the clock asks for it again")
