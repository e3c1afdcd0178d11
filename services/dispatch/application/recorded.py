"""Problems that leave a trace.

A refused command writes nothing. Where something must be recorded all the same (a wrong code, a demand that was not
met), the command is answered with the problem instead, and the api turns that answer into the problem it names.
"""

from __future__ import annotations

from contracts.errors import CATALOGUE
from services.seedwork.model import Refusal
from services.seedwork.usecase import Answer


def answered(refusal: Refusal) -> Answer:
    """The answer that names this problem."""
    return Answer(CATALOGUE[refusal.code].status, {"problem": refusal.code, "facts": dict(refusal.facts)})
