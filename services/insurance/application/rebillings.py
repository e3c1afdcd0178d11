"""The deadline of what is billed anew for what stays with the patient."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any
from uuid import UUID

from services.insurance.application.claim_work import Outside, work_on
from services.insurance.application.draft import Draft
from services.insurance.domain.claim import CLAIM, ClaimState
from services.insurance.domain.rebilling import expire_rebill
from services.seedwork.model import Loaded
from services.seedwork.usecase import Decision, Load, Moment, UseCase


def end_rebill(claim_id: UUID, outside: Outside) -> UseCase:
    """The clock: nobody has authorised it, or nobody has paid. An officer is to decide, or the patient owes the share
    and the rest is settled."""

    def decide(moment: Moment, claim: Loaded[ClaimState]) -> Generator[Load, Any, Decision]:
        opened, ended = claim.state.opened, expire_rebill(claim.state, moment.now)
        if opened is None or not ended:
            return Decision.nothing()
        draft = Draft(claim)
        draft.add(claim, ended)
        work = yield from work_on(draft, outside, opened, moment, claim.state.policy_date)
        work.apply_facts()
        return draft.decision()

    return UseCase((CLAIM.ref(claim_id),), decide)
