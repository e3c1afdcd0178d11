"""Insurance in memory, with an insurer, a catalogue and a member of the golden example's figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid5

from contracts.envelope import IntegrationEvent
from contracts.events.dispatch import DesignationInForce, DispensedLine, SupplyDispensed, SupplyReceived, SupplyUndone
from contracts.events.dispatch_returned import SupplyTakenBack
from contracts.values import LineBuckets
from services.insurance.adapters.in_house import InHouseInsurer
from services.insurance.adapters.simulated_payments import SimulatedPayments
from services.insurance.application.claim_work import Outside
from services.insurance.application.members import load_member
from services.insurance.application.reactions import reactions
from services.insurance.application.registers import KINDS
from services.insurance.composition import SERVICE
from services.insurance.domain.accumulator import YearFigures
from services.insurance.domain.claim import ClaimState, claim_of
from services.insurance.domain.member import ImportMember, MemberFacts
from services.insurance.domain.payment import PaymentState, payment_of
from services.insurance.domain.policy import POLICIES
from services.seedwork.model import NAMESPACE, Refusal
from services.seedwork.ports import Outcome
from services.seedwork.register_loading import record_entries
from services.seedwork.usecase import Actor, UseCase
from tests.support.store_in_memory import StoreInMemory, enveloped

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
PATIENT = UUID(int=1)
SUPPLY = UUID(int=2)
PRESCRIPTION = UUID(int=3)
FULFILMENT = UUID(int=4)
PHARMACY = "P31010100001"
INSURER = "I310100"
JIA, YI, BING = "XA01AAA001A001010100001", "XB01BBB002B001010100002", "XC01CCC003C001010100003"

ADMIN = Actor("admin", "system_admin")
PATIENT_ACTOR = Actor("patient-1", "patient", patient_ref=PATIENT)
PHARMACIST = Actor("pharmacist-1", "pharmacist", organisation=PHARMACY)
OFFICER = Actor("officer-1", "insurance_officer", organisation=INSURER)


@dataclass
class CountedIds:
    count: int = 0

    def new(self) -> UUID:
        self.count += 1
        return uuid5(NAMESPACE, f"test:{self.count}")


class Memory(StoreInMemory):
    """The store of one insurance service, and the world outside it."""

    def __init__(self, outside: Outside | None = None) -> None:
        super().__init__(SERVICE, NOW, ids=CountedIds())
        self.outside = outside or Outside(InHouseInsurer(), SimulatedPayments(), POLICIES)

    def run(self, use_case: UseCase, actor: Actor | None = None) -> Outcome:
        """The answer of a use case that is not refused."""
        outcome = self.attempt(use_case, actor)
        assert outcome.refusal is None, outcome.refusal
        return outcome

    def refused(self, use_case: UseCase, actor: Actor | None = None) -> Refusal:
        """The refusal of a use case that is refused."""
        before = len(self.log)
        outcome = self.attempt(use_case, actor)
        assert outcome.refusal is not None
        assert len(self.log) == before
        return outcome.refusal

    def attempt(self, use_case: UseCase, actor: Actor | None = None) -> Outcome:
        """Decides, whatever comes of it; the books balance after every event."""
        before = len(self.log)
        outcome = super().run(use_case, actor)
        for recorded in self.log[before:]:
            assert sum(posting.amount for posting in getattr(recorded.event, "postings", ())) == 0
        return outcome

    async def execute(self, use_case: UseCase, *, actor: Actor, **_trace: Any) -> Outcome:
        return self.attempt(use_case, actor)

    def hear(self, event: IntegrationEvent) -> None:
        """Dispatch tells something."""
        self.run(reactions(self.outside)[type(event)](event, enveloped(event, self.time)))

    def claim(self, attempt: int = 1, supply: UUID = SUPPLY) -> ClaimState:
        state: ClaimState = self.state(claim_of(supply, attempt))
        return state

    def payment(self, attempt: int = 1, supply: UUID = SUPPLY) -> PaymentState:
        state: PaymentState = self.state(payment_of(claim_of(supply, attempt).stream_id))
        return state

    def names_told(self) -> list[str]:
        """The wire names of what was said, in order."""
        return [event.TYPE for event in self.told]


def recorded(kind: str, code: str, content: dict[str, Any], since: date = date(2026, 1, 1), **more: Any) -> UseCase:
    """One entry of a register, loaded."""
    row = {"code": code, "content": content, "valid_from": since, **more}
    return record_entries(KINDS, kind, [row], plain=True)


def insured_world(outside: Outside | None = None, **member: Any) -> Memory:
    """An insurer, a catalogue and a member with the golden example's figures."""
    memory = Memory(outside)
    since = date(2020, 1, 1)
    contents: list[tuple[str, str, dict[str, Any]]] = [
        ("insurer", INSURER, {"name": "市医疗保障局", "region": "310100"}),
        ("catalogue_entry", JIA, {"name": "甲类药", "drug_list_class": "甲"}),
        (
            "catalogue_entry",
            YI,
            {"name": "乙类药", "drug_list_class": "乙", "payment_standard": 4500, "first_self_pay_bp": 1000},
        ),
        ("catalogue_entry", BING, {"name": "丙类药", "drug_list_class": "丙"}),
    ]
    for kind, code, content in contents:
        memory.run(recorded(kind, code, content, since), ADMIN)
    memory.run(load_member(golden_member(**member)), ADMIN)
    memory.told.clear()
    return memory


