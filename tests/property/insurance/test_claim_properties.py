"""Whatever is asked of the claims of a supply, in whatever order: money follows the goods and the books balance."""

from __future__ import annotations

from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from services.insurance.application.claims import authorise_claim, choose_self_pay_for_claim
from services.insurance.application.members import give_standing_authorisation, withdraw_standing_authorisation
from services.insurance.application.payments import pay
from services.insurance.domain.accumulator import accumulator_of
from services.insurance.domain.claim import AuthoriseClaim, ChooseSelfPay, ClaimState, claim_id_of
from services.insurance.domain.ledger import negated
from services.insurance.domain.member import member_of
from services.insurance.domain.payment import PaymentState, PayShare, payment_of
from tests.unit.insurance.memory import PATIENT, PATIENT_ACTOR, dispensed, insured_world, received, undone

SUPPLIES = st.sampled_from((UUID(int=10), UUID(int=11)))
ATTEMPTS = st.integers(1, 3)
OPEN_STATES = {"authorised", "authorised(cleared)"}


class ClaimsOfOneMember(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.memory = insured_world()

    @rule(supply=SUPPLIES, intent=st.sampled_from(("pooled_outpatient", "self_pay", "chronic_disease")))
    def dispense(self, supply: UUID, intent: str) -> None:
        self.memory.hear(dispensed(supply_id=supply, insurance_intent=intent))

    @rule(given=st.booleans())
    def standing(self, given: bool) -> None:
        ask = give_standing_authorisation if given else withdraw_standing_authorisation
        self.memory.attempt(ask(PATIENT_ACTOR), PATIENT_ACTOR)

    @rule(supply=SUPPLIES, attempt=ATTEMPTS, credential=st.sampled_from((None, "token-1")))
    def authorise(self, supply: UUID, attempt: int, credential: str | None) -> None:
        command = AuthoriseClaim(claim_id=claim_id_of(supply, attempt), credential=credential)
        self.memory.attempt(authorise_claim(command, self.memory.outside), PATIENT_ACTOR)

    @rule(supply=SUPPLIES, attempt=ATTEMPTS)
    def pay_alone(self, supply: UUID, attempt: int) -> None:
        command = ChooseSelfPay(claim_id=claim_id_of(supply, attempt), consent="paper-1")
        self.memory.attempt(choose_self_pay_for_claim(command, self.memory.outside), PATIENT_ACTOR)

    @rule(supply=SUPPLIES, attempt=ATTEMPTS, reference=st.sampled_from(("WX-1", "WX-2", "DECLINE-1")))
    def pay_share(self, supply: UUID, attempt: int, reference: str) -> None:
        payment_id = payment_of(claim_id_of(supply, attempt)).stream_id
        share = PayShare(payment_id=payment_id, reference=reference)
        self.memory.attempt(pay(share, self.memory.outside), PATIENT_ACTOR)

    @rule(supply=SUPPLIES)
    def hand_over(self, supply: UUID) -> None:
        self.memory.hear(received(supply=supply))

    @rule(supply=SUPPLIES)
    def take_back(self, supply: UUID) -> None:
        self.memory.hear(undone(supply=supply))

    def claims(self) -> list[tuple[ClaimState, PaymentState]]:
        return [
            (self.memory.claim(attempt, supply), self.memory.payment(attempt, supply))
            for supply in (UUID(int=10), UUID(int=11))
            for attempt in range(1, 7)
        ]

    @invariant()
    def the_books_balance(self) -> None:
        for claim, _ in self.claims():
            assert sum(posting.amount for posting in claim.postings) == 0

    @invariant()
    def a_reversal_is_the_exact_negation_last_first(self) -> None:
        for claim, _ in self.claims():
            if claim.state == "reversed":
                half = len(claim.postings) // 2
                assert claim.postings[half:] == negated(claim.postings[:half])
                assert [posting.amount for posting in claim.postings[half:]] == [
                    -posting.amount for posting in reversed(claim.postings[:half])
                ]

    @invariant()
    def what_a_taken_back_claim_booked_is_nothing_and_it_keeps_no_money(self) -> None:
        for claim, payment in self.claims():
            if claim.state not in {"voided", "reversed"}:
                continue
            balances: dict[str, int] = {}
            for posting in claim.postings:
                balances[posting.account] = balances.get(posting.account, 0) + posting.amount
            assert not any(balances.values())
            assert payment.state in {"-", "failed", "refunded"}

    @invariant()
    def each_payers_account_holds_what_the_claim_says_of_it(self) -> None:
        for claim, _ in self.claims():
            if claim.state not in {"authorised", "authorised(cleared)", "settled"} or claim.adjudication is None:
                continue
            debits: dict[str, int] = {}
            for posting in claim.postings:
                if posting.account.startswith("receivable.") and posting.amount > 0:
                    payer = posting.account.split(".")[1]
                    debits[payer] = debits.get(payer, 0) + posting.amount
            assert debits == {share.payer: share.amount for share in claim.adjudication.payers}

    @invariant()
    def only_what_was_received_and_paid_is_settled(self) -> None:
        for claim, payment in self.claims():
            if claim.state == "settled":
                assert claim.in_hands
                assert payment.state == ("paid" if claim.patient_share else "-")

    @invariant()
    def a_supply_has_one_living_claim(self) -> None:
        for supply in (UUID(int=10), UUID(int=11)):
            living = [self.memory.claim(attempt, supply).state for attempt in range(1, 7)]
            assert len([state for state in living if state not in {"-", "voided", "reversed"}]) <= 1

    @invariant()
    def reservations_are_those_of_authorised_claims(self) -> None:
        open_claims = {
            claim.opened.claim_id
            for claim, _ in self.claims()
            if claim.opened and claim.state in OPEN_STATES and claim.insurer
        }
        accumulator = self.memory.loaded(accumulator_of(PATIENT, 2026)).state
        member = self.memory.loaded(member_of(PATIENT)).state
        assert set(accumulator.reserved) <= open_claims
        assert set(member.reserved) <= open_claims
        assert accumulator.used.deductible_used <= 20000
        assert member.spent + sum(member.reserved.values()) <= 6000


TestClaimsOfOneMember = ClaimsOfOneMember.TestCase
TestClaimsOfOneMember.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
