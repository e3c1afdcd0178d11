"""A process of insurance at its own stores, with patients who are insured and what was dispensed to them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

from contracts.events.dispatch import DispensedLine
from services.insurance.adapters.in_house import InHouseInsurer
from services.insurance.adapters.simulated_payments import SimulatedPayments
from services.insurance.application.claim_work import Outside
from services.insurance.application.claims import Dispensed, note_supply_received, open_for_supply
from services.insurance.application.members import give_standing_authorisation, load_member
from services.insurance.application.payments import pay
from services.insurance.application.reactions import claim_lines
from services.insurance.application.registers import KINDS
from services.insurance.composition import SERVICE
from services.insurance.domain.accumulator import YearFigures
from services.insurance.domain.catalogue import CatalogueEntry
from services.insurance.domain.claim import claim_id_of
from services.insurance.domain.claim_values import LineQuantity
from services.insurance.domain.entitlement import DesignationInForce, Supply
from services.insurance.domain.member import ImportMember, MemberFacts
from services.insurance.domain.payment import PayShare, payment_of
from services.insurance.domain.policy import POLICIES, FurtherFund, InsurancePolicy, PolicyRow, PooledFund, Tier
from services.seedwork.policies import Jurisdictions, Policies
from services.seedwork.register_loading import record_entries
from services.seedwork.settings import Settings
from services.seedwork.store.batch import Batch
from services.seedwork.store.drivers import Driver
from services.seedwork.store.executor import perform
from services.seedwork.store.opening import blocking_database, store_core
from services.seedwork.store.work import Context, StoreCore, Work
from services.seedwork.usecase import Actor, UseCase

SINCE = date(2020, 1, 1)
INSURER, PHARMACY, REGION = "I310100", "P31010100001", "310101"
PAYERS = 8
PRODUCTS = {
    f"X{number:02}A01AA{number:03}A0101010000{number}": CatalogueEntry(name=f"药{number}", **terms)
    for number, terms in enumerate(
        (
            {"drug_list_class": "甲"},
            {"drug_list_class": "乙", "payment_standard": 4500, "first_self_pay_bp": 1000},
            {"drug_list_class": "乙", "first_self_pay_bp": 500},
            {"drug_list_class": "甲", "payment_standard": 9000},
            {"drug_list_class": "丙"},
        ),
        start=1,
    )
}
POLICY = PolicyRow(
    id="bench",
    insuplc="310100",
    insutype="390",
    psn_types=("居民",),
    med_types=("门诊统筹",),
    medins_lv=(1,),
    valid_from=SINCE,
    deductible=10_000,
    pooled=PooledFund(ratio_bp=5000, annual_cap=150_000),
    further=(
        FurtherFund(payer="cvlserv", ratio_bp=1000, supplement="civil_servant"),
        FurtherFund(payer="hifmi", tiers=(Tier(above=0, ratio_bp=1500), Tier(above=20_000, ratio_bp=3000))),
        FurtherFund(payer="hifob", ratio_bp=500),
        FurtherFund(payer="maf", by_assistance={"低保": 3000}),
        FurtherFund(payer="commercial", ratio_bp=2000, supplement="commercial"),
    ),
)
"""With the pooled fund, the personal account and the patient they are eight who pay."""
FACTS = MemberFacts(
    insurer=INSURER,
    insutype="390",
    psn_type="居民",
    assistance="低保",
    supplements=("civil_servant", "commercial"),
    account_balance=2_000,
    insured_from=SINCE,
)


def prices() -> tuple[DispensedLine, ...]:
    """Five lines, of each two packs."""
    return tuple(
        DispensedLine(
            line=number,
            product=product,
            generic_name=entry.name,
            drug_key=f"{entry.name}|片剂|1mg",
            quantity=20,
            pack_size=10,
            packs=2,
            lot="L1",
            expiry=date(2030, 1, 1),
            trace_codes=(),
            no_code_reason="not_yet_coded",
            unit_price=3_000 + 977 * number,
            amount=2 * (3_000 + 977 * number),
        )
        for number, (product, entry) in enumerate(PRODUCTS.items(), start=1)
    )


LINES = claim_lines(prices())


def supply() -> Dispensed:
    """Something dispensed to a new patient."""
    return Dispensed(
        patient_ref=uuid4(),
        supply=Supply(
            supply_id=uuid4(),
            prescription_id=uuid4(),
            prescription_revision=1,
            fulfilment_id=uuid4(),
            fill_no=1,
            pharmacy=PHARMACY,
            region=REGION,
            insurance_intent="pooled_outpatient",
            designations=(DesignationInForce(insurer=INSURER, channels=("定点", "门诊统筹")),),
            self_pay_only=False,
        ),
        lines=LINES,
    )


def policies() -> Jurisdictions[InsurancePolicy]:
    """Everywhere the benchmark's row, from the beginning on."""
    shipped = POLICIES.of("cn").versions[-1]
    version = InsurancePolicy.model_validate({**shipped.model_dump(), "rows": (POLICY.model_dump(),)})
    return Jurisdictions({"cn": Policies[InsurancePolicy](jurisdiction="cn", versions=(version,))})


