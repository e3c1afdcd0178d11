"""The simulated insurer itself: every transaction of the national form that rxflow uses, over books of its own.

It adjudicates by the policy file's row for its place, from what it knows of its members; who it does not know is a
member with a fresh year. A message is answered once: the same id with the same content gets the first answer again,
marked; with other content it is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from services.insurance.adapters.national import messages
from services.insurance.adapters.national.money import Unreadable, fen
from services.insurance.adapters.simulated_insurer.books import Books, Entry, Record, digest_of
from services.insurance.adapters.simulated_insurer.said import settlement_said
from services.insurance.adapters.simulated_insurer.statements import Statements
from services.insurance.domain.accumulator import NOTHING_USED, figures_of
from services.insurance.domain.adjudication import adjudicate
from services.insurance.domain.amounts import Adjudication, ClaimLine
from services.insurance.domain.catalogue import CatalogueEntry, Listing
from services.insurance.domain.payers import BenefitStanding
from services.insurance.domain.policy import POLICIES, PolicyRow
from services.seedwork.calendar import civil_day

ACCOUNT_FEN = 10_000
"""What a member's personal account holds before anything is paid out of it."""
PERSON = {"310": "在职", "390": "居民"}
"""Of a scheme: who its members are."""
LISTED = Listing(CatalogueEntry(name="any", drug_list_class="乙", first_self_pay_bp=1000), "simulated/乙")
MISCOUNTED_FEN = 1
LINES_MAX = 200

Answer = dict[str, Any]


class Insurer:
    """The books and what may be asked of them. `keep(record)` is called before a change is made, and must have it for
    good when it returns."""

    def __init__(self, region: str, books: Books, keep: Callable[[Record], None]) -> None:
        self.region = region
        self.books = books
        self._keep = keep
        self._statements = Statements(books)

    def handle(self, message: Mapping[str, Any], now: datetime, *, miscount: bool = False) -> Answer:
        """The answer to one message; what is no message of this form is refused."""
        said, msgid, infno = message.get("input"), message.get("msgid"), str(message.get("infno"))
        if not isinstance(said, dict) or not isinstance(msgid, str):
            return _refused(messages.REFUSED, {})
        day = civil_day(now)
        statements = {
            messages.UPLOAD: self._statements.upload,
            messages.TOTALS: self._statements.totals,
            messages.ITEMS: self._statements.items,
        }
        try:
            if infno in statements:
                return {"infcode": messages.ACCEPTED, "output": statements[infno](said, message)}
            return self._settlement(infno, msgid, said, message, day, miscount=miscount)
        except (KeyError, TypeError, ValueError):
            return _refused(messages.REFUSED, said)

    def _settlement(
        self,
        infno: str,
        msgid: str,
        said: Mapping[str, Any],
        message: Mapping[str, Any],
        day: date,
        *,
        miscount: bool,
    ) -> Answer:
        if infno == messages.QUOTE:
            amounts = self._adjudicated(said, day)
            return _accepted(amounts, {"medins_setl_id": said["druginfo"]["medins_setl_id"]})
        if infno == messages.BOOK and "druginfo" in said:
            return self._book(msgid, said, message, day, miscount=miscount)
        if infno == messages.BOOK:
            return self._complete(said, day)
        if infno == messages.INQUIRE:
            return self._inquired(said)
        if infno in {messages.TAKE_BACK, messages.REVERSE_LOST}:
            return self._take_back(infno, said, day)
        return _refused(messages.REFUSED, said)

    def _book(
        self, msgid: str, said: Mapping[str, Any], message: Mapping[str, Any], day: date, *, miscount: bool
    ) -> Answer:
        digest, known = digest_of(said), self.books.entries.get(msgid)
        if known is not None:
            same = known.digest == digest and known.state != "taken_back"
            return _told(known, again=True) if same else _refused(messages.OTHER_CONTENT, said)
        if msgid in self.books.never:
            return _refused(messages.NOTHING_BOOKED, said)
        amounts = self._adjudicated(said, day)
        content = {
            "medins_setl_id": said["druginfo"]["medins_setl_id"],
            "setl_id": f"S{msgid}",
            "psn_no": said["druginfo"]["psn_no"],
            "pharmacy": str(message.get("fixmedins_code")),
            "digest": digest,
            "amounts": amounts.model_dump(mode="json"),
            "figures": figures_of(amounts).model_dump(mode="json"),
            "off": MISCOUNTED_FEN if miscount else 0,
        }
        reserves = said["druginfo"].get("setl_step") == "reserve"
        self._do(Record("reserve" if reserves else "book", msgid, day, content))
        return _told(self.books.entries[msgid])

    def _complete(self, said: Mapping[str, Any], day: date) -> Answer:
        """The second step: what is reserved is booked, once."""
        known = self.books.entries.get(said["omsgid"])
        if known is None or known.state == "taken_back":
            return _refused(messages.NOTHING_BOOKED, said)
        if known.state == "reserved":
            self._do(Record("complete", known.msgid, day, {}))
            return _told(self.books.entries[known.msgid])
        return _told(known, again=True)

    def _inquired(self, said: Mapping[str, Any]) -> Answer:
        known = self.books.entries.get(said["omsgid"])
        if known is None or known.state == "taken_back":
            return _refused(messages.NOTHING_BOOKED, said)
        return _told(known)

    def _take_back(self, infno: str, said: Mapping[str, Any], day: date) -> Answer:
        """Once; a lost message that has not come is refused should it come."""
        known = self.books.entries.get(said["omsgid"])
        if known is None:
            if infno == messages.REVERSE_LOST and said["omsgid"] not in self.books.never:
                self._do(Record("never", said["omsgid"], day, {}))
            return _refused(messages.NOTHING_BOOKED, said)
        again = known.state == "taken_back"
        if not again:
            self._do(Record("take_back", known.msgid, day, {"by": said.get("medins_back_id")}))
        return _told(known, again=again, back=True)

    def _do(self, record: Record) -> None:
        self._keep(record)
        self.books.apply(record)

    def _adjudicated(self, said: Mapping[str, Any], day: date) -> Adjudication:
        about = said["druginfo"]
        lines = claim_lines(said["drugdetail"])
        if fen(about["medfee_sumamt"]) != sum(line.amount for line in lines):
            raise Unreadable("the lines are not the sum")
        policy = self._row(about["insutype"], about["med_type"], day)
        used = self.books.used.get(f"{about['psn_no']}/{day.year}", NOTHING_USED)
        counted = used.of(policy.counter)
        standing = BenefitStanding(
            deductible_used=counted.deductible_used,
            pooled_paid=counted.pooled_paid,
            account_balance=max(0, ACCOUNT_FEN - self.books.spent.get(about["psn_no"], 0)),
            burden=used.burden,
            funds_paid=used.funds,
        )
        return adjudicate(lines, {line.product: LISTED for line in lines}, policy, standing)

    def _row(self, insutype: str, med_type: str, day: date) -> PolicyRow:
        row = POLICIES.on(day, "cn").row(self.region, insutype, PERSON[insutype], med_type, day)
        if row is None:
            raise ValueError("no policy")
        return row


