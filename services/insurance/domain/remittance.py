"""What a settlement batch pays a pharmacy and why, balanced to the cent at three levels (X12 835).

| level | what balances |
|---|---|
| line | charge (SVC02) - its adjustments (CAS) = paid (SVC03) |
| claim | charge (CLP03) - its adjustments = paid (CLP04), and both are the sums of its lines |
| remittance | sum of paid (CLP04) - adjustments of the provider (PLB) = what is transferred (BPR02), never below zero |

The payer is an insurer: its funds and the personal accounts it keeps. What the patient paid is with the payment
provider and is an adjustment (PR), what the pharmacy bears after a dispute another (CO). Or it is that provider, which
pays on what patients paid it: what other payers pay is an adjustment then (OA), and so is what the patient still owes
(PR). A delivery fee stands there like a claim of one line, and so does what the pharmacy gave back to the patient for
the provider. A claim that was taken back stands there with all signs negated (CLP02 = 22); where more of a share
came in, the claim is taken back as it was remitted and remitted anew. What a remittance cannot take is carried into the
next one, in both.
Source: X12 005010X221 (835), balancing, corrections and reversals; X12 RFI 1604 on negative remittances.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, get_args
from uuid import UUID

from services.insurance.domain.amounts import LineAmounts
from services.seedwork.model import Immutable

GroupCode = Literal["PR", "CO", "OA"]
ProviderReason = Literal["WO", "FB"]
EntryKind = Literal["settled", "reversed", "recovered"]
HeldKind = Literal["share", "delivery_fee", "paid_back"]
"""What a payment provider has for a pharmacy: of a claim, of a fee, or what the pharmacy gave back in its place."""
HELD_KINDS: tuple[HeldKind, ...] = get_args(HeldKind)


class CodeRow(NamedTuple):
    """A code of the message and what it stands for here."""

    code: str
    element: str
    meaning: str


CODES: tuple[CodeRow, ...] = (
    CodeRow("1", "CLP02", "a claim as it was settled"),
    CodeRow("22", "CLP02", "a settled claim taken back, all signs negated"),
    CodeRow(
        "PR", "CAS01", "the patient's share, paid through the payment provider; in its own remittance what is owed"
    ),
    CodeRow("CO", "CAS01", "what the pharmacy bears, as a dispute was decided"),
    CodeRow("OA", "CAS01", "what other payers pay (CARC 23), in a payment provider's remittance"),
    CodeRow("WO", "PLB03-1", "recovered: what the pharmacy bears of a difference with the payer's file"),
    CodeRow("FB", "PLB03-1", "forward balance: out of the remittance before, or into the next one"),
)
STATUS: Mapping[EntryKind, str] = {"settled": "1", "reversed": "22"}
SIGN: Mapping[EntryKind, int] = {"settled": 1, "reversed": -1}
NOT_THE_INSURERS: Mapping[str, GroupCode] = {"patient": "PR", "hosp": "CO"}
"""Payers whose part the insurer does not pay; all others are its funds and accounts."""


class Adjustment(Immutable):
    """A part of a charge that this payer does not pay, in fen."""

    group: GroupCode
    amount: int


class RemittedLine(Immutable):
    """One line of a claim (SVC), in fen."""

    line: int
    charge: int
    adjustments: tuple[Adjustment, ...]
    payers: tuple[tuple[str, int], ...]

    @property
    def paid(self) -> int:
        return sum(amount for _payer, amount in self.payers)


class RemittedClaim(Immutable):
    """One claim of a remittance (CLP); `position` is its place in the order of settlement."""

    position: int
    claim_id: UUID
    status: str
    charge: int
    paid: int
    lines: tuple[RemittedLine, ...]

    @property
    def adjustments(self) -> Mapping[str, int]:
        return summed((each.group, each.amount) for line in self.lines for each in line.adjustments)

    @property
    def payers(self) -> Mapping[str, int]:
        return summed(share for line in self.lines for share in line.payers)


def summed(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for name, amount in pairs:
        sums[name] += amount
    return dict(sums)


def remitted_claim(position: int, claim_id: UUID, kind: EntryKind, lines: Iterable[LineAmounts]) -> RemittedClaim:
    """A settled claim as the remittance shows it, or its exact negation."""
    sign = SIGN[kind]
    shown = tuple(_line(line, sign) for line in lines)
    charge, paid = sum(line.charge for line in shown), sum(line.paid for line in shown)
    return RemittedClaim(
        position=position, claim_id=claim_id, status=STATUS[kind], charge=charge, paid=paid, lines=shown
    )


def _line(line: LineAmounts, sign: int) -> RemittedLine:
    adjustments = [
        Adjustment(group=NOT_THE_INSURERS[share.payer], amount=sign * share.amount)
        for share in line.payers
        if share.payer in NOT_THE_INSURERS
    ]
    payers = [(share.payer, sign * share.amount) for share in line.payers if share.payer not in NOT_THE_INSURERS]
    return RemittedLine(line=line.line, charge=sign * line.total, adjustments=tuple(adjustments), payers=tuple(payers))


def held_claims(
    position: int, claim_id: UUID, kind: HeldKind, lines: Iterable[LineAmounts], before: int, after: int
) -> tuple[RemittedClaim, ...]:
    """What a payment provider had of it and has now, in fen: taken back as it was remitted, remitted as it is. `lines`:
    of a fee, or of what was given back, none: it is one line by itself."""
    shown = tuple(_owed_lines(kind, lines, max(before, after)))
    both = ((-1, "22", before), (1, "1", after))
    return tuple(_held(position, claim_id, status, kind, shown, sign, held) for sign, status, held in both if held)


class _Owed(NamedTuple):
    """A line as the patient owes it: its number, charge, and what others pay."""

    line: int
    charge: int
    others: int
    borne: int

    @property
    def patient(self) -> int:
        return self.charge - self.others - self.borne


def _owed_lines(kind: HeldKind, lines: Iterable[LineAmounts], fee: int) -> Iterator[_Owed]:
    if kind != "share":
        yield _Owed(1, fee, 0, 0)
        return
    for line in lines:
        parts = summed((share.payer, share.amount) for share in line.payers)
        patient, borne = parts.get("patient", 0), parts.get("hosp", 0)
        yield _Owed(line.line, line.total, line.total - patient - borne, borne)


def _held(
    position: int, claim_id: UUID, status: str, kind: HeldKind, lines: Iterable[_Owed], sign: int, held: int
) -> RemittedClaim:
    shown, left = [], held
    for each in lines:
        paid = min(each.patient, left)  # the first line first: taken back, a part has to be divided as it was before
        left -= paid
        parts: tuple[tuple[GroupCode, int], ...] = (
            ("PR", each.patient - paid),
            ("CO", each.borne),
            ("OA", each.others),
        )
        adjustments = tuple(Adjustment(group=group, amount=sign * amount) for group, amount in parts if amount)
        payers = (("delivery_fee" if kind == "delivery_fee" else "patient", sign * paid),) if paid else ()
        shown.append(RemittedLine(line=each.line, charge=sign * each.charge, adjustments=adjustments, payers=payers))
    if left:
        raise OutOfBalance(f"claim {claim_id}")
    charge = sum(line.charge for line in shown)
    return RemittedClaim(
        position=position, claim_id=claim_id, status=status, charge=charge, paid=sign * held, lines=tuple(shown)
    )


class OutOfBalance(ValueError):  # noqa: N818
    """A level does not come to what it must; nothing is paid on it."""


@dataclass
class Sums:
    """A remittance as it is added up, in fen. Memory does not grow with its claims; `recovered` is a PLB of code WO."""

    brought_forward: int
    claims: int = 0
    charge: int = 0
    paid: int = 0
    recovered: int = 0
    upto: int = 0
    adjustments: Counter[str] = field(default_factory=Counter)
    payers: Counter[str] = field(default_factory=Counter)
    _digest: Any = field(default_factory=hashlib.sha256)

    def add(self, claim: RemittedClaim) -> None:
        """One more claim. Raises OutOfBalance."""
        for line in claim.lines:
            if line.charge - sum(each.amount for each in line.adjustments) != line.paid:
                raise OutOfBalance(f"line {line.line} of claim {claim.claim_id}")
        if claim.charge - sum(claim.adjustments.values()) != claim.paid:
            raise OutOfBalance(f"claim {claim.claim_id}")
        self.claims += 1
        self.charge += claim.charge
        self.paid += claim.paid
        self.adjustments.update(claim.adjustments)
        self.payers.update(claim.payers)
        self._noted(claim.position, claim.claim_id, claim.status, claim.charge, claim.paid)

    def recover(self, position: int, claim_id: UUID, amount: int) -> None:
        """What the pharmacy bears of a difference; negative: what it is given."""
        self.recovered += amount
        self._noted(position, claim_id, "WO", amount, 0)

    def _noted(self, position: int, *what: object) -> None:
        self.upto = position
        self._digest.update(f"{'|'.join(map(str, (position, *what)))}\n".encode())

    @property
    def net(self) -> int:
        """Before anything is carried on."""
        return self.paid - self.recovered - self.brought_forward

    @property
    def carried_forward(self) -> int:
        """What the pharmacy still owes afterwards."""
        return max(0, -self.net)

    @property
    def transferred(self) -> int:
        """BPR02."""
        return max(0, self.net)

    @property
    def sha256(self) -> str:
        """Of all entries in order: the same entries give the same digest."""
        digest: str = self._digest.hexdigest()
        return digest

    def provider_adjustments(self) -> tuple[tuple[ProviderReason, int], ...]:
        """PLB: positive reduces what is transferred."""
        all_of_them: tuple[tuple[ProviderReason, int], ...] = (
            ("WO", self.recovered),
            ("FB", self.brought_forward),
            ("FB", -self.carried_forward),
        )
        return tuple((code, amount) for code, amount in all_of_them if amount)
