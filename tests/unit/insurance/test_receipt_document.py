"""The receipt as PDF: every amount with its rule by line and payer, a code to compare with, made once and kept."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pypdf
import pytest

from contracts.roles import Role
from services.insurance.adapters.paper import render
from services.insurance.api import receipts, router
from services.insurance.application.claims import authorise_claim, choose_self_pay_for_claim, order_reversal
from services.insurance.application.payments import pay
from services.insurance.application.receipts import keep_receipt, receipt_of, receipt_paper
from services.insurance.domain.amounts import PayerAmount
from services.insurance.domain.claim import AuthoriseClaim, ChooseSelfPay, OrderReversal, claim_id_of
from services.insurance.domain.kept_receipt import ReceiptKept
from services.insurance.domain.payment import PayShare, payment_of
from services.seedwork.forgotten import PatientForgotten, forgotten_ref
from services.seedwork.forgotten_copies import keep_forgotten
from services.seedwork.model import PersonalClass
from services.seedwork.paper import QrCode
from services.seedwork.reference import EntryState
from services.seedwork.store.sealing import personal_fields
from tests.support.http_caller import Caller
from tests.unit.insurance.memory import (
    INSURER,
    OFFICER,
    PATIENT,
    PATIENT_ACTOR,
    PHARMACY,
    SUPPLY,
    Memory,
    dispensed,
    insured_world,
    received,
    recorded,
)

CLAIM = claim_id_of(SUPPLY, 1)
PATH = f"/claims/{CLAIM}/receipt/document"


def settled(memory: Memory) -> Memory:
    memory.hear(dispensed())
    memory.run(authorise_claim(AuthoriseClaim(claim_id=CLAIM, credential="token-1"), memory.outside), PATIENT_ACTOR)
    share = PayShare(payment_id=payment_of(CLAIM).stream_id, reference="WX-1")
    memory.run(pay(share, memory.outside), PATIENT_ACTOR)
    memory.hear(received())
    return memory


class Desk:
    """Asks for the document as somebody."""

    def __init__(self, memory: Memory, keys: Path) -> None:
        self.memory, self._call = memory, Caller(memory, router, keys)

    def get(self, path: str = PATH, role: Role = Role.PATIENT, **claims: Any) -> httpx.Response:
        who = claims or {"patient_ref": PATIENT}
        return self._call(self._call.token("somebody", role, **who), "GET", path)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(settled(insured_world()), tmp_path)


def text_of(content: bytes) -> str:
    return "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages).replace("\n", "")


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def test_the_golden_receipt_says_each_amount_with_its_rule(desk: Desk) -> None:
    answered = desk.get()
    text, state = text_of(answered.content), desk.memory.claim()
    assert answered.headers["content-type"] == "application/pdf"
    for expected in (
        "市医疗保障局",
        INSURER,
        PHARMACY,
        str(CLAIM),
        str(state.receipt_sha256),
        "药1",
        "51.00",
        "144.00",
        "超限价 9.00",
        "先行自付 13.50",
        "符合范围 121.50",
        "全自费 30.00",
        "统筹基金 73.50",
        "医疗救助 49.50",
        "个人账户 60.00",
        "个人现金 42.00",
        "费用总额 225.00",
        "基金支付合计 123.00",
        "2026-03-02",
    ):
        assert expected in text, expected
    assert state.adjudication is not None
    rules = {share.rule for line in state.adjudication.lines for share in line.payers}
    rules |= {line.over_limit.rule for line in state.adjudication.lines if line.over_limit.amount}
    for rule in rules:
        assert rule in text, rule
    assert "作废" not in text


def test_every_payer_of_every_line_stands_on_it(desk: Desk) -> None:
    state = desk.memory.claim()
    assert state.adjudication is not None
    paper = receipt_paper(state, EntryState())
    assert [[(share.what, share.amount, share.rule) for share in line.payers] for line in paper.lines] == [
        [(name_of(share), f"{share.amount // 100}.{share.amount % 100:02d}", share.rule) for share in line.payers]
        for line in state.adjudication.lines
    ]


def name_of(share: PayerAmount) -> str:
    names = {"hifp": "统筹基金", "maf": "医疗救助", "acct": "个人账户", "patient": "个人现金"}
    return names[share.payer]


def test_it_is_made_once_and_the_same_bytes_are_given_out_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    first = desk.get()
    assert first.headers["etag"] == f'"{hashlib.sha256(first.content).hexdigest()}"'
    renamed = recorded("insurer", INSURER, {"name": "改名局", "region": "310100"})
    desk.memory.run(renamed)
    monkeypatch.setattr(receipts, "render", lambda _paper: pytest.fail("made again"))
    desk.memory.time += timedelta(days=400)
    assert desk.get().content == first.content
    officer = desk.get(role=Role.INSURANCE_OFFICER, organisation=INSURER)
    assert officer.content == first.content


def test_a_reversed_claim_has_a_document_that_says_so(desk: Desk) -> None:
    before = desk.get()
    order = OrderReversal(claim_id=CLAIM, reason="查实违规")
    desk.memory.run(order_reversal(order, desk.memory.outside), OFFICER)
    after = desk.get()
    assert desk.memory.claim().state == "reversed"
    assert "已冲正, 本单作废" in text_of(after.content)
    assert after.content != before.content
    assert desk.get().content == after.content


def test_who_has_paid_alone_has_a_receipt_too(tmp_path: Path) -> None:
    memory = insured_world()
    memory.hear(dispensed())
    chosen = ChooseSelfPay(claim_id=CLAIM, consent="paper-1")
    memory.run(choose_self_pay_for_claim(chosen, memory.outside), PATIENT_ACTOR)
    share = PayShare(payment_id=payment_of(CLAIM).stream_id, reference="WX-1")
    memory.run(pay(share, memory.outside), PATIENT_ACTOR)
    memory.hear(received())
    text = text_of(Desk(memory, tmp_path).get().content)
    assert "自费" in text
    assert "个人现金 225.00" in text


def test_only_the_claims_parties_get_it_and_only_of_a_settled_claim(desk: Desk, tmp_path: Path) -> None:
    assert desk.get(role=Role.PHARMACIST, organisation=PHARMACY).status_code == 200
    assert code(desk.get(role=Role.PHARMACIST, organisation="P33010200001")) == (403, "claim.not_yours")
    assert code(desk.get(patient_ref=uuid4())) == (403, "claim.not_yours")
    assert code(desk.get(f"/claims/{UUID(int=9)}/receipt/document")) == (404, "claim.unknown")
    memory = insured_world()
    memory.hear(dispensed())
    assert code(Desk(memory, tmp_path / "other").get()) == (409, "claim.not_settled")


@pytest.mark.parametrize("kept", [False, True])
def test_with_a_forgotten_patient_it_is_gone(desk: Desk, *, kept: bool) -> None:
    if kept:
        assert desk.get().status_code == 200
        (made,) = kept_of(desk.memory)
        stream = desk.memory.streams[receipt_of(desk.memory.claim()).stream_id]
        stream[:] = [made.model_copy(update={"content": None})]
    else:
        desk.memory.run(keep_forgotten(PatientForgotten(patient_ref=PATIENT), None))
        assert desk.memory.loaded(forgotten_ref(PATIENT)).state.forgotten
    assert code(desk.get()) == (410, "patient.forgotten")


def kept_of(memory: Memory) -> Iterator[ReceiptKept]:
    for event in memory.streams[receipt_of(memory.claim()).stream_id]:
        assert isinstance(event, ReceiptKept)
        yield event


def test_two_who_ask_at_once_get_the_one_that_is_kept(desk: Desk) -> None:
    state = desk.memory.claim()
    for content in (b"first", b"second"):
        desk.memory.run(keep_receipt(state, content))
    (kept,) = kept_of(desk.memory)
    assert kept.sha256 == hashlib.sha256(b"first").hexdigest()
    assert personal_fields(ReceiptKept) == {"content": PersonalClass.FINANCIAL}


def test_where_nothing_could_be_kept_nothing_is_given_out(desk: Desk) -> None:
    class Reading:
        async def load(self, *refs: Any) -> Any:
            return tuple(desk.memory.loaded(ref) for ref in refs)

    async def lost(_use_case: Any) -> None:
        """Not kept."""

    async def in_place(work: Any, *arguments: Any) -> Any:
        return work(*arguments)

    with pytest.raises(receipts.Refused):
        asyncio.run(receipts.get_receipt_document(CLAIM, PATIENT_ACTOR, Reading(), lost, in_place))  # type: ignore[arg-type]


def test_the_code_names_claim_and_digest_and_the_same_content_gives_the_same_bytes(desk: Desk) -> None:
    state = desk.memory.claim()
    paper = receipt_paper(state, EntryState())
    assert paper.verification == f"urn:rxflow:receipt:{CLAIM}:sha256:{state.receipt_sha256}"
    assert QrCode(paper.verification, 70).rows
    assert paper.insurer == INSURER
    assert render(paper) == render(paper)


def test_what_is_to_be_claimed_at_home_and_the_next_attempt_are_told(desk: Desk) -> None:
    state = desk.memory.claim()
    assert state.adjudication is not None
    home = (PayerAmount(payer="maf", amount=1234, rule="p/maf"),)
    away = state.adjudication.model_copy(update={"at_home": home})
    changed = type(state)(**{**vars(state), "adjudication": away, "state": "reversed", "replaced_by": 2})
    text = text_of(render(receipt_paper(changed, EntryState())))
    assert "医疗救助 12.34" in text
    assert "回参保地报销" in text
    assert "由第 2 次结算替代" in text


def test_a_claim_that_is_not_settled_has_no_receipt_to_print() -> None:
    memory = insured_world()
    memory.hear(dispensed())
    with pytest.raises(LookupError, match="no receipt"):
        receipt_paper(memory.claim(), EntryState())