def golden_member(**changed: Any) -> ImportMember:
    facts: dict[str, Any] = {
        "insurer": INSURER,
        "insutype": "390",
        "psn_type": "居民",
        "assistance": "低保",
        "account_balance": 6000,
        "insured_from": date(2020, 1, 1),
    }
    as_of = changed.pop("as_of", date(2026, 3, 1))
    figures = changed.pop("figures", YearFigures(deductible_used=15000, pooled_paid=0))
    return ImportMember(patient_ref=PATIENT, as_of=as_of, facts=MemberFacts(**{**facts, **changed}), figures=figures)


def dispensed_line(line: int, product: str, packs: int, unit_price: int, **changed: Any) -> DispensedLine:
    fields: dict[str, Any] = {
        "line": line,
        "product": product,
        "generic_name": f"药{line}",
        "drug_key": f"药{line}|片剂|1mg",
        "quantity": packs * 10,
        "pack_size": 10,
        "packs": packs,
        "lot": "L1",
        "expiry": date(2028, 1, 1),
        "trace_codes": tuple(f"8{line:06d}{pack:013d}" for pack in range(packs)),
        "unit_price": unit_price,
        "amount": packs * unit_price,
    }
    return DispensedLine(**{**fields, **changed})


GOLDEN_LINES = (
    dispensed_line(1, JIA, 2, 2550),
    dispensed_line(2, YI, 3, 4800),
    dispensed_line(3, BING, 1, 3000),
)
ALL_BACK = ((1, 20), (2, 30), (3, 10))
NO_BUCKETS: tuple[LineBuckets, ...] = ()


def dispensed(**changed: Any) -> SupplyDispensed:
    fields: dict[str, Any] = {
        "prescription_id": PRESCRIPTION,
        "fulfilment_id": FULFILMENT,
        "supply_id": SUPPLY,
        "hold_id": UUID(int=5),
        "fill_no": 1,
        "pharmacy": PHARMACY,
        "region": "310101",
        "way": "counter",
        "patient_ref": PATIENT,
        "insurance_intent": "pooled_outpatient",
        "designations": (DesignationInForce(insurer=INSURER, channels=("定点", "门诊统筹")),),
        "self_pay_only": False,
        "prescription_revision": 1,
        "lines": GOLDEN_LINES,
        "reviewer": "HY31010100000001",
        "preparer": "preparer-1",
        "checker": "checker-1",
        "buckets": NO_BUCKETS,
    }
    return SupplyDispensed(**{**fields, **changed})


def received(accepted: tuple[tuple[int, int], ...] = ALL_BACK, supply: UUID = SUPPLY) -> SupplyReceived:
    return SupplyReceived(
        prescription_id=PRESCRIPTION,
        fulfilment_id=FULFILMENT,
        supply_id=supply,
        accepted=tuple({"line": line, "quantity": quantity} for line, quantity in accepted),
        collector_kind="patient",
        identity_checked=True,
        buckets=NO_BUCKETS,
    )


def undone(back: tuple[tuple[int, int], ...] = ALL_BACK, supply: UUID = SUPPLY) -> SupplyUndone:
    return SupplyUndone(
        prescription_id=PRESCRIPTION,
        fulfilment_id=FULFILMENT,
        supply_id=supply,
        lines=tuple({"line": line, "quantity": quantity, "bucket": "remaining"} for line, quantity in back),
        why="given_up",
        disposition="restocked",
        buckets=NO_BUCKETS,
    )


def taken_back(back: tuple[tuple[int, int], ...] = ALL_BACK, supply: UUID = SUPPLY) -> SupplyTakenBack:
    return SupplyTakenBack(
        prescription_id=PRESCRIPTION,
        fulfilment_id=FULFILMENT,
        supply_id=supply,
        pharmacy=PHARMACY,
        lines=tuple({"line": line, "quantity": quantity, "bucket": "replaceable"} for line, quantity in back),
        why="quality",
        replace_until=datetime(2026, 12, 31, tzinfo=UTC),
        buckets=NO_BUCKETS,
    )
