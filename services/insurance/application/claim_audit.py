"""One claim under audit: what is known of its supply, what the rules find, and what that means for the claim."""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from typing import Any

from services.insurance.application.claim_undoing import ClaimUndoing
from services.insurance.application.registers import AUDIT_RULES, AUDIT_RULES_KIND, rules_in_force
from services.insurance.domain.accumulator import accumulator_of
from services.insurance.domain.audit.awaited_codes import know_codes
from services.insurance.domain.audit.case import FINAL, AuditFlagged, AuditState, audit_of, flag
from services.insurance.domain.audit.findings import Audited, audit
from services.insurance.domain.audit.history import HistoryState, count, history_of, take_out
from services.insurance.domain.audit.looking import before, subject, supplied
from services.insurance.domain.audit.prescription import PrescriptionState, prescription_ref
from services.insurance.domain.audit.rules import RuleSet, Stage
from services.insurance.domain.audit.subject import PastSupply, Subject
from services.insurance.domain.claim_decisions import is_undone, lift_audit, refuse_by_audit
from services.insurance.domain.claim_taking_back import Order
from services.insurance.domain.claim_transitions import QUOTED, SETTLED
from services.insurance.domain.member import member_of
from services.insurance.domain.payment import fee_of, payment_of
from services.insurance.domain.recalled_lots import RecalledLotsState, recalled_lots_ref
from services.seedwork.model import Loaded, Refusal
from services.seedwork.reference import EntryState, entry
from services.seedwork.usecase import Load


class AuditedClaim(ClaimUndoing):
    """The claim's streams and those of its audit, which are loaded with them."""

    _case: Loaded[AuditState]
    _rules: Loaded[EntryState]
    _known: Loaded[PrescriptionState]
    _year: Loaded[HistoryState]
    _year_before: Loaded[HistoryState]
    _recalls: dict[str, Loaded[RecalledLotsState]]

    def load(self) -> Generator[Load, Any, None]:
        """In one round trip. Supplies are those of the year and of the one before."""
        opened, supply, year = self.opened, self.opened.supply, self._day.year
        products = tuple(dict.fromkeys(line.product for line in opened.lines))
        found = yield from self._draft.load(
            audit_of(supply.supply_id),
            entry(AUDIT_RULES, AUDIT_RULES_KIND, self._jurisdiction),
            prescription_ref(supply.prescription_id),
            history_of(opened.patient_ref, year),
            history_of(opened.patient_ref, year - 1),
            *(recalled_lots_ref(product) for product in products),
            payment_of(opened.claim_id),
            member_of(opened.patient_ref),
            accumulator_of(opened.patient_ref, year),
            *((fee_of(supply.supply_id),) if opened.delivery_fee else ()),
        )
        self._case, self._rules, self._known, self._year, self._year_before = found[:5]
        self._recalls = dict(zip(products, found[5:], strict=False))
        yield from super().load()

    @property
    def case(self) -> AuditState:
        return self._draft.state(self._case)

    @property
    def rule_set(self) -> RuleSet:
        """The loaded set where it is in force, or the shipped one."""
        return rules_in_force(self._rules.state, self._today, self._jurisdiction)

    def count_supply(self) -> None:
        """The patient was supplied: once, in the year of the supply."""
        if self._counted() is None:
            history = self._draft.state(self._year)
            self._draft.add(self._year, count(history, self.opened.patient_ref, self._supplied()))

    def uncount_supply(self) -> None:
        """Nothing of it reached the patient, or stayed there."""
        if not is_undone(self.claim):
            return
        for year in (self._year, self._year_before):
            state, supply_id = self._draft.state(year), self.opened.supply.supply_id
            self._draft.add(year, take_out(state, self.opened.patient_ref, supply_id))

    def audited(self, stage: Stage) -> Audited:
        """What the rules of a stage find in the supply by what is known now."""
        return audit(self.rule_set, self._subject(), stage)

    def flag(self, stage: Stage, *, repeated_codes: bool = False) -> bool:
        """Look, and put on the case what was not found before; whether there was anything. No insurer, no audit."""
        insurer = self.claim.insurer
        if insurer is None:
            return False
        found = audit(self.rule_set, self._subject(repeated_codes=repeated_codes), stage)
        if not found.findings:
            return False
        supply = self.opened.supply
        flagged = AuditFlagged(
            audit_id=self._case.stream_id,
            supply_id=supply.supply_id,
            claim_id=self.opened.claim_id,
            prescription_id=supply.prescription_id,
            fulfilment_id=supply.fulfilment_id,
            patient_ref=self.opened.patient_ref,
            pharmacy=supply.pharmacy,
            insurer=insurer,
            stage=stage,
            findings=found.findings,
            unchecked=found.unchecked,
            appeal_until=self._today + timedelta(days=self.rule_set.appeal_days),
        )
        events = flag(self.case, flagged)
        self._draft.add(self._case, events)
        return bool(events)

    def audit_gate(self) -> Refusal | None:
        """Before the insurer is asked: a claim that the audit stands against is refused, one that it holds waits.

        What is found only now is put on record, so the command is not refused: the claim stays quoted.
        """
        new = self.flag("before")
        self.refuse_by_audit()
        if self.case.holds and not new:
            return Refusal("claim.audit_open", {"audit_id": str(self._case.stream_id)})
        return None

    def know_codes(self, *, repeated: bool) -> None:
        """The owners have spoken."""
        self._draft.add(self._case, know_codes(awaited=self.case.codes_awaited))
        if repeated:
            self.flag_repeat()

    def flag_repeat(self) -> None:
        """A trace code of the supply was met elsewhere, before the insurer was asked or after."""
        self.flag("before" if self.claim.state == QUOTED else "after", repeated_codes=True)
        self.refuse_by_audit()

    def refuse_by_audit(self) -> None:
        """Where the case stands against the claim before the insurer was asked."""
        if self.case.against:
            reasons = tuple(each.name for each in self.case.findings if each.grade != "hint")
            self._draft.add(self._claim, refuse_by_audit(self.claim, reasons))

    def lift_audit(self) -> bool:
        """The case was decided in the claim's favour; whether the claim had been refused for it."""
        events = lift_audit(self.claim)
        self._draft.add(self._claim, events)
        return bool(events)

    def reverse_by_audit(self) -> None:
        """What stands against a settled claim for good has it taken back (退回), in the deciding officer's name."""
        case = self.case
        if case.state != FINAL or case.stage != "after" or self.claim.state != SETTLED or self.claim.insurer is None:
            return
        officer = case.appeal_decided or case.decided
        assert officer is not None  # noqa: S101 - after settlement only a decision stands against a claim
        reasons = ", ".join(each.name for each in case.findings if each.grade != "hint")
        self.reverse("ordered", Order(officer.decided_by, f"{reasons}: {officer.reason}"))

    def _counted(self) -> PastSupply | None:
        supply_id = self.opened.supply.supply_id
        this, last = self._draft.state(self._year), self._draft.state(self._year_before)
        return this.counted(supply_id) or last.counted(supply_id)

    def _supplied(self) -> PastSupply:
        """On the day on which it was counted first."""
        counted = self._counted()
        return supplied(self.opened, self._known.state, counted.day if counted else self._today)

    def _subject(self, *, repeated_codes: bool = False) -> Subject:
        return subject(
            self.opened,
            self._supplied(),
            self._known.state,
            before(self.opened, self._draft.state(self._year), self._draft.state(self._year_before)),
            {product: lots.state for product, lots in self._recalls.items()},
            repeated_codes=repeated_codes,
        )
