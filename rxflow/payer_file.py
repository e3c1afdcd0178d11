"""A payer's file of a day's bookings (3202, 9101), of any size: read as a stream, sorted on disk, cut in parts.

Columns as the national platform names them; `msgid`, `refd_setl_flag`, `medfee_sumamt`, `fund_pay_sumamt` and
`acct_pay` are needed, others are ignored. A payment provider's file has `out_trade_no`, `out_refund_no` (empty: a
payment) and `amount` instead. Comma or tab, UTF-8 or GB18030, amounts in yuan with at most two decimals. A line that is
wrong makes the file no basis for a close: it is refused with the line's number. Repetitions are kept, because a booking
that stands there twice is a difference.
"""

from __future__ import annotations

import csv
import heapq
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NamedTuple, Self
from uuid import UUID

from rxflow.bulk_loading import encoding_of
from rxflow.loading import Unloadable
from services.insurance.domain.payer_items import message_key

ROWS_MAX = 10_000_000
RUN_ROWS = 100_000
"""In memory at once; a day of ten million is a hundred runs."""
RUNS_AT_ONCE = 8
"""So many are made into one, and so many of those into a longer one: each open one takes memory and a descriptor."""
MSGID_CHARACTERS_MAX = 64
_AMOUNT = re.compile(r"(-?)(\d{1,14})(?:\.(\d{1,2}))?")


class PayerRow(NamedTuple):
    """One booking; `key` is its place in the order of the file that both sides keep. Fen; negative: taken back."""

    key: UUID
    msgid: str
    total: int
    fund: int
    account: int


def fen(text: str) -> int | None:
    """Yuan as written, in fen; None for what is no amount or too precise."""
    found = _AMOUNT.fullmatch(text.strip())
    if found is None:
        return None
    amount = int(found[2]) * 100 + int((found[3] or "").ljust(2, "0"))
    return -amount if found[1] else amount


class Form(NamedTuple):
    """A kind of file: the columns that are needed, and what their cells say; a complaint where they are wrong."""

    needed: tuple[str, ...]
    read: Callable[[Sequence[str]], PayerRow | str]


def _payers_row(cells: Sequence[str]) -> PayerRow | str:
    msgid, flag, *written = cells
    amounts = [fen(text) for text in written]
    if not 0 < len(msgid) <= MSGID_CHARACTERS_MAX or flag not in {"0", "1"} or None in amounts:
        return "msgid, refd_setl_flag (0 or 1) and amounts in yuan are needed"
    known = [amount for amount in amounts if amount is not None]
    if flag == "0" and min(known) < 0:
        return "a booking with a negative amount that takes nothing back"
    # Some write what was taken back with a minus, some with the flag alone.
    total, fund, account = (-abs(amount) for amount in known) if flag == "1" else known
    return PayerRow(message_key(msgid), msgid, total, fund, account)


def _providers_row(cells: Sequence[str]) -> PayerRow | str:
    payment, refund, written = cells
    number, amount = refund or payment, fen(written)
    if not 0 < len(number) <= MSGID_CHARACTERS_MAX or amount is None:
        return "out_trade_no or out_refund_no, and an amount in yuan, are needed"
    if not refund and amount < 0:
        return "a payment with a negative amount"
    # As with payers, with a minus or without.
    return PayerRow(message_key(number), number, -abs(amount) if refund else amount, 0, 0)


PAYERS = Form(("msgid", "refd_setl_flag", "medfee_sumamt", "fund_pay_sumamt", "acct_pay"), _payers_row)
PROVIDERS = Form(("out_trade_no", "out_refund_no", "amount"), _providers_row)


def read_rows(path: Path, form: Form = PAYERS) -> Iterator[PayerRow]:
    """The lines of the file, in its own order. Raises Unloadable."""
    with path.open(encoding=encoding_of(path), newline="") as file:
        first = file.readline()
        delimiter = "\t" if "\t" in first else ","
        header = [name.strip() for name in next(csv.reader([first], delimiter=delimiter), [])]
        if lacking := [name for name in form.needed if name not in header]:
            raise Unloadable(f"{path} lacks the columns {', '.join(lacking)}")
        places = [header.index(name) for name in form.needed]
        reader = csv.reader(file, delimiter=delimiter)
        try:
            for number, cells in enumerate(reader):
                if number >= ROWS_MAX:
                    raise Unloadable(f"{path} has more than {ROWS_MAX} lines")
                if cells:
                    row: PayerRow | str = f"{len(cells)} cells instead of {len(header)}"
                    if len(cells) == len(header):
                        row = form.read([cells[place].strip() for place in places])
                    if isinstance(row, str):
                        raise Unloadable(f"{path}, line {reader.line_num + 1}: {row}")
                    yield row
        except csv.Error as error:
            raise Unloadable(f"{path}, line {reader.line_num + 1}: {error}") from error


@dataclass
class SortedFile:
    """The file's rows in ascending order and what they sum to. At most a run of rows is in memory at once."""

    directory: Path
    run_rows: int = RUN_ROWS
    count: int = 0
    total: int = 0
    fund: int = 0
    account: int = 0
    _levels: list[list[Path]] = field(default_factory=list)
    """Runs, then what was made of several, and so on."""

    @classmethod
    def of(cls, rows: Iterable[PayerRow], directory: Path, run_rows: int = RUN_ROWS) -> Self:
        """Reads all rows once; runs of them are kept in the directory."""
        made = cls(directory, run_rows)
        run: list[PayerRow] = []
        for row in rows:
            made.count += 1
            made.total += row.total
            made.fund += row.fund
            made.account += row.account
            run.append(row)
            if len(run) >= run_rows:
                made._keep(run)
        made._keep(run)
        return made

    def _keep(self, run: list[PayerRow]) -> None:
        if not run:
            return
        run.sort()
        made = self._written(run)
        run.clear()
        for level in self._levels:
            level.append(made)
            if len(level) < RUNS_AT_ONCE:
                return
            made = self._written(_merged(level))
            for each in level:
                each.unlink()
            level.clear()
        self._levels.append([made])

    def _written(self, rows: Iterable[PayerRow]) -> Path:
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=self.directory, delete=False, newline="") as file:
            csv.writer(file).writerows((row.key.hex, *row[1:]) for row in rows)
        return Path(file.name)

    @property
    def runs(self) -> list[Path]:
        """Files, each in order; a few more for ten times the rows."""
        return [run for level in self._levels for run in level]

    @property
    def totals(self) -> dict[str, int]:
        """As a day's totals are told."""
        return {"count": self.count, "total": self.total, "fund": self.fund, "account": self.account}

    def rows(self) -> Iterator[PayerRow]:
        """All rows, ascending."""
        yield from _merged(self.runs)

    def parts(self, size: int) -> Iterator[tuple[list[PayerRow], bool]]:
        """Stretches of about so many rows, repetitions of one id together; and whether it is the last."""
        part: list[PayerRow] = []
        for row in self.rows():
            if len(part) >= size and part[-1].key != row.key:
                yield part, False
                part = []
            part.append(row)
        yield part, True


def _merged(runs: Iterable[Path]) -> Iterator[PayerRow]:
    with ExitStack() as stack:
        files = [stack.enter_context(run.open(encoding="utf-8", newline="")) for run in runs]
        yield from heapq.merge(*map(_run, files))


def _run(file: IO[str]) -> Iterator[PayerRow]:
    for key, msgid, total, fund, account in csv.reader(file):
        yield PayerRow(UUID(key), msgid, int(total), int(fund), int(account))
