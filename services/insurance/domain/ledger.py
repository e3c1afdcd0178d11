"""Double entry: what a claim's events book. Every event's postings sum to zero; nothing is ever changed, only negated.

A posting with a positive amount is a debit, with a negative one a credit, in fen. Postings live in the events of the
claim they belong to, because one ledger stream would be everybody's bottleneck; accounts are a projection.

| event | debit | credit |
|---|---|---|
| authorised | `receivable.<payer>` of each payer | `held.<pharmacy>` |
| share paid | `provider.<channel>` | `receivable.patient` |
| settled | `held.<pharmacy>` | `payable.<pharmacy>` |
| voided, reversed | the exact negation of all of the claim, last payer first, the refund among it | |
| taken back, payment or refund not answered | `provider.<channel>` (what it has) | `refund.patient` |
| that answered, all went back | `refund.patient` | `provider.<channel>` |
| refund refused, the pharmacy gave it back | `refund.patient` | `payable.<pharmacy>` |
| of a fee, once all is negated | `provider.<channel>` | `fee.payable.<pharmacy>` |
| dispute decided | `receivable.<payer>`, or `borne.<pharmacy>` where the pharmacy bears it | `payable.<pharmacy>` |
| batch transferred | `payable.<pharmacy>`, `difference.<insurer>` (recovered) | `receivable.<payer>.<insurer>` |
| a provider's batch | `payable.<pharmacy>`, `fee.payable.<pharmacy>`, `difference.<channel>` | `provider.<channel>` |
| what a batch cannot take | `carried.<pharmacy>` once it is made up | `carried.<pharmacy>` |
| difference answered: the pharmacy bears it | `borne.<pharmacy>` | `difference.<insurer>`, `difference.<channel>` |
| delivery fee asked for | `fee.receivable` | `fee.held.<pharmacy>` |
| delivery fee paid | `provider.<channel>` | `fee.receivable` |
| delivery fee earned | `fee.held.<pharmacy>` | `fee.payable.<pharmacy>` |
| delivery fee given back, or dropped | the exact negation of all of it | |

A delivery fee is no part of a claim: its postings stand in the events of its own payment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple, TypedDict

from services.insurance.domain.amounts import Adjudication
from services.seedwork.model import DomainEvent, Immutable

PAYABLE = "payable."
FEE_PAYABLE = "fee.payable."
PROVIDER = "provider."
REFUND = "refund.patient"


class AccountKind(NamedTuple):
    """What accounts beginning alike stand for."""

    prefix: str
    kind: Literal["patient", "payer", "pharmacy", "clearing"]
    meaning: str


ACCOUNTS: tuple[AccountKind, ...] = (
    AccountKind("receivable.patient", "patient", "what patients owe of their shares"),
    AccountKind("refund.patient", "patient", "what goes back to patients once their provider has answered"),
    AccountKind("receivable.", "payer", "what a fund, or a personal account, owes"),
    AccountKind("held.", "pharmacy", "what a pharmacy will have earned once the patient has the goods"),
    AccountKind("payable.", "pharmacy", "what a pharmacy has earned"),
    AccountKind("borne.", "pharmacy", "what a pharmacy bears itself, as a dispute was decided"),
    AccountKind("difference.", "payer", "what a payer's own file says less than our claims, as a person decided"),
    AccountKind("carried.", "clearing", "what batches that came to less than nothing carry into the next ones"),
    AccountKind("fee.receivable", "patient", "what patients owe of delivery fees"),
    AccountKind("fee.held.", "pharmacy", "fees that a pharmacy will have earned once the supply was carried"),
    AccountKind("fee.payable.", "pharmacy", "delivery fees that a pharmacy has earned"),
    AccountKind("provider.", "clearing", "what a payment provider holds for the clearing"),
)


def _suffix(account: str, prefix: str) -> str | None:
    return account.removeprefix(prefix) if account.startswith(prefix) else None


def account_kind(account: str) -> str:
    """Of which kind an account is; the first prefix that fits."""
    return next(known.kind for known in ACCOUNTS if account.startswith(known.prefix))


def pharmacy_of(postings: Iterable[Posting]) -> str | None:
    """Whose account of what was earned these postings move; None: nobody's."""
    return next((p.account.removeprefix(PAYABLE) for p in postings if p.account.startswith(PAYABLE)), None)


class Posting(Immutable):
    """Fen on one account: positive is a debit, negative a credit."""

    account: str
    amount: int


Postings = tuple[Posting, ...]


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


def refund_awaited_postings(amount: int, channel: str) -> tuple[Posting, ...]:
    """The claim is taken back and the provider still has so much of the patient's."""
    return _booked(
        [Posting(account=f"{PROVIDER}{channel}", amount=amount), Posting(account=REFUND, amount=-amount)],
    )


def given_back_postings(amount: int, pharmacy: str) -> tuple[Posting, ...]:
    """The pharmacy gave the patient back what the provider keeps, and has that instead."""
    return _booked([Posting(account=REFUND, amount=amount), Posting(account=f"{PAYABLE}{pharmacy}", amount=-amount)])


def fee_kept_postings(amount: int, pharmacy: str, channel: str) -> tuple[Posting, ...]:
    """The same of a delivery fee, once all of it is negated."""
    return _booked(
        [
            Posting(account=f"{PROVIDER}{channel}", amount=amount),
            Posting(account=f"{FEE_PAYABLE}{pharmacy}", amount=-amount),
        ]
    )


