"""Review on its real store: what is personal is sealed, and the queue is made from the sealed log."""

from datetime import date
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa

from contracts.events.prescribe import RegisterEntryRecorded
from services.review.application import use_cases
from services.review.composition import SERVICE
from services.review.domain.case import case_id, case_ref
from services.review.domain.commands import CodedFinding, ReturnCase, TakeCase
from services.seedwork.store.tables import events
from tests.support.service_on_sqlite import ServiceOnSqlite, service_on_sqlite
from tests.unit.review.conftest import HOSPITAL, SUN, issued, line, reviewer

FIRST_PAGE = {
    "organisation": HOSPITAL,
    "today": "2026-03-02",
    "institution": None,
    "region": None,
    "after_rank": 99,
    "after_opened_at": 0,
    "after_case_id": UUID(int=0),
}


def admit(review: ServiceOnSqlite) -> None:
    person = {"name": "孙丽", "professions": ["reviewer"], "organisation": HOSPITAL, "registration_no": "R1"}
    hospital = {"name": "上城区示例医院", "region": "330102", "level": 3}
    for kind, code, content in (("person", SUN, person), ("institution", HOSPITAL, hospital)):
        review.react(
            RegisterEntryRecorded.model_validate(
                {"kind": kind, "code": code, "content": content, "valid_from": date(2020, 1, 1)}
            )
        )


def test_a_case_goes_its_way_and_keeps_the_patients_facts_sealed(tmp_path: Path) -> None:
    with service_on_sqlite(SERVICE, tmp_path) as review:
        admit(review)
        prescription = issued(lines=[line(days=14)], long_supply_reason="患者外出")
        case = case_id(prescription.prescription_id, 1, 0)

        review.react(prescription)
        taken = review.run(use_cases.take_case(TakeCase(case_id=case), reviewer()), reviewer())
        (waiting,) = review.find("open_cases", **FIRST_PAGE, limit=10)
        command = ReturnCase(case_id=case, findings=(CodedFinding(code="1-12", lines=(1,)),), comment="请缩短疗程")
        returned = review.run(use_cases.return_case(command, reviewer()), reviewer())

        assert (taken.refusal, returned.refusal) == (None, None)
        assert (waiting["case_id"], waiting["state"], waiting["severity"]) == (case, "taken", 3)
        assert review.find("open_cases", **FIRST_PAGE, limit=10) == []
        (loaded,) = review.load(case_ref(case))
        assert loaded.state.status == "returned"
        assert loaded.state.opened.clinical.long_supply_reason == "患者外出"
        assert loaded.state.words == "请缩短疗程"

    with sa.create_engine(f"sqlite:///{tmp_path}/review.db").connect() as connection:
        stored = "".join(str(state, "utf-8") for state in connection.scalars(sa.select(events.c.state)))
    assert "患者外出" not in stored
    assert "青霉素" not in stored
    assert "请缩短疗程" not in stored
    connection.engine.dispose()
