"""What is done, or was done, against each shortage, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from services.seedwork.clock import to_micros
from services.seedwork.model import DomainEvent
from services.seedwork.projection import Amend, Operation, Projection, Put, Recorded
from services.shortage.domain.allocation import AllocationEnded, AllocationSet
from services.shortage.domain.effect import EffectMeasured
from services.shortage.domain.protocol import ProtocolDrafted, ProtocolOver, ProtocolSigned
from services.shortage.domain.response import ReserveReleased, ResponseOver, TransfersProposed
from services.shortage.domain.values import ResponseKind
from services.shortage.projections import METADATA

RESPONSES = sa.Table(
    "responses",
    METADATA,
    sa.Column("response_id", sa.Uuid, primary_key=True),
    sa.Column("case_id", sa.Uuid, nullable=False, index=True),
    sa.Column("drug_key", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("began_at", sa.BigInteger, nullable=False),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.Column("ends_on", sa.Text),
    sa.Column("effect", sa.JSON),
    sa.Index("responses_by_drug", "drug_key", "kind", "state"),
)
_CASE = sa.select(RESPONSES).where(RESPONSES.c.case_id == sa.bindparam("case_id", type_=sa.Uuid))
OF_CASE = (
    _CASE.where(
        sa.tuple_(RESPONSES.c.began_at, RESPONSES.c.response_id)
        > sa.tuple_(sa.bindparam("after", type_=sa.BigInteger), sa.bindparam("after_id", type_=sa.Uuid))
    )
    .order_by(RESPONSES.c.began_at, RESPONSES.c.response_id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
IN_FORCE = (
    sa.select(RESPONSES)
    .where(
        RESPONSES.c.drug_key == sa.bindparam("drug_key", type_=sa.Text),
        sa.or_(*(RESPONSES.c.kind == kind.value for kind in (ResponseKind.PROTOCOL, ResponseKind.ALLOCATION))),
        sa.or_(
            RESPONSES.c.state == "in_force",
            RESPONSES.c.state == "set",
            sa.and_(
                RESPONSES.c.kind == ResponseKind.PROTOCOL.value,
                RESPONSES.c.ends_on >= sa.bindparam("today", type_=sa.Text),
            ),
        ),
    )
    .order_by(RESPONSES.c.began_at, RESPONSES.c.response_id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
"""Protocols, also those that run out, and allocations of a drug; where they hold is said in their facts."""

_NOT_SHOWN = {"case_id", "drug_key", "response_id", "allocation_id", "protocol_id"}


def project(recorded: Recorded) -> Iterator[Operation]:
    this = {"response_id": recorded.stream_id}
    match recorded.event:
        case ProtocolDrafted() as event:
            facts = {**_facts(event), **event.text.model_dump(mode="json")}
            yield _put(recorded, event, ResponseKind.PROTOCOL, "drafted", facts, event.text.from_drug_key)
        case ProtocolSigned() as event:
            yield Amend(RESPONSES, this, {"state": "in_force", "began_at": to_micros(event.signed_at)})
        case ProtocolOver() as event:
            yield Amend(RESPONSES, this, {"state": "ended", "ends_on": event.ends_on.isoformat()})
        case AllocationSet() as event:
            yield _put(recorded, event, ResponseKind.ALLOCATION, "set", _facts(event), event.drug_key)
        case AllocationEnded():
            yield Amend(RESPONSES, this, {"state": "ended"})
        case TransfersProposed() as event:
            yield _put(recorded, event, ResponseKind.TRANSFER, "open", _facts(event), event.drug_key)
        case ReserveReleased() as event:
            yield _put(recorded, event, ResponseKind.RESERVE, "open", _facts(event), event.drug_key)
        case ResponseOver():
            yield Amend(RESPONSES, this, {"state": "over"})
        case EffectMeasured() as event:
            shown = event.model_dump(mode="json", exclude={"response_id"})
            yield Amend(RESPONSES, {"response_id": event.response_id}, {"effect": shown})


def _put(
    recorded: Recorded, event: Any, kind: ResponseKind, state: str, facts: dict[str, Any], drug_key: str
) -> Operation:
    row = {"response_id": recorded.stream_id, "case_id": event.case_id, "drug_key": drug_key, "kind": kind.value}
    return Put(RESPONSES, {**row, "state": state, "began_at": to_micros(recorded.recorded_at), "facts": facts})


def _facts(event: DomainEvent) -> dict[str, Any]:
    return event.model_dump(mode="json", exclude=_NOT_SHOWN | {"text"})


PROJECTION = Projection(
    name="responses",
    tables=(RESPONSES,),
    project=project,
    queries={"responses_of": OF_CASE, "responses_in_force": IN_FORCE},
)
