"""Prescribe on its real store: what is personal is sealed, lists come from the sealed log, each line has its proof."""

import base64
import hashlib
from pathlib import Path
from uuid import UUID, uuid4

import orjson
import sqlalchemy as sa

from contracts.events import review
from services.prescribe.adapters.paper import render
from services.prescribe.application.documents import bytes_of, document_of, keep_document, paper_of, registers_of
from services.prescribe.application.registers import KINDS
from services.prescribe.application.signed_commands import issue_prescription
from services.prescribe.application.use_cases import register_new_patient
from services.prescribe.composition import SERVICE
from services.prescribe.domain.document import DocumentKept
from services.prescribe.domain.prescription import PRESCRIPTION
from services.seedwork.register_loading import record_entries
from services.seedwork.store.tables import events
from tests.support.service_on_sqlite import ServiceOnSqlite, service_on_sqlite
from tests.unit.prescribe.conftest import DOCTOR, IDENTITY_NUMBER, Clinic, registration


def admit(prescribe: ServiceOnSqlite, clinic: Clinic) -> None:
    """The clinic's registers, as an administrator would load them."""
    for entry in clinic.store.told:
        content = entry.model_dump(mode="json") | {"valid_from": "2020-01-01"}
        for key in content["content"].get("keys", ()):
            key.update(valid_from="2020-01-01", valid_until="2999-12-31")
        row = {name: content[name] for name in ("code", "content", "valid_from")}
        assert prescribe.run(record_entries(KINDS, content["kind"], [row])).body["recorded"] == 1


def test_a_prescription_is_sealed_listed_and_traced_with_proof(clinic: Clinic, tmp_path: Path) -> None:
    with service_on_sqlite(SERVICE, tmp_path) as prescribe:
        admit(prescribe, clinic)
        registered = prescribe.run(register_new_patient(registration()), clinic.doctor())
        jws = clinic.sign(clinic.written(patient_ref=registered.body["patient_ref"], prescriber=DOCTOR))
        issued = prescribe.run(issue_prescription(jws), clinic.doctor())
        assert issued.refusal is None
        prescription_id = UUID(issued.body["prescription_id"])

        (listed,) = prescribe.find("prescriptions_of_prescriber", prescriber=DOCTOR, before=2**62, limit=10)
        (line,) = prescribe.find("trace_of", prescription_id=prescription_id)
        (loaded,) = prescribe.load(PRESCRIPTION.ref(prescription_id))

        assert (listed["prescription_id"], listed["status"]) == (prescription_id, "issued")
        assert loaded.state.signed.jws == jws
        assert loaded.state.signed.signature.sha256 == hashlib.sha256(jws.encode()).hexdigest()
        assert loaded.state.signed.patient_name == "张伟"

    engine = sa.create_engine(f"sqlite:///{tmp_path}/prescribe.db")
    with engine.connect() as connection:
        rows = list(connection.execute(sa.select(events.c.state, events.c.hash, events.c.stream_id)))
    engine.dispose()
    stored = "".join(str(row.state, "utf-8") for row in rows)
    for personal in ("张伟", IDENTITY_NUMBER, "高血压", jws):
        assert personal not in stored
    assert line["hash"] in {row.hash.hex() for row in rows}
    assert orjson.loads(orjson.dumps(line["summary"]))["prescriber"] == DOCTOR


def test_a_document_is_kept_sealed_and_comes_back_to_the_byte(clinic: Clinic, tmp_path: Path) -> None:
    with service_on_sqlite(SERVICE, tmp_path) as prescribe:
        admit(prescribe, clinic)
        registered = prescribe.run(register_new_patient(registration()), clinic.doctor())
        jws = clinic.sign(clinic.written(patient_ref=registered.body["patient_ref"], prescriber=DOCTOR))
        issued = prescribe.run(issue_prescription(jws), clinic.doctor())
        (loaded,) = prescribe.load(PRESCRIPTION.ref(UUID(issued.body["prescription_id"])))
        person, institution = (each.state for each in prescribe.load(*registers_of(loaded.state)))
        paper = paper_of(loaded.state, person, institution)
        assert paper is not None
        content = render(paper)

        assert prescribe.run(keep_document(loaded.state, content), clinic.doctor()).refusal is None

        (document,) = prescribe.load(document_of(loaded.state))
        assert bytes_of(document.state.kept) == content

    engine = sa.create_engine(f"sqlite:///{tmp_path}/prescribe.db")
    with engine.connect() as connection:
        query = sa.select(events.c.state).where(events.c.topic == DocumentKept.TOPIC)
        (stored,) = connection.execute(query).scalars()
    engine.dispose()
    assert base64.b64encode(content)[:200] not in stored
    assert hashlib.sha256(content).hexdigest().encode() in stored


def test_what_a_prescriber_released_is_stopped_when_the_registration_ends(clinic: Clinic, tmp_path: Path) -> None:
    """By a query over the list of prescriptions, which no store in memory executes."""
    with service_on_sqlite(SERVICE, tmp_path) as prescribe:
        admit(prescribe, clinic)
        registered = prescribe.run(register_new_patient(registration()), clinic.doctor())
        jws = clinic.sign(clinic.written(patient_ref=registered.body["patient_ref"], prescriber=DOCTOR))
        prescription_id = UUID(prescribe.run(issue_prescription(jws), clinic.doctor()).body["prescription_id"])
        (loaded,) = prescribe.load(PRESCRIPTION.ref(prescription_id))
        passed = review.CasePassed(
            case_id=uuid4(),
            prescription_id=prescription_id,
            patient_ref=loaded.state.signed.patient_ref,
            revision=1,
            confirmation_no=0,
            signed_sha256=loaded.state.signed.signature.sha256,
            reviewers=(),
            findings=(),
            comment=None,
        )
        assert prescribe.react(passed).refusal is None
        prescribe.catch_up()

        (entry,) = [each for each in clinic.store.told if each.code == DOCTOR]
        row = {"code": DOCTOR, "content": entry.content, "valid_from": "2020-01-01", "suspended": True}
        assert prescribe.run(record_entries(KINDS, "person", [row])).body["recorded"] == 1
        prescribe.fire()

        (loaded,) = prescribe.load(PRESCRIPTION.ref(prescription_id))
        assert (loaded.state.status, loaded.state.blocked_lines) == ("released", {1})
