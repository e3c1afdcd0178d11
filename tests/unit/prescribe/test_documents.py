"""What was signed is given out byte for byte, and its readable document is made once."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import pypdf
import pytest
from joserfc.util import urlsafe_b64encode

from contracts.events import review
from contracts.roles import Role
from services.prescribe.api import documents, router
from services.prescribe.application.documents import Paper, document_of, keep_document, paper_of, registers_of
from services.prescribe.domain.document import DocumentKept
from services.prescribe.domain.prescription import PRESCRIPTION
from services.prescribe.domain.values import InsuranceIntent, LineIntent, TcmDiagnosis
from services.seedwork.model import PersonalClass
from services.seedwork.reference import EntryState
from services.seedwork.signing import sign_compact, sm2
from services.seedwork.store.sealing import personal_fields
from tests.support.http_caller import Caller
from tests.unit.prescribe.conftest import COLLEAGUE, DOCTOR, HOSPITAL, Clinic, line

Ask = Callable[..., httpx.Response]


@pytest.fixture
def caller(clinic: Clinic, tmp_path: Path) -> Caller:
    return Caller(clinic.store, router, tmp_path)


@pytest.fixture
def doctor(caller: Caller) -> Ask:
    token = caller.token(DOCTOR, Role.PRESCRIBER, organisation=HOSPITAL)
    return lambda path, method="GET", **more: caller(token, method, path, **more)


def text_of(response: httpx.Response) -> str:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/pdf"
    return "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(response.content)).pages)


# the exact bytes

SPELLINGS: tuple[tuple[str, Callable[[dict[str, Any]], bytes]], ...] = (
    ("spaces", lambda content: orjson.dumps(content, option=orjson.OPT_INDENT_2)),
    ("another order", lambda content: orjson.dumps(dict(reversed(content.items())))),
    ("escapes", lambda content: orjson.dumps(content).replace("高".encode(), b"\\u9ad8")),
    ("a line end", lambda content: orjson.dumps(content) + b"\n"),
)


@pytest.mark.parametrize(("_what", "spelt"), SPELLINGS, ids=[what for what, _ in SPELLINGS])
def test_what_was_signed_comes_back_byte_for_byte(
    clinic: Clinic, doctor: Ask, _what: str, spelt: Callable[[dict[str, Any]], bytes]
) -> None:
    content = clinic.written()
    jws = sign_compact(spelt(content), clinic.key.as_dict(private=True), f"{DOCTOR}-1")
    answered = doctor("/prescriptions", "POST", content=jws, headers={"Content-Type": "application/jose"})
    assert answered.status_code == 201

    given = doctor(f"/prescriptions/{content['prescription_id']}/signed")

    assert given.content == jws.encode()
    assert given.headers["content-type"] == "application/jose"
    assert hashlib.sha256(given.content).hexdigest() == answered.json()["signed_sha256"]


@pytest.mark.parametrize("by_sm2", [False, True])
@pytest.mark.parametrize(("_what", "spelt"), SPELLINGS, ids=[what for what, _ in SPELLINGS])
def test_a_signature_over_the_same_values_in_other_bytes_is_refused(
    clinic: Clinic, doctor: Ask, _what: str, spelt: Callable[[dict[str, Any]], bytes], *, by_sm2: bool
) -> None:
    private = clinic.key.as_dict(private=True)
    if by_sm2:
        if sm2.unavailable():
            pytest.skip(str(sm2.unavailable()))
        private = sm2_doctor(clinic)
    content = clinic.written()
    header, _, signature = sign_compact(orjson.dumps(content), private, f"{DOCTOR}-1").split(".")
    changed = f"{header}.{urlsafe_b64encode(spelt(content)).decode()}.{signature}"

    answered = doctor("/prescriptions", "POST", content=changed, headers={"Content-Type": "application/jose"})

    assert (answered.status_code, answered.json()["code"]) == (422, "signature.invalid")
    assert not clinic.store.loaded(PRESCRIPTION.ref(UUID(content["prescription_id"]))).exists


def sm2_doctor(clinic: Clinic) -> dict[str, Any]:
    """The doctor has an SM2 key from now on; the private JWK."""
    secret = (2020).to_bytes(32, "big")
    point = sm2.public_point(secret)
    x, y, d = (urlsafe_b64encode(part).decode() for part in (point[:32], point[32:], secret))
    public = {"kty": "EC", "crv": "SM2", "x": x, "y": y}
    key = {"kid": f"{DOCTOR}-1", "jwk": public, "valid_from": "2026-01-01", "valid_until": "2026-12-31"}
    clinic.load_person(DOCTOR, keys=[key])
    return {**public, "d": d}


# the document


def test_a_document_is_made_once_and_the_same_bytes_are_given_out_again(
    clinic: Clinic, doctor: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    prescription_id = clinic.issued()
    first = doctor(f"/prescriptions/{prescription_id}/document")
    text = text_of(first)
    for expected in ("上城区示例医院", "张伟", "高血压", "苯磺酸氨氯地平", "王芳", "待审核", str(prescription_id)):
        assert expected in text, expected
    assert first.headers["etag"] == f'"{hashlib.sha256(first.content).hexdigest()}"'

    # given: another name in the register, and a renderer that would do it otherwise
    clinic.load("institution", HOSPITAL, {"name": "改名医院", "region": "330102", "level": 3})
    monkeypatch.setattr(documents, "render", lambda _paper: pytest.fail("made again"))
    clinic.store.time += timedelta(days=400)

    assert doctor(f"/prescriptions/{prescription_id}/document").content == first.content


def test_after_the_review_one_more_is_made_with_the_pharmacists_name(clinic: Clinic, doctor: Ask) -> None:
    prescription_id = clinic.issued()
    before = doctor(f"/prescriptions/{prescription_id}/document")
    clinic.answer(prescription_id, review.CasePassed)

    after = doctor(f"/prescriptions/{prescription_id}/document")

    assert "孙丽" in text_of(after)
    assert after.content != before.content
    assert doctor(f"/prescriptions/{prescription_id}/document").content == after.content


def test_each_revision_has_its_own_document(clinic: Clinic, doctor: Ask) -> None:
    prescription_id = clinic.issued()
    first = doctor(f"/prescriptions/{prescription_id}/document")
    clinic.answer(prescription_id, review.CaseReturned)
    clinic.amend(prescription_id, diagnoses=[{"code": "E11.900", "name": "2型糖尿病"}])

    second = doctor(f"/prescriptions/{prescription_id}/document")

    assert "2型糖尿病" in text_of(second)
    assert "2型糖尿病" not in text_of(first)


def test_two_who_ask_at_once_get_the_one_that_is_kept(clinic: Clinic) -> None:
    prescription_id = clinic.issued()
    state = clinic.state(prescription_id)

    for content in (b"first", b"second"):
        assert clinic.store.run(keep_document(state, content)).refusal is None

    (kept,) = clinic.store.streams[document_of(state).stream_id]
    assert isinstance(kept, DocumentKept)
    assert kept.sha256 == hashlib.sha256(b"first").hexdigest()
    assert kept.signed_sha256 == state.signed.signature.sha256
    assert personal_fields(DocumentKept) == {"content": PersonalClass.CLINICAL}


def test_the_patient_sees_it_and_nobody_else_does(clinic: Clinic, caller: Caller) -> None:
    prescription_id = clinic.issued()
    patient = caller.token("patient-1", Role.PATIENT, patient_ref=clinic.patient_ref)
    other = caller.token("patient-2", Role.PATIENT, patient_ref=uuid4())
    colleague = caller.token(COLLEAGUE, Role.PRESCRIBER, organisation=HOSPITAL)
    pharmacist = caller.token("HY1", Role.PHARMACIST, organisation="P33010200001")
    for path in ("signed", "document"):
        asked = f"/prescriptions/{prescription_id}/{path}"
        assert caller(patient, "GET", asked).status_code == 200
        assert caller(other, "GET", asked).json()["code"] == "prescription.not_yours"
        assert caller(colleague, "GET", asked).json()["code"] == "prescription.not_yours"
        assert caller(pharmacist, "GET", asked).json()["code"] == "identity.forbidden"
        assert caller(patient, "GET", f"/prescriptions/{uuid4()}/{path}").json()["code"] == "prescription.unknown"


@pytest.mark.parametrize("kept", [False, True])
def test_with_a_forgotten_patient_both_are_gone(clinic: Clinic, doctor: Ask, *, kept: bool) -> None:
    prescription_id = clinic.issued()
    if kept:
        text_of(doctor(f"/prescriptions/{prescription_id}/document"))
    gone = {"patient_name", "facts", "diagnoses", "jws", "content"}
    for stream in clinic.store.streams.values():
        stream[:] = [event.model_copy(update=dict.fromkeys(gone & set(type(event).model_fields))) for event in stream]
    for path in ("signed", "document"):
        answered = doctor(f"/prescriptions/{prescription_id}/{path}")
        assert (answered.status_code, answered.json()["code"]) == (410, "patient.forgotten")


def test_where_nothing_could_be_kept_nothing_is_given_out(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    """A document that is not kept would be made anew the next time, with other bytes."""
    state = clinic.state(clinic.issued())

    class Forgetful:
        async def load(self, *refs: Any) -> Any:
            return tuple(clinic.store.loaded(ref) for ref in refs)

    async def seen(*_anything: Any) -> Any:
        return clinic.store.loaded(PRESCRIPTION.ref(state.signed.prescription_id))

    async def keep(_use_case: Any) -> None:
        """Lost."""

    async def in_place(work: Any, *arguments: Any) -> Any:
        return work(*arguments)

    monkeypatch.setattr(documents, "own_prescription", seen)
    with pytest.raises(documents.Refused):
        asyncio.run(
            documents.document(
                state.signed.prescription_id,
                clinic.doctor(),
                Forgetful(),  # type: ignore[arg-type]
                keep,
                in_place,
            )
        )


# what stands on it


@pytest.mark.parametrize(
    ("days", "weight", "age"),
    [
        (0, None, "0 日龄"),
        (28, 3600, "28 日龄, 3.6 kg"),
        (29, None, "1 月龄"),
        (400, 9500, "13 月龄, 9.5 kg"),
        (3 * 365 + 1, None, "3 岁"),
        (13 * 365 + 4, 40_000, "13 岁, 40.0 kg"),
        (20 * 365, 60_000, "19 岁"),
    ],
)
def test_age_is_written_as_the_form_wants_it(clinic: Clinic, days: int, weight: int | None, age: str) -> None:
    state = clinic.state(clinic.issued())
    facts = state.signed.facts
    assert facts is not None
    changed = state.signed.model_copy(
        update={"facts": facts.model_copy(update={"age_days": days, "weight_grams": weight})}
    )
    written = paper_of(PRESCRIPTION.fold([changed]), *(clinic.store.loaded(ref).state for ref in registers_of(state)))
    assert written is not None
    assert written.age == age


def test_a_line_says_dose_frequency_route_days_and_instructions(clinic: Clinic, doctor: Ask) -> None:
    lines = [line(instructions="餐后服用")]
    text = text_of(doctor(f"/prescriptions/{clinic.issued(lines=lines)}/document"))
    assert "每次 5 mg, 每日 1 次, 口服, 共 7 日; 餐后服用" in text
    assert "× 7 片" in text


def written_with(clinic: Clinic, *, line_changes: dict[str, Any] | None = None, **changes: Any) -> Paper:
    """What would be printed if the register and the policies had led to this."""
    state = clinic.state(clinic.issued())
    lines = (state.signed.lines[0].model_copy(update=line_changes or {}),)
    changed = state.signed.model_copy(update={"lines": lines, **changes})
    paper = paper_of(PRESCRIPTION.fold([changed]), *(clinic.store.loaded(ref).state for ref in registers_of(state)))
    assert paper is not None
    return paper


@pytest.mark.parametrize(
    ("changes", "directions"),
    [
        ({"per_days": 2}, "每次 5 mg, 每 2 日 1 次, 口服, 共 7 日"),
        ({"as_needed": True, "frequency_per_day": 3}, "每次 5 mg, 必要时, 每日至多 3 次, 口服, 共 7 日"),
        (
            {"solvent": "0.9%氯化钠注射液", "solvent_ml": 250, "drip_minutes": 60},
            "每次 5 mg, 每日 1 次, 口服, 共 7 日; 0.9%氯化钠注射液 250 ml, 滴注 60 分钟",
        ),
        ({"mixed_with": 1}, "每次 5 mg, 每日 1 次, 口服, 共 7 日; 与第 1 项同组"),
        ({"herb_note": "先煎", "instructions": "温服"}, "每次 5 mg, 每日 1 次, 口服, 共 7 日; 先煎; 温服"),
    ],
)
def test_directions_say_all_that_was_written(clinic: Clinic, changes: dict[str, Any], directions: str) -> None:
    (printed,) = written_with(clinic, line_changes=changes).lines
    assert printed.directions == directions


def test_a_line_is_marked_with_skin_test_split_pack_and_self_pay(clinic: Clinic) -> None:
    intent = InsuranceIntent(
        kind="general", lines=(LineIntent(line=1, kind="self_pay", self_pay_reason="patient_asks"),)
    )
    changes = {"skin_test": "negative", "split_pack": True}
    (printed,) = written_with(clinic, line_changes=changes, insurance_intent=intent).lines
    assert printed.drug.endswith("[皮试(-)] [拆零] [自费]")


def test_diagnoses_of_chinese_medicine_stand_beside_the_others(clinic: Clinic) -> None:
    found = (TcmDiagnosis(code="A17.07", name="眩晕病", syndrome="肝阳上亢证"), TcmDiagnosis(code="A04", name="心悸病"))
    paper = written_with(clinic, tcm_diagnoses=found, beyond_level_reason="夜间抢救")
    assert paper.diagnoses.endswith("(I10.x00x002); 中医: 眩晕病 肝阳上亢证 (A17.07); 中医: 心悸病 (A04)")
    assert "越级理由: 夜间抢救" in paper.reasons


def test_written_reasons_and_what_could_not_be_checked_stand_on_it(clinic: Clinic, doctor: Ask) -> None:
    prescription_id = clinic.issued(validity_days=3, validity_reason="行动不便")
    state = clinic.state(prescription_id)
    signature = state.signed.signature.model_copy(
        update={"certificate": "4f2a", "degraded": "revocation_list_outdated"}
    )
    stream = clinic.store.streams[prescription_id]
    stream[-1] = stream[-1].model_copy(update={"signature": signature})

    text = text_of(doctor(f"/prescriptions/{prescription_id}/document"))

    for expected in ("效期理由: 行动不便", "证书序列号 4f2a", "吊销列表已过期", state.signed.signature.sha256):
        assert expected in text.replace("\n", ""), expected


def test_without_register_entries_codes_stand_for_names(clinic: Clinic) -> None:
    written = paper_of(clinic.state(clinic.issued()), EntryState(), EntryState())
    assert written is not None
    assert (written.institution, written.prescriber) == (HOSPITAL, f"({DOCTOR})")
