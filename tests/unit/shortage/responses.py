"""A confirmed shortage in Zhejiang, its authorities, and pharmacies with shelves."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

from contracts.events.dispatch_stock import OrderLineChanged, RegisterEntryRecorded, StockChanged
from contracts.events.prescribe import RegisterEntryRecorded as DrugRecorded
from rxflow.world.identity import SigningPair, signing_pair
from services.seedwork.model import Refusal
from services.seedwork.ports import Outcome
from services.seedwork.usecase import Actor, UseCase
from services.shortage.application import responses
from services.shortage.domain.allocation import SetAllocation
from services.shortage.domain.protocol import DraftProtocol, ProtocolText, SignProtocol
from tests.unit.shortage.conftest import DRUG, HANGZHOU, Region

OTHER = "头孢克肟|胶囊剂|50mg"
PROVINCE = Actor("R330000000001", "regulator", region="330000")
DEPUTY = Actor("R330000000002", "regulator", region="330000")
CITY = Actor("R330100000001", "regulator", region="330100")
NATION = Actor("R000000000001", "regulator", region="000000")
SHAANXI = Actor("R610000000001", "regulator", region="610000")
DAY = timedelta(days=1)


def word(protocol_id: Any, digest: str) -> bytes:
    """What is signed."""
    return SignProtocol(protocol_id=UUID(str(protocol_id)), digest=digest).model_dump_json().encode()


class Shortage(Region):
    """The region with a confirmed case of grade II: the province owns it."""

    def confirmed(self) -> UUID:
        for pharmacy, county in (("P1", HANGZHOU), ("P2", HANGZHOU), ("P3", "330203")):
            self.unfilled(pharmacy, county, demand=f"line-{pharmacy}")
        assert self.case().status == "confirmed"
        return self.id()

    def decide(self, use_case: UseCase, actor: Actor = PROVINCE) -> Any:
        """The answer's body; the refusal where it is refused."""
        outcome: Outcome = self.store.run(use_case, actor)
        return outcome.refusal or outcome.body

    def text(self, **changes: Any) -> ProtocolText:
        usual = {
            "from_drug_key": DRUG,
            "to_drug_key": OTHER,
            "numerator": 1,
            "denominator": 2,
            "regions": ("33",),
            "mode": "prescriber_confirms",
            "valid_from": date(2026, 3, 2),
        }
        return ProtocolText.model_validate({**usual, **changes})

    def draft(self, actor: Actor = PROVINCE, case: UUID | None = None, **changes: Any) -> Any:
        command = DraftProtocol(case_id=case or self.id(), text=self.text(**changes))
        return self.decide(responses.draft_protocol(command), actor)

    def officer(self, person: str, organisation: str = "330000", **changes: Any) -> SigningPair:
        """The register has somebody who signs for an authority, with this key."""
        pair = signing_pair(7, f"{person}-1")
        key = {"kid": pair.kid, "jwk": pair.public_jwk, "valid_from": "2026-01-01", "valid_until": "2026-12-31"}
        content = {"name": person, "professions": ["authority"], "organisation": organisation, "registration_no": "-"}
        told = {"kind": "person", "code": person, "valid_from": date(2026, 1, 1)}
        self.store.react(DrugRecorded.model_validate({**told, "content": {**content, "keys": [key]}, **changes}))
        return pair

    def sign(self, protocol_id: Any, digest: str, actor: Actor = DEPUTY) -> Any:
        """By a key of the signer's entry."""
        pair = self.officer(actor.subject, actor.region or "")
        return self.send(protocol_id, pair.sign(word(protocol_id, digest)), actor)

    def send(self, protocol_id: Any, compact: str, actor: Actor = DEPUTY) -> Any:
        return self.decide(responses.sign_protocol(UUID(str(protocol_id)), compact), actor)

    def issued(self, **changes: Any) -> UUID:
        """A protocol in force."""
        drafted = self.draft(**changes)
        assert not isinstance(drafted, Refusal), drafted
        self.sign(drafted["protocol_id"], drafted["digest"])
        return UUID(drafted["protocol_id"])

    def limit(self, actor: Actor = PROVINCE, case: UUID | None = None, **changes: Any) -> Any:
        usual = {"case_id": case or self.id(), "region": "33", "max_days": 7, "reason": "到货不足"}
        return self.decide(responses.set_allocation(SetAllocation.model_validate({**usual, **changes})), actor)

    def pharmacy(self, code: str, *, chain: str | None = "一心堂", at: tuple[float, float] = (30.25, 120.17)) -> None:
        content = {
            "name": code,
            "region": HANGZHOU,
            "address": "-",
            "latitude": at[0],
            "longitude": at[1],
            "chain": chain,
        }
        self.store.react(
            RegisterEntryRecorded(kind="pharmacy", code=code, content=content, valid_from=date(2026, 1, 1))
        )

    def shelf(self, code: str, on_hand: int, *, dispensed: int = 0, drug: str = DRUG, **changes: Any) -> None:
        usual: dict[str, Any] = {
            "pharmacy": code,
            "region": HANGZHOU,
            "product": f"X-{drug[-5:]}",
            "drug_key": drug,
            "on_hand": on_hand,
            "reserved": 0,
            "quarantined": 0,
            "dispensed_in_day": dispensed,
            "occurred_at": self.store.time,
            "source": "own",
            "pack_size": 10,
        }
        self.store.react(StockChanged.model_validate({**usual, **changes}))

    def order(self, requested: int, filled: int, *, region: str = HANGZHOU) -> None:
        """Placed now, and what has come of it."""
        line: dict[str, Any] = {
            "order_id": uuid4(),
            "line": 1,
            "pharmacy": "P1",
            "region": region,
            "supplier": "W1",
            "product": "X",
            "drug_key": DRUG,
            "requested": requested,
            "back_ordered": 0,
            "short": 0,
            "cancelled": 0,
            "occurred_at": self.store.time,
        }
        self.react(OrderLineChanged.model_validate({**line, "change": "placed", "filled": 0, "open": requested}))
        rest = requested - filled
        self.react(OrderLineChanged.model_validate({**line, "change": "delivered", "filled": filled, "open": rest}))