class Put(Exception):  # noqa: N818 - not an error
    """A batch that was kept instead of saved."""


class Insurance:
    """A process of insurance at its store; `saving`: the seconds its database has spent saving so far."""

    def __init__(self, core: StoreCore, driver: Driver) -> None:
        self._core, self._driver = core, driver
        self.saving = 0.0
        self.outside = Outside(InHouseInsurer(), SimulatedPayments(), policies())
        self._save = driver.database.save
        driver.database.save = self._timed  # type: ignore[method-assign]
        self._kept: list[Batch] | None = None

    def _timed(self, batch: Batch) -> list[int]:
        if self._kept is not None:
            self._kept.append(batch)
            raise Put
        started = time.perf_counter()
        try:
            return self._save(batch)
        finally:
            self.saving += time.perf_counter() - started

    def save(self, batch: Batch) -> None:
        self._save(batch)

    def settled(self, supply_id: UUID) -> Batch:
        """What settling would save, without saving it."""
        self._kept = []
        with suppress(Put):
            self.settle(supply_id)
        (batch,), self._kept = self._kept, None
        return batch

    def run(self, use_case: UseCase, actor: Actor) -> None:
        outcome = self._driver.run(perform(self._core, Work(use_case, Context(actor, "bench", "bench"))))
        assert outcome.refusal is None, outcome.refusal

    def load_registers(self) -> None:
        admin = Actor("admin", "system_admin")
        entries: list[tuple[str, str, dict[str, Any]]] = [
            ("insurer", INSURER, {"name": "市医保局", "region": "310100"})
        ]
        entries += [("catalogue_entry", product, entry.model_dump()) for product, entry in PRODUCTS.items()]
        for kind, code, content in entries:
            row = {"code": code, "content": content, "valid_from": SINCE}
            self.run(record_entries(KINDS, kind, [row]), admin)

    def dispensed(self) -> Dispensed:
        """A supply whose patient is insured."""
        dispensed = supply()
        figures = YearFigures(deductible_used=5_000, pooled_paid=0)
        member = ImportMember(
            patient_ref=dispensed.patient_ref, as_of=datetime.now(UTC).date(), facts=FACTS, figures=figures
        )
        self.run(load_member(member), Actor("admin", "system_admin"))
        return dispensed

    def quote(self, dispensed: Dispensed) -> None:
        self.run(open_for_supply(dispensed, self.outside), Actor.service(SERVICE.name))

    def cleared(self) -> UUID:
        """A supply whose claim is authorised and whose patient has paid."""
        dispensed = self.dispensed()
        patient = Actor("patient", "patient", patient_ref=dispensed.patient_ref)
        self.run(give_standing_authorisation(patient), patient)
        self.quote(dispensed)
        payment = payment_of(claim_id_of(dispensed.supply.supply_id, 1)).stream_id
        self.run(pay(PayShare(payment_id=payment, reference="bench-1"), self.outside), patient)
        return dispensed.supply.supply_id

    def settle(self, supply_id: UUID) -> None:
        """The patient has it."""
        accepted = tuple(LineQuantity(line=line.line, quantity=line.quantity) for line in LINES)
        self.run(note_supply_received(supply_id, accepted, self.outside), Actor.service(SERVICE.name))


@contextmanager
def insurance(settings: Settings) -> Iterator[Insurance]:
    """Insurance at work on an installation's stores."""
    with ExitStack() as running:
        urls = (settings.service_database_url(SERVICE.name), settings.keyring_database_url)
        database, keyring = (blocking_database(url, 1) for url in urls)
        for each in (database, keyring):
            each.open()
            running.callback(each.close)
        yield Insurance(store_core(SERVICE, settings), Driver(database, keyring))
