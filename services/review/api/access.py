"""Who may see what belongs to an institution, and the problems of those who may not act for it."""

from __future__ import annotations

from services.review.application.licences import agreed, agreement_ref
from services.seedwork.api import Refused
from services.seedwork.ports import Reader
from services.seedwork.usecase import Actor

PHARMACIST = (
    "case.not_yours",
    "case.reviewer_not_registered",
    "case.not_a_reviewer",
    "case.institution_not_admitted",
)
LICENCE = (*PHARMACIST, "case.own_prescription")


async def may_see(institution: str, actor: Actor, read: Reader) -> None:
    """The own institution's, or that of one that has agreed to be reviewed by it."""
    if institution == actor.organisation:
        return
    (agreement,) = await read.load(agreement_ref(institution, actor.organisation or ""))
    if not agreed(agreement.state, await read.now()):
        raise Refused("case.not_yours")