def claim_lines(details: Sequence[Mapping[str, Any]]) -> list[ClaimLine]:
    """Lines as they came, numbered as they are. Raises ValueError."""
    if not 0 < len(details) <= LINES_MAX:
        raise ValueError("lines")
    return [
        ClaimLine(
            line=int(each["feedetl_sn"]),
            product=each["med_list_codg"],
            generic_name=each["med_list_codg"],
            quantity=int(each["cnt"]),
            unit_price=fen(each["pric"]),
            amount=fen(each["det_item_fee_sumamt"]),
            traced=each.get("drug_trac_flag") != "0",
        )
        for each in details
    ]


def _told(entry: Entry, *, again: bool = False, back: bool = False) -> Answer:
    """What an authorisation says, or said before; `back`: its exact negation."""
    about = {"setl_id": entry.setl_id, "medins_setl_id": entry.medins_setl_id, "psn_no": entry.psn_no}
    return _accepted(entry.amounts, {**about, **({"rep_flag": "1"} if again else {})}, -1 if back else 1)


def _accepted(amounts: Adjudication, about: Mapping[str, Any], sign: int = 1) -> Answer:
    output = settlement_said(amounts, sign)
    return {"infcode": messages.ACCEPTED, "output": {**output, "setlinfo": {**output["setlinfo"], **about}}}


def _refused(infcode: str, said: Mapping[str, Any]) -> Answer:
    """Names the message that it is about, as far as one was named."""
    about = said.get("druginfo")
    named = (about if isinstance(about, dict) else said).get("medins_setl_id")
    return {"infcode": infcode, "output": {"setlinfo": {"medins_setl_id": named}}}
