"""Sets the stage: registers, members and stock of the demo world in an installation."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from contracts.registers import OWNER
from rxflow.client import Problem
from rxflow.play.cast import Cast
from rxflow.world import Lot, Patient, Store, World, registration_of
from rxflow.world.catalogue import load_lists

T = TypeVar("T")

ORDER = (
    "insurer",
    "institution",
    "drug",
    "person",
    "review_agreement",
    "pharmacy",
    "courier",
    "designation",
    "catalogue_entry",
)
"""What others refer to comes first."""
NOT_YET_KNOWN = frozenset(
    {
        "product.unknown",
        "person.not_qualified",
        "pharmacy.not_admitted",
        "courier.not_admitted",
        "case.reviewer_not_registered",
        "case.institution_not_admitted",
        "member.unknown_insurer",
    }
)
"""Refusals by a service that a register entry has not reached yet."""
ACCOUNT_BALANCE_FEN = 2_000
DEDUCTIBLE_USED_FEN = 19_500
"""Little is left of the deductible, so that the pooled fund has something to pay."""


class StageNotSet(Exception):  # noqa: N818
    """The owner of a register refused an entry of the demo world."""


@dataclass(frozen=True)
class Admitted:
    """A patient of the world as the installation knows them."""

    patient: Patient
    patient_ref: UUID


class Stage:
    """The demo world in one installation. Stock is booked in where and when it is needed."""

    def __init__(self, cast: Cast, new_lock: Callable[[], Any] = threading.Lock) -> None:
        self.cast = cast
        self.world: World = cast.world
        self._lock = new_lock()
        self._shelves: dict[tuple[str, str], list[_OnShelf]] = {}
        self._of_one_item: defaultdict[tuple[str, str], Any] = defaultdict(new_lock)

    def load_registers(self, told: Callable[[str, int], None] = lambda _kind, _count: None) -> None:
        """Every register of the world to its owner. The same again changes nothing."""
        administrator = self.cast.administrator()
        for kind in ORDER:
            entries = [entry.as_json() for entry in self.world.entries(kind)]
            owner: Any = OWNER.get(kind, "insurance")
            wrong = [problem for problem in administrator.record(owner, kind, entries) if problem]
            if wrong:
                raise StageNotSet(f"{kind}: {len(wrong)} of {len(entries)} refused, the first: {wrong[0]}")
            told(kind, len(entries))

    def load_lists(self) -> None:
        """Which drugs cannot be replaced, and which stand on a national list, as soon as shortage knows the drugs."""
        administrator, rows = self.cast.administrator(), load_lists()

        def attempt() -> bool:
            answers = administrator.import_reports("drug_lists", rows, {})
            wrong = {error for each in answers for error in each.get("errors", ())}
            if wrong - {"report.drug_unknown"}:
                raise StageNotSet(f"drug_lists: {', '.join(sorted(wrong))}")
            return not wrong

        self.cast.wait_until(attempt, "the drugs of the lists to be known")

    def admit(self, patient: Patient) -> Admitted:
        """Registered with prescribe, known to the insurer, with a standing authorisation."""
        administrator = self.cast.administrator()
        patient_ref = administrator.register_patient(registration_of(patient))
        today = self.world.as_of.isoformat()
        member = {
            "patient_ref": str(patient_ref),
            "as_of": today,
            "insurer": patient.insurer,
            "insutype": patient.scheme,
            "psn_type": patient.person_type,
            "account_balance": ACCOUNT_BALANCE_FEN if patient.scheme == "310" else 0,
            "deductible_used": DEDUCTIBLE_USED_FEN,
            "insured_from": "2020-01-01",
        }
        self.once_known(lambda: administrator.import_member(member))
        self.cast.patient(patient_ref).give_standing_authorisation()
        return Admitted(patient, patient_ref)

    def take_packs(self, store: Store, product: str, quantity: int) -> list[dict[str, Any]]:
        """Whole packs for this many base units off the shelf, as they are scanned: first expired first."""
        self.stock_up(store, product)
        with self._lock:
            return _pick(self._shelves[store.code, product], quantity)

    def stock_up(self, store: Store, product: str) -> None:
        """Books the world's lots of a product in, once per pharmacy."""
        item = store.code, product
        with self._lock:
            lock = self._of_one_item[item]
        with lock:
            if item in self._shelves:
                return
            lots = self.world.lots(store.code, product)
            pharmacy = self.cast.pharmacy(store)
            for lot in lots:
                self.once_known(lambda lot=lot: pharmacy.receive_stock(_receipt(lot)))  # type: ignore[misc]
            with self._lock:
                self._shelves[item] = [_OnShelf(lot, list(lot.trace_codes)) for lot in lots]

    def once_known(self, action: Callable[[], T]) -> T:
        """Does it as soon as the register entries it needs have arrived; every try is an intent of its own."""

        def attempt() -> tuple[T] | None:
            try:
                return (action(),)
            except Problem as problem:
                if problem.code in NOT_YET_KNOWN:
                    return None
                raise

        return self.cast.wait_until(attempt, "a register entry to arrive")[0]


@dataclass
class _OnShelf:
    lot: Lot
    codes: list[str]


def _pick(shelf: list[_OnShelf], quantity: int) -> list[dict[str, Any]]:
    """From the lots that expire first; raises ValueError where whole packs do not make up the quantity."""
    picked = []
    missing = quantity
    for place, on_shelf in enumerate(shelf):
        packs = min(len(on_shelf.codes), missing // on_shelf.lot.pack_size)
        if packs:
            codes, on_shelf.codes = on_shelf.codes[:packs], on_shelf.codes[packs:]
            missing -= packs * on_shelf.lot.pack_size
            picked.append(
                {
                    "product": on_shelf.lot.product,
                    "quantity": packs * on_shelf.lot.pack_size,
                    "lot": on_shelf.lot.lot,
                    "expiry": on_shelf.lot.expires_on.isoformat(),
                    "trace_codes": codes,
                    # an earlier lot may be in the books again: its packs are not here
                    **({"lot_reason": "not_found"} if place else {}),
                }
            )
    if missing:
        raise ValueError(f"{missing} of {quantity} base units are no whole packs on this shelf")
    return picked


def _receipt(lot: Lot) -> dict[str, Any]:
    return {
        "product": lot.product,
        "lot": lot.lot,
        "expiry": lot.expires_on.isoformat(),
        "quantity": lot.quantity,
        "unit_price": lot.unit_price,
    }