def balances(postings: Iterable[Posting]) -> dict[str, int]:
    """What they come to, by account; an account that is even is left out."""
    sums: Counter[str] = Counter()
    for posting in postings:
        sums[posting.account] += posting.amount
    return {account: amount for account, amount in sums.items() if amount}


class Holding(Immutable):
    """Fen of the patient's that a payment provider has for what a pharmacy has earned, before and after an event."""

    channel: str
    pharmacy: str
    before: int
    after: int


class BooksHoldings(DomainEvent):
    """An event whose postings may move what a payment provider is to pay on to a pharmacy."""

    postings: tuple[Posting, ...] = ()
    holdings: tuple[Holding, ...] = ()


class Booking(TypedDict):
    """What such an event books, and what that moves."""

    postings: tuple[Posting, ...]
    holdings: tuple[Holding, ...]


def booking(before: tuple[Posting, ...], postings: tuple[Posting, ...]) -> Booking:
    """`postings` of a claim, or of a fee, that had booked `before`. Nothing is a pharmacy's until it is earned, and
    nothing is any more once that is negated: what the provider has then is the patient's."""
    had, has = _earned_and_held(before), _earned_and_held(before + postings)
    moved = ((key, had.get(key, 0), has.get(key, 0)) for key in sorted(had.keys() | has.keys()))
    holdings = tuple(
        Holding(channel=channel, pharmacy=pharmacy, before=old, after=new)
        for (channel, pharmacy), old, new in moved
        if old != new
    )
    return {"postings": postings, "holdings": holdings}


def _earned_and_held(postings: Iterable[Posting]) -> dict[tuple[str, str], int]:
    sums = balances(postings)
    suffixes = (_suffix(account, prefix) for account in sums for prefix in (PAYABLE, FEE_PAYABLE))
    earned = next((pharmacy for pharmacy in suffixes if pharmacy), None)
    held = ((channel, amount) for account, amount in sums.items() if (channel := _suffix(account, PROVIDER)))
    return {(channel, earned): amount for channel, amount in held} if earned else {}


def fee_requested_postings(amount: int, pharmacy: str) -> tuple[Posting, ...]:
    """The patient owes a delivery fee, which the pharmacy has not earned yet."""
    return _booked(
        [Posting(account="fee.receivable", amount=amount), Posting(account=f"fee.held.{pharmacy}", amount=-amount)]
    )


def fee_paid_postings(amount: int, channel: str) -> tuple[Posting, ...]:
    """The delivery fee is with the payment provider."""
    return _booked(
        [Posting(account=f"provider.{channel}", amount=amount), Posting(account="fee.receivable", amount=-amount)]
    )


def fee_earned_postings(amount: int, pharmacy: str) -> tuple[Posting, ...]:
    """The supply was carried, the pharmacy has earned the fee."""
    return _booked(
        [
            Posting(account=f"fee.held.{pharmacy}", amount=amount),
            Posting(account=f"fee.payable.{pharmacy}", amount=-amount),
        ]
    )


def settled_postings(total: int, pharmacy: str) -> tuple[Posting, ...]:
    """The patient has the goods, the pharmacy has earned the money."""
    return _booked(
        [Posting(account=f"held.{pharmacy}", amount=total), Posting(account=f"payable.{pharmacy}", amount=-total)]
    )


def difference_postings(missing: int, pharmacy: str, insurer: str) -> tuple[Posting, ...]:
    """What a payer's file is short of is the pharmacy's to bear; negative where the payer booked more than we did."""
    return _booked(
        [
            Posting(account=f"borne.{pharmacy}", amount=missing),
            Posting(account=f"difference.{insurer}", amount=-missing),
        ]
    )


def remitted_postings(
    paid: Mapping[str, int], *, transferred: int, recovered: int, pharmacy: str, payer: str
) -> tuple[Posting, ...]:
    """An insurer (`payer`) pays a pharmacy: by fund or account what it owed, less what is recovered, less or plus what
    is carried over."""
    carried = sum(paid.values()) - recovered - transferred
    return _booked(
        [
            Posting(account=f"payable.{pharmacy}", amount=transferred),
            Posting(account=f"carried.{pharmacy}", amount=carried),
            Posting(account=f"difference.{payer}", amount=recovered),
            *(Posting(account=receivable(fund, payer), amount=-amount) for fund, amount in paid.items()),
        ]
    )


def paid_on_postings(
    paid: Mapping[str, int], *, transferred: int, recovered: int, pharmacy: str, payer: str
) -> tuple[Posting, ...]:
    """A payment provider (`payer`, by its channel) pays a pharmacy the shares and fees that it has for it, less what is
    recovered, less or plus what is carried over. `paid`: fen of `delivery_fee`, and of what patients paid for goods."""
    total, fees = sum(paid.values()), paid.get("delivery_fee", 0)
    return _booked(
        [
            Posting(account=f"{PAYABLE}{pharmacy}", amount=transferred - fees),
            Posting(account=f"{FEE_PAYABLE}{pharmacy}", amount=fees),
            Posting(account=f"carried.{pharmacy}", amount=total - recovered - transferred),
            Posting(account=f"difference.{payer}", amount=recovered),
            Posting(account=f"{PROVIDER}{payer}", amount=-total),
        ]
    )


def negated(postings: Iterable[Posting]) -> tuple[Posting, ...]:
    """The exact negation of what has been booked, last first."""
    return tuple(Posting(account=posting.account, amount=-posting.amount) for posting in reversed(tuple(postings)))
