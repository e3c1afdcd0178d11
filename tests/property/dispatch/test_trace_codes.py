"""Codes read as themselves and nothing crashes; a code is sold once, whatever the order."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from stdnum import ean

from services.dispatch.domain import trace_code
from services.dispatch.domain.codes.reading import SPELLINGS, PackCode, read_code
from services.dispatch.domain.trace_code import TRACE_CODES, TraceCodeState
from services.dispatch.domain.trace_code_events import PackFacts
from services.seedwork.model import Refusal

TODAY = date(2026, 3, 2)
GS1_CHARACTERS = "".join(chr(code) for code in range(33, 127) if chr(code) not in "#$@[\\]^`{|}~")
SERIALS = st.text(GS1_CHARACTERS, min_size=1, max_size=20).filter(lambda text: not any(s in text for s in SPELLINGS))
GTINS = st.from_regex(r"0[1-9][0-9]{11}", fullmatch=True).map(lambda body: body + ean.calc_check_digit(body))
EXPIRIES = st.dates(date(2026, 1, 1), date(2049, 12, 31))
NATIONAL = st.from_regex(r"8[0-9]{19}", fullmatch=True)


@given(st.one_of(st.text(max_size=200), st.text("0123456789()\x1d ]d2", max_size=80), NATIONAL))
def test_whatever_is_scanned_is_read_or_refused_and_reads_as_itself(scanned: str) -> None:
    found = read_code(scanned, TODAY)

    if isinstance(found, PackCode):
        again = read_code(found.normal, TODAY)
        assert isinstance(again, PackCode)
        assert (again.normal, again.kind, again.product) == (found.normal, found.kind, found.product)
    else:
        assert found.code.startswith("trace_code.")


@given(GTINS, SERIALS, st.text(GS1_CHARACTERS, min_size=1, max_size=20), EXPIRIES, st.permutations([0, 1, 2, 3]))
def test_a_gs1_code_comes_back_as_it_was_written(
    gtin: str, serial: str, lot: str, expiry: date, order: list[int]
) -> None:
    assume(not any(spelling in lot for spelling in SPELLINGS))
    elements = [f"01{gtin}", f"17{expiry:%y%m%d}", f"10{lot}\x1d", f"21{serial}\x1d"]

    found = read_code("".join(elements[place] for place in order), TODAY)

    assert isinstance(found, PackCode)
    assert (found.normal, found.product) == (f"01{gtin}21{serial}", f"gtin:{gtin}")
    assert found.is_of(lot, expiry)


@given(NATIONAL)
def test_a_national_code_comes_back_as_it_was_written(code: str) -> None:
    found = read_code(code, TODAY)

    assert isinstance(found, PackCode)
    assert (found.normal, found.product) == (code, f"cn:{code[:7]}")


CODE = "81234567890123456789"
SUPPLIES = st.integers(1, 4).map(lambda number: UUID(int=number))
PHARMACIES = st.sampled_from(("P1", "P2"))
FATES = st.sampled_from(("freed", "locked", "spent"))


class Registry(RuleBasedStateMachine):
    """One code under any order of scans, sales, undoings, returns and quarantines in two pharmacies."""

    pack_size = 10

    def __init__(self) -> None:
        super().__init__()
        self.state = TraceCodeState()
        self.given: dict[UUID, int] = {}
        self.gone = 0

    def _apply(self, outcome: object) -> bool:
        if isinstance(outcome, Refusal):
            return False
        self.state = TRACE_CODES.fold(outcome, self.state)  # type: ignore[arg-type]
        return bool(outcome)

    @rule(supply=SUPPLIES, pharmacy=PHARMACIES, quantity=st.sampled_from((3, 7, 10)))
    def scan(self, supply: UUID, pharmacy: str, quantity: int) -> None:
        if supply in self.given:  # a supply is prepared once
            return
        before = self.state
        pack = PackFacts(code=CODE, pharmacy=pharmacy, product="X", pack_size=self.pack_size, lot="L")
        outcome = trace_code.scan(self.state, supply, pack, quantity)
        if isinstance(outcome, Refusal) and outcome.code == "trace_code.repeated":
            assert before.used
        if self._apply(outcome):
            assert not before.used or before.pack.pharmacy == pharmacy  # type: ignore[union-attr]

    @rule(supply=SUPPLIES)
    def unscan(self, supply: UUID) -> None:
        self._apply(trace_code.unscan(self.state, supply))

    @rule(supply=SUPPLIES)
    def sell(self, supply: UUID) -> None:
        quantity = self.state.scanned_quantity
        if self._apply(trace_code.sell(self.state, supply, CODE)):
            self.given[supply] = quantity

    @rule(supply=SUPPLIES, fate=FATES)
    def end(self, supply: UUID, fate: trace_code.Fate) -> None:
        if self._apply(trace_code.end_sale(self.state, supply, fate)) and fate == "freed":
            del self.given[supply]
        elif fate == "spent" and supply in self.state.spent:
            assert not trace_code.end_sale(self.state, supply, "freed"), "what is spent is never sold again"

    @rule(pharmacy=PHARMACIES)
    def come_back(self, pharmacy: str) -> None:
        outcome = trace_code.check_return(self.state, CODE, pharmacy)
        if not isinstance(outcome, Refusal):
            assert self.state.pack is not None
            assert self.state.pack.pharmacy == pharmacy

    @invariant()
    def no_more_than_the_pack_holds_is_ever_out(self) -> None:
        assert sum(self.given.values()) <= self.pack_size
        assert self.state.used == sum(self.given.values())
        assert self.state.pack is None or 0 <= self.state.left <= self.pack_size


TestRegistry = Registry.TestCase
