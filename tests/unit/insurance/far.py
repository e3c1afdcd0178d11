"""Insurance in memory with an insurer beyond the network: the simulated one, behind a wire that a test may cut."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from services.insurance.adapters.in_house import InHouseInsurer
from services.insurance.adapters.national.envelope import EnvelopeKeys
from services.insurance.adapters.national.gateway import NationalGateway
from services.insurance.adapters.simulated_insurer.books import Books, Item
from services.insurance.adapters.simulated_insurer.desk import Desk
from services.insurance.adapters.simulated_insurer.insurer import Insurer
from services.insurance.adapters.simulated_insurer.journal import Journal
from services.insurance.adapters.simulated_insurer.mishaps import Mishaps
from services.insurance.adapters.simulated_payments import SimulatedPayments
from services.insurance.application.claim_inquiries import inquire, insurer_of, line_to, record_authorisation
from services.insurance.application.claim_work import Outside
from services.insurance.application.claims import authorise_claim
from services.insurance.application.members import give_standing_authorisation
from services.insurance.application.payments import pay
from services.insurance.domain.claim import CLAIM, AuthoriseClaim, ClaimState, claim_id_of, next_due
from services.insurance.domain.gateway import GatewayOutcome
from services.insurance.domain.member import member_of
from services.insurance.domain.payment import PayShare, payment_of
from services.insurance.domain.policy import POLICIES
from services.seedwork.calendar import civil_day
from services.seedwork.signing import sm2
from services.seedwork.webhooks.post import Answer, Letter
from tests.unit.insurance.memory import (
    ADMIN,
    INSURER,
    PATIENT_ACTOR,
    SUPPLY,
    Memory,
    dispensed,
    golden_member,
    insured_world,
    recorded,
)

OURS, THEIRS, OTHERS = (number.to_bytes(32, "big") for number in (7, 11, 13))
"""Private keys of a test."""
APPLICATION = EnvelopeKeys("rxflow-test-application", "a secret of this test", OURS, sm2.public_point(THEIRS))
PLATFORM = EnvelopeKeys(APPLICATION.app_id, APPLICATION.secret, THEIRS, sm2.public_point(OURS))
URL = "http://127.0.0.1:9/call"
DAYS = (date(2026, 1, 1), date(2027, 12, 31))


class Far:
    """The world and the insurer at the other end. `cut` loses the question, `mute` the answer."""

    def __init__(
        self,
        *,
        steps: str = "one_step",
        journal: Path | None = None,
        seed: int = 0,
        gateway: NationalGateway | None = None,
        url: str = URL,
        **member: Any,
    ) -> None:
        self.journal = journal
        self.seed = seed
        self.mishaps = Mishaps()
        self.cut = self.mute = False
        self.messages: list[bytes] = []
        self.held: list[bytes] = []
        self.gone_wrong: dict[str, int] = {}
        self.start()
        self._monotonic = 0.0
        self.gateway = gateway or NationalGateway(lambda _insurer: APPLICATION, self._wire, self._now, self._passed)
        self.memory: Memory = insured_world(
            Outside(InHouseInsurer(), SimulatedPayments(), POLICIES, {"national": self.gateway}), **member
        )
        content = {"name": "省医保", "region": "310100", "interface": "national", "steps": steps, "url": url}
        self.memory.run(recorded("insurer", INSURER, content, date(2020, 1, 1)), ADMIN)
        self.memory.told.clear()

    def start(self) -> None:
        """The insurer's process, with what its journal holds."""
        kept = None if self.journal is None else Journal(self.journal)
        self.books: Books = Books() if kept is None else kept.books
        insurer = Insurer("310100", self.books, (lambda _record: None) if kept is None else kept.keep)
        self.desk = Desk(insurer, PLATFORM, self.mishaps, self.seed)

    def may_go_wrong(self, mishaps: Mishaps) -> None:
        self.mishaps = self.desk.mishaps = mishaps

    def _now(self) -> Any:
        return self.memory.time

    def _passed(self) -> float:
        """Of the gateway's own clock: whenever it is asked it has rested enough."""
        return self._monotonic

    def _wire(self, letter: Letter) -> Answer:
        self.messages.append(letter.body)
        if self.cut:
            return Answer(None, "no_connection")
        reply = self.desk.receive(letter.body, self.memory.time)
        return Answer(None, "time_out") if self.mute or reply.late else Answer(reply.status, body=reply.body)

    def deliver(self, body: bytes) -> None:
        """A message that was held up on its way arrives after all."""
        self.desk.receive(body, self.memory.time)

    # people and the clock

    def hear(self, supply: UUID = SUPPLY, **changed: Any) -> None:
        self.memory.hear(dispensed(supply_id=supply, **changed))

    def ask(self, supply: UUID = SUPPLY, attempt: int = 1, credential: str = "card-1") -> GatewayOutcome | None:
        """The patient's credential, as the api does it: the request is saved, then sent, then the answer saved."""
        claim_id = claim_id_of(supply, attempt)
        self.memory.run(
            authorise_claim(AuthoriseClaim(claim_id=claim_id, credential=credential), self.memory.outside),
            PATIENT_ACTOR,
        )
        return self.send(supply, attempt, credential)

    def send(self, supply: UUID = SUPPLY, attempt: int = 1, credential: str = "card-1") -> GatewayOutcome | None:
        claim = self.memory.claim(attempt, supply)
        assert claim.opened is not None
        if claim.message_id is None or claim.requested_at is None:
            return None
        memory = self.memory
        self._monotonic += 60.0
        line = line_to(
            claim,
            memory.state(member_of(claim.opened.patient_ref)),
            memory.state(insurer_of(claim)),
            memory.outside,
            POLICIES.on(civil_day(memory.time), "cn"),
        )
        outcome = line.ask("authorise", claim.message_id, claim.requested_at, credential)
        memory.run(record_authorisation(claim.opened.claim_id, claim.message_id, outcome, memory.outside))
        return outcome

    def stand(self) -> None:
        """The patient's standing authorisation."""
        self.memory.run(give_standing_authorisation(PATIENT_ACTOR), PATIENT_ACTOR)

    def pay(self, supply: UUID = SUPPLY, attempt: int = 1) -> None:
        payment = payment_of(claim_id_of(supply, attempt)).stream_id
        self.memory.run(pay(PayShare(payment_id=payment, reference="WX-0001"), self.memory.outside), PATIENT_ACTOR)

    def tick(self, by: timedelta = timedelta()) -> None:
        """The clock moves on, and whatever is due of any claim is done."""
        self.memory.time += by
        self._monotonic += 60.0
        for stream_id, ref in list(self.memory.refs.items()):
            if ref.aggregate is CLAIM and any(due <= self.memory.time for due in self.due(stream_id)):
                self.memory.run(inquire(stream_id, self.memory.outside))

    def due(self, claim_id: UUID) -> list[Any]:
        state: ClaimState = self.memory.state(CLAIM.ref(claim_id))
        return list(next_due(state).values())

    def rest(self, ticks_max: int = 60) -> None:
        """Nothing goes wrong any more, and the clock does what is left to do."""
        self.may_go_wrong(Mishaps())
        self.cut = self.mute = False
        for _ in range(ticks_max):
            if not any(self.due(stream) for stream, ref in self.memory.refs.items() if ref.aggregate is CLAIM):
                return
            self.tick(timedelta(minutes=16))
        raise AssertionError("something is asked for ever")

    # both sides' books

    def ours(self) -> dict[tuple[str, bool], tuple[int, int, int]]:
        """What the claims say that this insurer has booked, and what of it was taken back, by message."""
        sums: dict[tuple[str, bool], tuple[int, int, int]] = {}
        for stream_id, ref in self.memory.refs.items():
            state = self.memory.state(ref) if ref.aggregate is CLAIM else None
            if state is None or state.reference is None or state.adjudication is None or not counts(state):
                continue
            amounts = state.adjudication
            found = (amounts.total, amounts.fund, amounts.paid_by("acct"))
            sums[str(state.message_id), False] = found
            if state.state in {"voided", "reversed"}:
                sums[str(state.message_id), True] = (-found[0], -found[1], -found[2])
            assert stream_id == state.opened.claim_id
        return sums

    def theirs(self) -> dict[tuple[str, bool], tuple[int, int, int]]:
        """What the insurer has booked; a booking that was taken back before we heard of it is nobody's."""
        items: list[Item] = self.books.items(*DAYS)
        return {(item.medins_setl_id, item.back): (item.total, item.fund, item.account) for item in items}


def counts(state: ClaimState) -> bool:
    """Whether an insurer has booked it, as far as the claim knows: in two steps only what was settled."""
    if state.interface.steps == "one_step":
        return True
    return state.settled_on is not None


__all__ = ["APPLICATION", "OTHERS", "PLATFORM", "THEIRS", "URL", "Far", "golden_member"]
