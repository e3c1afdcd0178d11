"""What an insurer has booked on a day, against ours: totals first (3201), items where they differ (3202).

Ours are sent by message, in parts; what both sides agree on is not listed.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from services.insurance.adapters.national import messages
from services.insurance.adapters.national.money import Unreadable, fen, yuan
from services.insurance.domain.payer_items import Figures, Item, Listed, message_key

EQUAL, MORE_OURS = "000000", "000102"
"""stmt_rslt: 平, 医药机构多."""
PART_ROWS = 1_000
"""Of ours in one message; sealed they are some 200 KiB."""

Ask = Callable[[str, Mapping[str, Any]], Mapping[str, Any] | None]
"""Sends one transaction; what the insurer answers, None where it does not."""


def equal_totals(ask: Ask, day: date, figures: Figures) -> bool | None:
    """3201; None where it is not answered."""
    said = {
        **_on(day),
        "fixmedins_setl_cnt": str(figures.count),
        "medfee_sumamt": yuan(figures.total),
        "fund_pay_sumamt": yuan(figures.fund),
        "acct_pay": yuan(figures.account),
    }
    output = ask(messages.TOTALS, said)
    told = output.get("stmtinfo") if output is not None else None
    return told.get("stmt_rslt") == EQUAL if isinstance(told, Mapping) else None


def differing(ask: Ask, day: date, ours: Sequence[Item]) -> list[Listed] | None:
    """9101 and 3202; None where they are not answered, or not understood."""
    number = None
    for part in _parts(ours):
        text = "".join("\t".join(_row(each)) + "\n" for each in part)
        said = {"in": base64.b64encode(text.encode()).decode(), "file_qury_no": number}
        uploaded = ask(messages.UPLOAD, said)
        number = None if uploaded is None else uploaded.get("file_qury_no")
        if not isinstance(number, str):
            return None
    output = ask(messages.ITEMS, {**_on(day), "file_qury_no": number})
    rows = output.get("result") if output is not None else None
    if not isinstance(rows, list):
        return None
    try:
        return [_listed(row) for row in rows]
    except (KeyError, TypeError, AttributeError, Unreadable):
        return None


def _parts(ours: Sequence[Item]) -> list[Sequence[Item]]:
    """At least one: a day on which we have nothing is compared, too."""
    return [ours[first : first + PART_ROWS] for first in range(0, len(ours) or 1, PART_ROWS)]


def _row(item: Item) -> tuple[str, ...]:
    return str(item.key), "1" if item.total < 0 else "0", *map(yuan, item[1:])


def _listed(row: Mapping[str, Any]) -> Listed:
    total, fund, account = (fen(row[name]) for name in ("medfee_sumamt", "fund_pay_sumamt", "acct_pay"))
    missing = row["stmt_rslt"] == MORE_OURS
    back = row["refd_setl_flag"] == "1"
    return Listed(message_key(str(row["medins_setl_id"])), back, None if missing else (total, fund, account))


def _on(day: date) -> dict[str, str]:
    return {"stmt_begndate": day.isoformat(), "stmt_enddate": day.isoformat(), "all_fixmedins": "1"}
