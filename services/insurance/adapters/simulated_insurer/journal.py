"""The simulated insurer's journal: a line per change, on the disk before the change is made. A process that was killed
finds its books again; what was not written to its end was never answered and never happened.

The payer's file of a day is made from the journal alone: nothing of rxflow's own books is in it.
"""

from __future__ import annotations

import csv
import os
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Self

from services.insurance.adapters.national.money import yuan
from services.insurance.adapters.simulated_insurer.books import Books, Record

COLUMNS = ("msgid", "refd_setl_flag", "medfee_sumamt", "fund_pay_sumamt", "acct_pay")
"""Of the file of a day, as the national platform names them; `msgid` is the number that the institution gave."""


class Journal:
    """One file, written by one process."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.books, whole = _read(path)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        os.ftruncate(self._file, whole)
        os.lseek(self._file, 0, os.SEEK_END)

    def keep(self, record: Record) -> None:
        """For good when it returns."""
        os.write(self._file, record.line())
        os.fsync(self._file)

    def close(self) -> None:
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()


def _read(path: Path) -> tuple[Books, int]:
    """What is whole in a journal, and how many bytes that are."""
    books, whole = Books(), 0
    if not path.exists():
        return books, whole
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                break
            books.apply(Record.read(line))
            whole += len(line)
    return books, whole


def write_day(journal: Path, day: date, out: Path) -> int:
    """The file of what was booked and taken back on a day, beside a process that goes on; how many lines it has."""
    items = _read(journal)[0].items(day, day)
    with out.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for item in items:
            amounts = (yuan(abs(amount)) for amount in (item.total, item.fund, item.account))
            rows.writerow((item.number, "1" if item.back else "0", *amounts))
    return len(items)
