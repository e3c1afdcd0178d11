"""Which packs may be set aside for a hold: as held, whole or lawfully opened, each with its code or a coded reason."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from services.dispatch.domain.codes.reading import PackCode, read_code
from services.dispatch.domain.fulfilment.commands import PrepareSupply
from services.dispatch.domain.fulfilment.state import FulfilmentState, Hold
from services.dispatch.domain.policy import Policy
from services.dispatch.domain.values import PickedLine, ProductFacts, packs_for
from services.seedwork.model import Refusal

PACKS_MAX = 80
"""Packs of one fulfilment in pharmacies at once: each trace code is a stream, and one save touches at most 100."""
STREAMS_MAX = 95
"""Of packs and of the shelves they come from; the fulfilment and the deliveries of its supplies come beside."""


def read_picks(
    state: FulfilmentState, hold: Hold, command: PrepareSupply, today: date, policy: Policy
) -> tuple[PickedLine, ...] | Refusal:
    """The picked lines with their codes in normal form, or the rule they break."""
    products = {facts.product: facts for facts in command.products}
    total: dict[int, int] = {}
    facts: dict[str, object]
    read: list[PickedLine] = []
    for row in command.lines:
        held = next((line for line in hold.lines if line.line == row.line), None)
        if held is None:
            return Refusal("hold.not_held", {"line": row.line, "held": 0})
        if held.product != row.product or row.product not in products:
            return Refusal("supply.other_product", {"line": row.line, "held": held.product, "picked": row.product})
        total[row.line] = total.get(row.line, 0) + row.quantity
        if total[row.line] > held.units(held.quantity):
            facts = {"line": row.line, "held": held.units(held.quantity), "picked": total[row.line]}
            return Refusal("supply.more_than_held", facts)
        if held.substitution and held.substitution.ratio.prescribed(row.quantity) is None:
            facts = {"line": row.line, "quantity": row.quantity, "ratio": str(held.substitution.ratio)}
            return Refusal("substitution.not_exact", facts)
        checked = _read(row, products[row.product], today, policy)
        if isinstance(checked, Refusal):
            return checked
        read.append(checked)
    codes = [code for row in read for code in row.trace_codes]
    if len(set(codes)) != len(codes):
        return Refusal("supply.code_twice", {})
    return _too_many_packs(state, read) or tuple(read)


def _too_many_packs(state: FulfilmentState, read: list[PickedLine]) -> Refusal | None:
    there = [row for supply in state.supplies.values() if supply.status == "dispensed" for row in supply.picked]
    packs = sum(len(row.trace_codes) for row in (*read, *there))
    shelves = 2 * len({row.product for row in (*read, *there)})
    if packs > PACKS_MAX or packs + shelves > STREAMS_MAX:
        return Refusal("supply.too_many_packs", {"packs": packs, "maximum": min(PACKS_MAX, STREAMS_MAX - shelves)})
    return None


def _read(row: PickedLine, product: ProductFacts, today: date, policy: Policy) -> PickedLine | Refusal:
    """One code per pack or a reason, never both; a part of a pack only where packs may be opened."""
    if row.quantity % product.pack_size and not product.splittable:
        facts = {"line": row.line, "quantity": row.quantity, "pack_size": product.pack_size}
        return Refusal("supply.pack_not_splittable", facts)
    if row.lot_reason is not None and row.lot_reason not in policy.lot_reasons:
        return Refusal("supply.unknown_reason", {"reason": row.lot_reason, "reasons": sorted(policy.lot_reasons)})
    wrong = _no_code_wrong(row, product, policy)
    if wrong:
        return wrong
    expected = 0 if row.no_code_reason else packs_for(row.quantity, product.pack_size)
    if len(row.trace_codes) != expected:
        return Refusal("supply.codes_missing", {"line": row.line, "packs": expected, "codes": len(row.trace_codes)})
    codes = _codes(row, product, today)
    return codes if isinstance(codes, Refusal) else row.model_copy(update={"trace_codes": codes})


def _no_code_wrong(row: PickedLine, product: ProductFacts, policy: Policy) -> Refusal | None:
    if row.no_code_reason is None:
        return None
    reason = policy.no_code_reasons.get(row.no_code_reason)
    if reason is None or (reason.medicine_types and product.medicine_type not in reason.medicine_types):
        allowed = sorted(_reasons(policy, product))
        return Refusal("supply.unknown_reason", {"reason": row.no_code_reason, "reasons": allowed})
    if reason.photo and row.no_code_photo_sha256 is None:
        return Refusal("supply.photo_missing", {"line": row.line, "reason": row.no_code_reason})
    return None


def _reasons(policy: Policy, product: ProductFacts) -> list[str]:
    return [
        code
        for code, reason in policy.no_code_reasons.items()
        if not reason.medicine_types or product.medicine_type in reason.medicine_types
    ]


def _codes(row: PickedLine, product: ProductFacts, today: date) -> tuple[str, ...] | Refusal:
    read: list[str] = []
    for scanned in row.trace_codes:
        code = read_code(scanned, today)
        if isinstance(code, Refusal):
            return Refusal(code.code, {"line": row.line, **code.facts})
        foreign = _foreign(row, code, product)
        if foreign:
            return foreign
        read.append(code.normal)
    return tuple(read)


def _foreign(row: PickedLine, code: PackCode, product: ProductFacts) -> Refusal | None:
    facts: Mapping[str, object] = {"line": row.line, "trace_code": code.normal, "says": code.product}
    if product.trace_ids and code.product not in product.trace_ids:
        return Refusal("trace_code.foreign_product", {**facts, "picked": product.product})
    if not code.is_of(row.lot, row.expiry):
        return Refusal("trace_code.other_lot", {**facts, "lot": code.lot, "expiry": code.expiry})
    return None
