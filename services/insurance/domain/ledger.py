"""Double entry: what a claim's events book. Every event's postings sum to zero; nothing is ever changed, only negated.

A posting with a positive amount is a debit, with a negative one a credit, in fen. Postings live in the events of the
claim they belong to, because one ledger stream would be everybody's bottleneck; accounts are a projection.

| event | debit | credit |
|---|---|---|
| authorised | `receivable.<payer>` of each payer | `held.<pharmacy>` |
| share paid | `provider.<channel>` | `receivable.patient` |
| settled | `held.<pharmacy>` | `payable.<pharmacy>` |
| voided, reversed | the exact negation of all of the claim, last payer first, the refund among it | |
| dispute decided | `receivable.<payer>`, or `borne.<pharmacy>` where the pharmacy bears it | `payable.<pharmacy>` |
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from services.insurance.domain.amounts import Adjudication
from services.seedwork.model import Immutable


class AccountKind(NamedTuple):
    """What accounts beginning alike stand for."""

    prefix: str
    kind: Literal["patient", "payer", "pharmacy", "clearing"]
    meaning: str


ACCOUNTS: tuple[AccountKind, ...] = (
    AccountKind("receivable.patient", "patient", "what patients owe of their shares"),
    AccountKind("receivable.", "payer", "what a fund, or a personal account, owes"),
    AccountKind("held.", "pharmacy", "what a pharmacy will have earned once the patient has the goods"),
    AccountKind("payable.", "pharmacy", "what a pharmacy has earned"),
    AccountKind("borne.", "pharmacy", "what a pharmacy bears itself, as a dispute was decided"),
    AccountKind("provider.", "clearing", "what a payment provider holds for the clearing"),
)


def account_kind(account: str) -> str:
    """Of which kind an account is; the first prefix that fits."""
    return next(known.kind for known in ACCOUNTS if account.startswith(known.prefix))


class Posting(Immutable):
    """Fen on one account: positive is a debit, negative a credit."""

    account: str
    amount: int


def _booked(postings: Iterable[Posting]) -> tuple[Posting, ...]:
    return tuple(posting for posting in postings if posting.amount)


def authorised_postings(adjudication: Adjudication, pharmacy: str, insurer: str | None) -> tuple[Posting, ...]:
    """Each payer owes its share; the pharmacy is credited what it has not earned yet."""
    debits = [
        Posting(
            account=f"borne.{pharmacy}" if share.payer == "hosp" else receivable(share.payer, insurer),
            amount=share.amount,
        )
        for share in adjudication.payers
    ]
    return _booked([*debits, Posting(account=f"held.{pharmacy}", amount=-adjudication.total)])


def receivable(payer: str, insurer: str | None) -> str:
    """The account of what a payer owes: the patient's is one, a fund's or personal account's is the insurer's."""
    return "receivable.patient" if payer == "patient" else f"receivable.{payer}.{insurer}"


def paid_postings(amount: int, channel: str) -> tuple[Posting, ...]:
    """The patient's share is with the payment provider."""
    return _booked(
        [
            Posting(account=f"provider.{channel}", amount=amount),
            Posting(account="receivable.patient", amount=-amount),
        ]
    )


def settled_postings(total: int, pharmacy: str) -> tuple[Posting, ...]:
    """The patient has the goods, the pharmacy has earned the money."""
    return _booked(
        [Posting(account=f"held.{pharmacy}", amount=total), Posting(account=f"payable.{pharmacy}", amount=-total)]
    )


def negated(postings: Iterable[Posting]) -> tuple[Posting, ...]:
    """The exact negation of what has been booked, last first."""
    return tuple(Posting(account=posting.account, amount=-posting.amount) for posting in reversed(tuple(postings)))
