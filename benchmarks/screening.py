"""Screening five lines against twenty current medicines, against loading an aggregate of a hundred events."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa

from benchmarks.measuring import Figure, interleaved
from services.review.composition import SERVICE
from services.review.domain.case import case_ref
from services.review.domain.events import CaseOpened, CasePutBack, CaseTaken
from services.review.domain.knowledge.files import shipped_sets
from services.review.domain.policy import CN
from services.review.domain.screening import Subject, screen
from services.review.domain.values import (
    ClinicalFacts,
    Diagnosis,
    Line,
    Medicine,
    PatientFacts,
    Prescriber,
    Reviewer,
)
from services.seedwork.model import DomainEvent, Loaded
from services.seedwork.settings import Settings
from services.seedwork.store.drivers import Driver
from services.seedwork.store.executor import Context, Work, load, perform
from services.seedwork.store.opening import blocking_database, store_core
from services.seedwork.store.schema import create_tables
from services.seedwork.usecase import Actor, Decision, Moment, UseCase

DAY = date(2026, 3, 2)
NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
EVENTS = 100
CASE = UUID(int=100)
SECONDS = 0.4
PRESCRIBED = (
    ("华法林钠", "3", "mg", "B01AA03"),
    ("阿托伐他汀钙", "20", "mg", "C10AA05"),
    ("苯磺酸氨氯地平", "5", "mg", "C08CA01"),
    ("盐酸二甲双胍", "0.5", "g", "A10BA02"),
    ("布洛芬", "0.3", "g", "M01AE01"),
)
TAKEN = [
    "阿司匹林",
    "缬沙坦",
    "美托洛尔",
    "螺内酯",
    "呋塞米",
    "地高辛",
    "奥美拉唑",
    "左甲状腺素钠",
    "别嘌醇",
    "氯吡格雷",
    "格列美脲",
    "阿卡波糖",
    "单硝酸异山梨酯",
    "氯沙坦钾",
    "孟鲁司特钠",
    "非那雄胺",
    "塞来昔布",
    "艾司唑仑",
    "卡马西平",
    "西酞普兰",
]


def subject() -> Subject:
    """An old patient with many diseases: most rules have something to look at."""
    lines = tuple(
        Line(
            line=number,
            product=f"X{atc}A001010199{number:04}"[:23],
            drug_key=f"{name}|片剂|1",
            quantity=7,
            base_unit="片",
            dose=dose,
            dose_unit=unit,
            frequency_per_day=1,
            route="口服",
            days=7,
            generic_name=name,
            drug_class="ordinary",
            form="片剂",
            atc=atc,
        )
        for number, (name, dose, unit, atc) in enumerate(PRESCRIBED, start=1)
    )
    until = DAY + timedelta(days=30)
    return Subject(
        on=DAY,
        emergency=False,
        herbal=False,
        validity_days=1,
        facts=facts(),
        lines=lines,
        diagnoses=tuple(Diagnosis(code=code, name=code) for code in ("I48.x01", "E11.900", "I10.x00x002", "E78.500")),
        prescriber=Prescriber(registered=True, in_force=True, at_site=True, rights=("ordinary",)),
        current_medicines=tuple(Medicine(generic_name=n, atc=None, drug_key=n, until=until) for n in TAKEN),
    )


def facts() -> PatientFacts:
    return PatientFacts(
        age_days=27_000,
        sex="female",
        weight_grams=62_000,
        renal_impairment=True,
        creatinine_clearance_ml_min=45,
        allergies=("青霉素", "磺胺"),
        conditions=("K25.900", "M10.900"),
    )


def history(screened: Subject) -> list[DomainEvent]:
    """A case that was taken and put back until it has its hundred events."""
    clinical = ClinicalFacts(patient=screened.facts, diagnoses=screened.diagnoses)
    opened = CaseOpened(
        case_id=CASE,
        prescription_id=UUID(int=1),
        patient_ref=UUID(int=7),
        revision=1,
        confirmation_no=0,
        signed_sha256="0" * 64,
        prescriber="D330102000001",
        institution="H33010200001",
        region="330102",
        emergency=False,
        validity_days=1,
        valid_until=NOW + timedelta(hours=14),
        lines=screened.lines,
        clinical=clinical,
        opened_at=NOW,
    )
    reviewer = Reviewer(person="HY330102000001", name="孙丽", organisation="H33010200001")
    found: list[DomainEvent] = [opened]
    for number in range(EVENTS - 1):
        taken = CaseTaken(reviewer=reviewer, taken_at=NOW, lease_until=NOW + timedelta(minutes=30))
        found.append(taken if number % 2 == 0 else CasePutBack(person=reviewer.person))
    return found


def cpu_rate(work: Callable[[], object]) -> float:
    """How often in a second of this process's CPU."""
    count, started = 0, time.process_time()
    while time.process_time() - started < SECONDS:
        work()
        count += 1
    return count / (time.process_time() - started)


def figures() -> Iterator[Figure]:
    screened, policy = subject(), CN.on(DAY)
    knowledge = shipped_sets()[-1].on(DAY)
    with tempfile.TemporaryDirectory() as directory:
        settings = Settings(development=True, key_directory=Path(directory), database_url=f"sqlite:///{directory}")
        database = blocking_database(settings.service_database_url(SERVICE.name), 1)
        keyring = blocking_database(settings.keyring_database_url, 1)
        urls = settings.service_database_url(SERVICE.name), settings.keyring_database_url
        for url in urls:
            engine = sa.create_engine(url)
            create_tables(engine, [], keyring=url == settings.keyring_database_url)
            engine.dispose()
        database.open()
        keyring.open()
        core, driver = store_core(SERVICE, settings), Driver(database, keyring)

        def write(_moment: Moment, case: Loaded[object]) -> Decision:
            return Decision.on(case, history(screened))

        driver.run(perform(core, Work(UseCase((case_ref(CASE),), write), Context(Actor.service("review"), "", ""))))
        (loaded,) = driver.run(load(core, [case_ref(CASE)]))
        assert loaded.version == EVENTS
        rates = interleaved(
            {
                "load": lambda: cpu_rate(lambda: driver.run(load(core, [case_ref(CASE)]))),
                "screen": lambda: cpu_rate(lambda: screen(screened, knowledge, policy)),
            }
        )
        database.close()
        keyring.close()
    yield Figure(
        f"screening 5 lines, {len(TAKEN)} current medicines / loading {EVENTS} events, CPU",
        rates.ratio("load", "screen"),
        gate=1.0,
        at_least=False,
        note=rates.note("load", "screen"),
    )
