"""What may be given instead of what was prescribed: other brands with their prices, substitutes under a protocol."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.responses import Response

from services.dispatch.api.common import OWN_HOLD, HoldKey, organisation
from services.dispatch.api.holds import MayHold, SecretBody
from services.dispatch.application.registers import PHARMACY_REGISTER, drug_refs, product_facts
from services.dispatch.application.substitutions import propose_substitution
from services.dispatch.domain.fulfilment.commands import ProposeSubstitution
from services.dispatch.domain.protocol import PROTOCOLS, ProtocolFacts, protocol_stream
from services.dispatch.domain.values import CODE_LENGTH_MAX, LINES_MAX
from services.seedwork.api import Read, Refused, Run, allowed, answer, problems
from services.seedwork.calendar import civil_day
from services.seedwork.ports import Reader
from services.seedwork.reference import entry
from services.seedwork.usecase import Actor

router = APIRouter()
ALTERNATIVES_MAX = 50
Product = Annotated[str, Query(min_length=1, max_length=CODE_LENGTH_MAX, description="the prescribed product")]


class ProposalBody(SecretBody):
    """The line whose substitute is asked about. The patient must have agreed to it and to its price. Where no
    prescriber is asked: whether the insurance's restriction on the substitute is met, and by a code why it is not."""

    line: int = Field(ge=1, le=LINES_MAX)
    patient_agrees: bool
    restricted_use_met: bool | None = None
    restricted_use_reason: str | None = Field(default=None, pattern=r"^[a-z][a-z_]{1,39}$", examples=["no_other_drug"])


@router.get("/stock/alternatives", responses=problems("product.unknown"))
async def alternatives(
    actor: Annotated[Actor, Depends(allowed("stock.read"))], read: Read, product: Product
) -> Response:
    """What the caller's pharmacy could give for a product: its brands, and substitutes under a protocol in force here.

    `unit_price` is what the patient is told, fen per pack.
    """
    pharmacy, now = organisation(actor), await read.now()
    facts = product_facts(await read.load(*drug_refs([product])))
    if not facts:
        raise Refused("product.unknown", product=product)
    drug_key = facts[0].drug_key
    items = await _on_shelf(read, pharmacy, drug_key, product=product)
    for protocol in await _protocols(read, pharmacy, drug_key, civil_day(now)):
        shown = protocol.model_dump(mode="json", include={"mode", "ratio", "excluded", "max_days"})
        about = {"protocol_id": str(protocol.protocol_id), **shown}
        items += [{**row, **about} for row in await _on_shelf(read, pharmacy, protocol.to_drug_key)]
    return answer({"items": items[:ALTERNATIVES_MAX]})


async def _on_shelf(read: Reader, pharmacy: str, drug_key: str, product: str | None = None) -> list[dict[str, Any]]:
    rows = await read.find("stock_of_drug", pharmacy=pharmacy, drug_key=drug_key, limit=ALTERNATIVES_MAX)
    kind = "protocol" if product is None else "brand"
    return [
        {
            "product": row["product"],
            "substitution": "none" if row["product"] == product else kind,
            "on_hand": row["on_hand"],
            "reserved": row["reserved"],
            "pack_size": row["pack_size"],
            "unit_price": row["unit_price"],
        }
        for row in rows
    ]


async def _protocols(read: Reader, pharmacy: str, drug_key: str, today: Any) -> list[ProtocolFacts]:
    (place,) = await read.load(entry(PHARMACY_REGISTER, "pharmacy", pharmacy))
    region = str((place.state.content or {}).get("region", ""))
    rows = await read.find("protocols_for", drug_key=drug_key)
    known = await read.load(*(PROTOCOLS.ref(protocol_stream(row["protocol_id"])) for row in rows))
    facts = (each.state.facts for each in known)
    return [protocol for protocol in facts if protocol and protocol.in_force(region, today)]


@router.post(
    "/fulfilments/{fulfilment_id}/holds/{hold_id}/substitution-proposals",
    responses=problems(
        *OWN_HOLD,
        "pharmacy.not_admitted",
        "person.not_qualified",
        "substitution.nothing_held",
        "substitution.prescriber_states",
        "substitution.declined",
        "substitution.patient_disagrees",
    ),
)
async def propose(
    fulfilment_id: UUID, hold_id: UUID, body: ProposalBody, actor: MayHold, run: Run, hold_key: HoldKey
) -> Response:
    """Ask about a held substitute: the prescriber to sign it, and the hold waits for the answer; where the protocol
    asks no prescriber, whether it passes the checks of an issue and its screening for this patient."""
    command = ProposeSubstitution(
        hold_id=hold_id,
        pharmacy=organisation(actor),
        pharmacist=actor.subject,
        line=body.line,
        patient_agrees=body.patient_agrees,
        restricted_use_met=body.restricted_use_met,
        restricted_use_reason=body.restricted_use_reason,
    )
    response: Response = await run(propose_substitution(fulfilment_id, command, body.secret, hold_key))
    return response
