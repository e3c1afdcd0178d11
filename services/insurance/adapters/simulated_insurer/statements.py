"""What the simulated insurer says of a day: totals compared (3201), items compared (3202)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from services.insurance.adapters.national.money import fen, yuan
from services.insurance.adapters.simulated_insurer.books import Books, Item

EQUAL, DIFFERENT, MORE_HERE = "000000", "000103", "000102"
"""stmt_rslt: 平; 不一致; 医药机构多 (as one public integration codes them)."""
ONLY_HERE, ONLY_THERE, UNEQUAL = "only with the insurer", "only with the institution", "amounts differ"
FILES_MAX = 100
ROWS_MAX = 200_000
SAID_MAX = 1_001
"""Lines of an answer: whoever differs more than that has another day."""
COLUMNS = ("medins_setl_id", "refd_setl_flag", "medfee_sumamt", "fund_pay_sumamt", "acct_pay")


class _Key(NamedTuple):
    """A booking and its taking back are two lines, each by the institution's number of its message."""

    medins_setl_id: str
    back: bool


class Statements:
    """The comparisons over the books."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._files: dict[str, str] = {}
        self._uploaded = 0

    def upload(self, said: Mapping[str, Any], _message: Mapping[str, Any]) -> Mapping[str, Any]:
        """9101: keeps a file of tab-separated lines, or adds to the one that is named; the oldest of too many goes."""
        text = base64.b64decode(said.get("in", ""), validate=True).decode()
        if known := said.get("file_qury_no"):
            self._files[known] += text
            return {"file_qury_no": known}
        self._uploaded += 1
        number = f"F{self._uploaded:08d}"
        self._files[number] = text
        while len(self._files) > FILES_MAX:
            del self._files[next(iter(self._files))]
        return {"file_qury_no": number}

    def totals(self, said: Mapping[str, Any], message: Mapping[str, Any]) -> Mapping[str, Any]:
        """3201: are count and sums of the days the same on both sides?"""
        items = self._items(said, message)
        ours = (
            len(items),
            sum(item.total for item in items),
            sum(item.fund for item in items),
            sum(item.account for item in items),
        )
        theirs = (
            int(said["fixmedins_setl_cnt"]),
            fen(said["medfee_sumamt"]),
            fen(said["fund_pay_sumamt"]),
            fen(said["acct_pay"]),
        )
        return {"stmtinfo": {"stmt_rslt": EQUAL if ours == theirs else DIFFERENT}}

    def items(self, said: Mapping[str, Any], message: Mapping[str, Any]) -> Mapping[str, Any]:
        """3202: the lines that are not the same on both sides, each as it stands here, or as it was sent."""
        here = {_Key(item.number, item.back): item for item in self._items(said, message)}
        there = dict(_read(line) for line in self._files[said["file_qury_no"]].splitlines()[:ROWS_MAX])
        different = [
            _said(key, here.get(key), there.get(key))
            for key in sorted({*here, *there})
            if _sums(here.get(key)) != there.get(key)
        ]
        return {"result": different[:SAID_MAX]}

    def _items(self, said: Mapping[str, Any], message: Mapping[str, Any]) -> list[Item]:
        days = date.fromisoformat(said["stmt_begndate"]), date.fromisoformat(said["stmt_enddate"])
        pharmacy = str(message.get("fixmedins_code"))
        return self._books.items(*days, None if said.get("all_fixmedins") == "1" else pharmacy)


def _sums(item: Item | None) -> tuple[int, int, int] | None:
    return None if item is None else (item.total, item.fund, item.account)


def _read(line: str) -> tuple[_Key, tuple[int, int, int]]:
    name, flag, *sums = line.split("\t")
    total, fund, account = map(fen, sums)
    return _Key(name, flag == "1"), (total, fund, account)


def _said(key: _Key, here: Item | None, there: tuple[int, int, int] | None) -> Mapping[str, Any]:
    sums = _sums(here) or there or (0, 0, 0)
    return {
        "medins_setl_id": key.medins_setl_id,
        "refd_setl_flag": "1" if key.back else "0",
        "stmt_rslt": MORE_HERE if here is None else DIFFERENT,
        "memo": ONLY_THERE if here is None else ONLY_HERE if there is None else UNEQUAL,
        **dict(zip(COLUMNS[2:], map(yuan, sums), strict=True)),
    }
