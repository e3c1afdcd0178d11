"""What stands on a receipt's document: who paid what by which rule, line by line and in sum.

Insurance knows its patients by their random reference alone, so no name stands on it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from contracts.registers import Insurer
from services.insurance.application.registers import INSURANCE_REGISTER
from services.insurance.domain import kept_receipt
from services.insurance.domain.amounts import Adjudication, Amount, ClaimLine, LineAmounts, PayerAmount
from services.insurance.domain.claim import ClaimState
from services.insurance.domain.claim_events import ClaimOpened
from services.insurance.domain.claim_transitions import REVERSED
from services.insurance.domain.kept_receipt import KeptReceiptState, ReceiptKept, Standing, kept_receipt_ref
from services.insurance.domain.policy import PAYERS
from services.seedwork.model import Loaded, StreamRef
from services.seedwork.reference import EntryState, entry
from services.seedwork.usecase import Answer, Decision, Moment, UseCase

PAYER_NAMES = {payer: meaning.partition(":")[0] for payer, meaning in PAYERS}
SELF_PAY = "自费"
DELIVERY_FEE = "配送费"


@dataclass(frozen=True)
class Ruled:
    """One amount in yuan, what it is, and the rule it follows from."""

    what: str
    amount: str
    rule: str


@dataclass(frozen=True)
class ReceiptLine:
    """One line: the product, its amount, the parts that are more than nothing, and who pays it."""

    name: str
    product: str
    quantity: str
    unit_price: str
    amount: str
    parts: tuple[Ruled, ...]
    payers: tuple[Ruled, ...]


@dataclass(frozen=True)
class ReceiptPaper:
    """Everything that is printed."""

    claim_id: str
    attempt: str
    supply: str
    prescription_id: str
    pharmacy: str
    insurer: str
    policy: str
    policy_date: str
    settled_on: str
    lines: tuple[ReceiptLine, ...]
    payers: tuple[Ruled, ...]
    at_home: tuple[Ruled, ...]
    delivery_fee: tuple[Ruled, ...]
    """Beside the claim: no part of its sums."""
    total: str
    fund: str
    reversed: bool
    replaced_by: str
    receipt_sha256: str

    @property
    def verification(self) -> str:
        """What the QR code says: the claim and the digest of its receipt, as `/claims/{id}/receipt` gives it."""
        return f"urn:rxflow:receipt:{self.claim_id}:sha256:{self.receipt_sha256}"


def standing_of_receipt(state: ClaimState) -> Standing:
    return "reversed" if state.state == REVERSED else "stands"


def receipt_of(state: ClaimState) -> StreamRef[KeptReceiptState]:
    """Where the document of a claim's receipt, as it stands now, is kept."""
    opened, _ = _settled(state)
    return kept_receipt_ref(opened.claim_id, state.receipt_sha256 or "", standing_of_receipt(state))


def insurer_of(state: ClaimState) -> StreamRef[EntryState]:
    """The register's entry of the insurer, for its name; of a claim that no insurer pays it is empty."""
    return entry(INSURANCE_REGISTER, "insurer", state.insurer or "")


def receipt_paper(state: ClaimState, insurer: EntryState) -> ReceiptPaper:
    """What is printed of a settled claim."""
    opened, amounts = _settled(state)
    named = insurer.read(Insurer)
    name = f"{named.name} " if named else ""
    return ReceiptPaper(
        claim_id=str(opened.claim_id),
        attempt=str(opened.attempt),
        supply=f"{opened.supply.supply_id} ({opened.supply.fill_no})",
        prescription_id=str(opened.supply.prescription_id),
        pharmacy=opened.supply.pharmacy,
        insurer=f"{name}{state.insurer}" if state.insurer else SELF_PAY,
        policy=amounts.policy,
        policy_date=str(state.policy_date),
        settled_on=str(state.settled_on or ""),
        lines=tuple(_line(line, priced) for line, priced in zip(opened.lines, amounts.lines, strict=True)),
        payers=_payers(amounts.payers),
        at_home=_payers(amounts.at_home),
        delivery_fee=_fee(opened),
        total=yuan(amounts.total),
        fund=yuan(amounts.fund),
        reversed=state.state == REVERSED,
        replaced_by="" if state.replaced_by is None else str(state.replaced_by),
        receipt_sha256=state.receipt_sha256 or "",
    )


def _fee(opened: ClaimOpened) -> tuple[Ruled, ...]:
    fee = opened.delivery_fee
    return () if fee is None else (Ruled(DELIVERY_FEE, yuan(fee.amount), fee.rule),)


def yuan(fen: int) -> str:
    """Fen as yuan, exactly."""
    return f"{fen // 100}.{fen % 100:02d}"


def keep_receipt(state: ClaimState, content: bytes) -> UseCase:
    """Keeps what was made; where another request was first, its document stays."""
    opened, _ = _settled(state)
    made = ReceiptKept(
        claim_id=opened.claim_id,
        patient_ref=opened.patient_ref,
        standing=standing_of_receipt(state),
        receipt_sha256=state.receipt_sha256 or "",
        sha256=hashlib.sha256(content).hexdigest(),
        content=base64.b64encode(content).decode("ascii"),
    )

    def decide(_moment: Moment, kept: Loaded[KeptReceiptState]) -> Decision:
        return Decision.on(kept, kept_receipt.keep(kept.state, made), Answer())

    return UseCase((receipt_of(state),), decide)


def bytes_of(kept: ReceiptKept) -> bytes | None:
    """The document as it was made; None where the patient is forgotten."""
    return None if kept.content is None else base64.b64decode(kept.content)


def _settled(state: ClaimState) -> tuple[ClaimOpened, Adjudication]:
    """What a claim with a receipt always has."""
    if state.opened is None or state.adjudication is None or state.receipt_sha256 is None:
        raise LookupError("this claim has no receipt")
    return state.opened, state.adjudication


def _line(line: ClaimLine, priced: LineAmounts) -> ReceiptLine:
    parts = (
        ("全自费", priced.own_pay),
        ("超限价", priced.over_limit),
        ("先行自付", priced.first_self_pay),
        ("符合范围", priced.in_scope),
        ("其中起付", priced.deductible),
    )
    return ReceiptLine(
        name=line.generic_name,
        product=line.product,
        quantity=str(line.quantity),
        unit_price=yuan(line.unit_price),
        amount=yuan(line.amount),
        parts=tuple(_ruled(name, part) for name, part in parts if part.amount),
        payers=_payers(priced.payers),
    )


def _payers(shares: Iterable[PayerAmount]) -> tuple[Ruled, ...]:
    return tuple(_ruled(PAYER_NAMES[share.payer], share) for share in shares)


def _ruled(what: str, found: Amount | PayerAmount) -> Ruled:
    return Ruled(what, yuan(found.amount), found.rule)
