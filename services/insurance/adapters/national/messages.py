"""The messages: which transaction asks what, with the fields of the national platform (infno, header, input, output).

A message id (msgid) has 30 characters: the pharmacy's code (12), the moment it was first asked (14), four digits. The
whole id of rxflow travels as `medins_setl_id` and comes back in the answer, which is so tied to its question.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from services.insurance.adapters.national.money import yuan
from services.insurance.domain.amounts import ClaimLine
from services.insurance.domain.gateway import Asked, Original, OutcomeKind, Reach
from services.seedwork.calendar import ZONE

SEQUENCE_MAX = 10_000
QUOTE, BOOK, TAKE_BACK, INQUIRE, REVERSE_LOST = "2101", "2102", "2103", "5203", "2601"
TOTALS, ITEMS, UPLOAD = "3201", "3202", "9101"


class Transaction(NamedTuple):
    """One transaction: its number, what it is, and where the form is from."""

    infno: str
    meaning: str
    source: str


TRANSACTIONS: tuple[Transaction, ...] = (
    Transaction(QUOTE, "药店预结算: what it would come to", "national platform"),
    Transaction(BOOK, "药店结算: book; `setl_step` reserve and book of an insurer in two steps is rxflow's", "both"),
    Transaction(TAKE_BACK, "药店结算撤销: take back what is booked, by its setl_id", "national platform"),
    Transaction(INQUIRE, "结算信息查询, asked by the message id (omsgid) as 2601 is", "form of rxflow"),
    Transaction(
        REVERSE_LOST, "冲正: reverse a message whose answer was lost, should it have arrived or still arrive", "both"
    ),
    Transaction(TOTALS, "对总账: the totals of a day", "national platform"),
    Transaction(ITEMS, "对明细账: the items of a day, as a file uploaded before", "national platform"),
    Transaction(UPLOAD, "文件上传", "national platform"),
)

ACCEPTED, REFUSED, NOTHING_BOOKED, OTHER_CONTENT, BUSY = "0", "-1", "-2", "-3", "-9"
ANSWERS: Mapping[str, tuple[OutcomeKind, str]] = {
    ACCEPTED: (OutcomeKind.ACCEPTED, "done"),
    REFUSED: (OutcomeKind.REFUSED, "refused; nothing is booked"),
    NOTHING_BOOKED: (OutcomeKind.REFUSED, "nothing is booked under this message, and nothing will be"),
    OTHER_CONTENT: (OutcomeKind.REFUSED, "the message id was used for something else"),
    BUSY: (OutcomeKind.UNKNOWN, "the platform cannot say"),
}
"""infcode of an answer -> what it means here; any other is unknown."""


def msgid(pharmacy: str, requested_at: datetime, message_id: UUID) -> str:
    """Of one message, the same for a repeat."""
    local = requested_at.astimezone(ZONE)
    return f"{pharmacy[:12]:0<12}{local:%Y%m%d%H%M%S}{message_id.int % SEQUENCE_MAX:04d}"


def request(infno: str, reach: Reach, asked: Asked, said: Mapping[str, Any]) -> dict[str, Any]:
    """A message: header and input."""
    return {
        "infno": infno,
        "msgid": msgid(asked.pharmacy, asked.requested_at, asked.message_id),
        "mdtrtarea_admvs": asked.region,
        "insuplc_admdvs": reach.region,
        "recer_sys_code": "rxflow",
        "infver": "V1.0",
        "opter_type": "1",
        "opter": "rxflow",
        "opter_name": "rxflow",
        "inf_time": f"{asked.requested_at.astimezone(ZONE):%Y-%m-%d %H:%M:%S}",
        "fixmedins_code": asked.pharmacy,
        "fixmedins_name": asked.pharmacy,
        "input": dict(said),
    }


def settlement(asked: Asked, step: str | None = None) -> dict[str, Any]:
    """Input of 2101 and 2102: who, what for, and every line. `feedetl_sn` counts the lines of the claim from 1."""
    druginfo = {
        "psn_no": asked.member_number,
        "mdtrt_cert_type": "01",
        "mdtrt_cert_no": asked.credential,
        "begntime": f"{asked.requested_at.astimezone(ZONE):%Y-%m-%d %H:%M:%S}",
        "medfee_sumamt": yuan(sum(line.amount for line in asked.lines)),
        "insutype": asked.insutype,
        "med_type": asked.med_type,
        "acct_used_flag": "1",
        "medins_setl_id": str(asked.message_id),
        "setl_step": step,
    }
    return {
        "druginfo": druginfo,
        "drugdetail": [_detail(number, line, asked) for number, line in enumerate(asked.lines, start=1)],
    }


def _detail(number: int, line: ClaimLine, asked: Asked) -> dict[str, Any]:
    return {
        "feedetl_sn": str(number),
        "rxno": str(asked.prescription_id),
        "rx_circ_flag": "1",
        "fee_ocur_time": f"{asked.requested_at.astimezone(ZONE):%Y-%m-%d %H:%M:%S}",
        "med_list_codg": line.product,
        "medins_list_codg": line.product,
        "det_item_fee_sumamt": yuan(line.amount),
        "cnt": str(line.quantity),
        "pric": yuan(line.unit_price),
        "drug_trac_flag": "1" if line.traced else "0",
    }


def about(asked: Asked, original: Original, infno: str, step: str | None = None) -> dict[str, Any]:
    """Input of what is asked about an earlier message: 2103 by its setl_id, 2601 and the inquiry by its id.

    `medins_back_id` is rxflow's own: the whole id of this message, by which both sides know a taking back.
    """
    return {
        "psn_no": asked.member_number,
        "setl_id": original.reference,
        "omsgid": msgid(asked.pharmacy, original.requested_at, original.message_id),
        "oinfno": infno,
        "medins_setl_id": str(original.message_id),
        "medins_back_id": str(asked.message_id),
        "setl_step": step,
    }


def statement(infno: str, reach: Reach, said: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """A message about a day's bookings (3201, 3202, 9101); whoever sends it again asks anew."""
    return {
        "infno": infno,
        "msgid": f"{reach.insurer:0<12.12}{now.astimezone(ZONE):%Y%m%d%H%M%S}0000",
        "insuplc_admdvs": reach.region,
        "infver": "V1.0",
        "input": dict(said),
    }
