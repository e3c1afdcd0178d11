"""What was given, as it is told and claimed: with its price, what it counts for, and what it stands for."""

from __future__ import annotations

from services.dispatch.domain.fulfilment.commands import DispenseSupply
from services.dispatch.domain.fulfilment.state import FulfilmentState, Hold, Supply
from services.dispatch.domain.values import (
    DispensedLine,
    HeldLine,
    PickedLine,
    ProductFacts,
    amount_of,
    packs_for,
)
from services.seedwork.model import Refusal


def priced(
    state: FulfilmentState, hold: Hold, supply: Supply, command: DispenseSupply
) -> tuple[DispensedLine, ...] | Refusal:
    """Each picked row with the price per pack of this moment; another product than prescribed is named as such."""
    products = {facts.product: facts for facts in command.products}
    held = {row.line: row for row in hold.lines}
    lines: list[DispensedLine] = []
    for row in supply.picked:
        if row.product not in command.prices:
            return Refusal("supply.no_price", {"product": row.product})
        prescribed = state.lines[row.line].content.product
        lines.append(_line(row, held[row.line], prescribed, products[row.product], command.prices[row.product]))
    return tuple(lines)


def _line(row: PickedLine, held: HeldLine, prescribed: str, product: ProductFacts, price: int) -> DispensedLine:
    substitution = held.substitution
    kind = "protocol" if substitution else "none" if row.product == prescribed else "brand"
    return DispensedLine.model_validate(
        {
            **row.model_dump(exclude={"lot_reason"}),
            "generic_name": product.generic_name,
            "drug_key": product.drug_key,
            "pack_size": product.pack_size,
            "packs": packs_for(row.quantity, product.pack_size),
            "unit_price": price,
            "amount": amount_of(row.quantity, product.pack_size, price),
            "substitution": kind,
            "prescribed_product": None if kind == "none" else prescribed,
            "prescribed_quantity": substitution.ratio.prescribed(row.quantity) if substitution else None,
            "protocol_id": substitution.protocol_id if substitution else None,
        }
    )
