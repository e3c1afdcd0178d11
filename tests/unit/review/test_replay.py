"""Past cases screened again with another set: which decisions would differ, and nothing is changed."""

from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest
from rich.console import Console

from rxflow.replay_cli import replay_review
from rxflow.replaying import PAGE
from services.review.application import use_cases
from services.review.composition import SERVICE
from services.review.domain.case import CaseState, case_id, case_ref, evolve_case
from services.review.domain.commands import CodedFinding, ReturnCase, TakeCase
from services.review.domain.events import CaseRescreened
from services.review.domain.knowledge.reading import KnowledgeSet
from services.review.domain.policy import CN
from services.review.domain.replay import Replayed, replay
from services.review.domain.values import Finding, Severity
from services.seedwork.settings import Settings
from tests.support.knowledge import document, entry, knowledge_set
from tests.support.service_on_sqlite import service_on_sqlite
from tests.unit.review.conftest import PLAIN, Hospital, issued, line, reviewer
from tests.unit.review.steps import pass_, return_, taken
from tests.unit.review.test_review_on_sqlite import admit

PAIR = {"a": {"drug": "drug-1"}, "b": {"drug": "drug-2"}, "effect": "x"}


def candidate(**sections: Any) -> KnowledgeSet:
    """What the hospital screens by, and something else."""
    return knowledge_set(**{**PLAIN, "version": "candidate-1", **sections})


STRICTER = {"interactions": [entry("new-pair", **PAIR, severity="serious")]}
TWO = [line(1), line(2)]


def replayed(hospital: Hospital, case: Any, known: KnowledgeSet) -> Replayed:
    found = replay(hospital.store.state(case_ref(case)), known, CN)
    assert found is not None
    return found


def test_a_passed_case_in_which_more_would_be_found_differs(hospital: Hospital) -> None:
    case = taken(hospital, lines=TWO)
    pass_(hospital, case)

    again = replayed(hospital, case, candidate(**STRICTER))

    assert again.status == "differs"
    assert [(finding.rule, finding.entries) for finding in again.new] == [
        ("A5.interaction", ("interactions/new-pair",))
    ]
    assert again.as_json()["new"][0]["severity"] == "serious"


@pytest.mark.parametrize("severity", ["info", "caution"])
def test_what_would_only_be_told_is_shown_and_leaves_the_decision(hospital: Hospital, severity: str) -> None:
    case = taken(hospital, lines=TWO)
    pass_(hospital, case)

    again = replayed(hospital, case, candidate(interactions=[entry("new-pair", **PAIR, severity=severity)]))

    assert (again.status, again.weighs) == ("told", severity)
    told = again.as_json()
    assert (told["status"], told["weighs"]) == ("told", severity)
    assert [(each["rule"], each["severity"]) for each in told["new"]] == [("A5.interaction", severity)]


def test_what_a_returned_case_would_have_besides_is_shown_and_leaves_the_decision(hospital: Hospital) -> None:
    case = taken(hospital, lines=[line(1, days=14), line(2, days=14)])
    return_(hospital, case, CodedFinding(code="1-12"))

    again = replayed(hospital, case, candidate(**STRICTER))

    assert (again.status, again.weighs) == ("told", "serious")
    assert [finding.rule for finding in again.new] == ["A5.interaction"]


def test_a_finding_that_weighs_otherwise_is_shown_with_both_weights(hospital: Hospital) -> None:
    case = taken(hospital, lines=TWO)
    pass_(hospital, case)
    state: CaseState = hospital.store.state(case_ref(case))
    caution = candidate(interactions=[entry("new-pair", **PAIR, severity="caution")])
    once = replay(state, caution, CN)
    assert once is not None
    decided = CaseState(status=state.status, opened=state.opened, findings=(*state.findings, *once.new))

    again = replay(decided, candidate(**STRICTER), CN)

    assert again is not None
    assert again.status == "differs"
    assert [each["severity"] for each in again.as_json()["new"]] == ["serious"]
    assert [each["severity"] for each in again.as_json()["vanished"]] == ["caution"]


def test_a_returned_case_in_which_something_would_not_be_found_differs(hospital: Hospital) -> None:
    case = taken(hospital, lines=[line(1) | {"product": "XA01", "generic_name": "药品1"}, line(2, days=14)])
    return_(hospital, case, CodedFinding(code="1-12"))
    state: CaseState = hospital.store.state(case_ref(case))
    gone = state.findings[0].model_copy(update={"rule": "A5.interaction", "lines": (1, 2)})
    older = CaseState(status=state.status, opened=state.opened, findings=(*state.findings, gone))

    again = replay(older, candidate(), CN)

    assert again is not None
    assert (again.status, [finding.rule for finding in again.vanished]) == ("differs", ["A5.interaction"])
    assert again.was == "plain-1"


def test_what_older_findings_call_by_its_item_alone_is_the_same(hospital: Hospital) -> None:
    case = taken(hospital, lines=[line(days=14)])
    return_(hospital, case, CodedFinding(code="1-12"))
    state: CaseState = hospital.store.state(case_ref(case))
    named = tuple(
        finding.model_copy(update={"rule": "N3.6"}) if finding.rule == "N3.6.longer_supply" else finding
        for finding in state.findings
    )

    again = replay(CaseState(status=state.status, opened=state.opened, findings=named), candidate(), CN)

    assert again is not None
    assert again.status == "same"


def test_two_rules_of_one_item_are_not_the_same(hospital: Hospital) -> None:
    case = taken(hospital, lines=[line(days=14)])
    return_(hospital, case, CodedFinding(code="1-12"))
    state: CaseState = hospital.store.state(case_ref(case))
    other = tuple(finding.model_copy(update={"rule": "N3.6.other"}) for finding in state.findings[:1])

    again = replay(CaseState(status=state.status, opened=state.opened, findings=other), candidate(), CN)

    assert again is not None
    assert again.status == "differs"


def test_a_case_nobody_has_decided_and_a_forgotten_one_are_counted_only(hospital: Hospital) -> None:
    waiting = hospital.issue(lines=TWO)
    unreadable = taken(hospital, facts=None, diagnoses=None)
    pass_(hospital, unreadable)

    assert replayed(hospital, waiting, candidate(**STRICTER)).status == "undecided"
    assert replayed(hospital, unreadable, candidate(**STRICTER)).status == "unreadable"
    assert replay(CaseState(), candidate(), CN) is None


def before(state: CaseState, *rules: str) -> CaseState:
    """A case as it was decided before there were these rules."""
    left = tuple(finding for finding in state.findings if finding.rule not in rules)
    return CaseState(status=state.status, opened=state.opened, findings=left)


HERBS = [entry("gancao", names=["甘草"]), entry("danshen", names=["丹参"])]
HERB_DRUG = [entry("liquorice", herbs=["gancao"], medicine={"drug": "drug-2"}, severity="serious", effect="x")]


def test_what_a_new_rule_would_have_found_differs_and_names_the_rule(hospital: Hospital) -> None:
    decoction = line(1) | {
        "product": "T000000001",
        "generic_name": "甘草",
        "form": "饮片",
        "dose": "6",
        "dose_unit": "g",
    }
    facts = {"age_days": 20_000, "sex": "female", "allergies": []}
    with_herb = taken(hospital, lines=[decoction], facts=facts | {"other_medicines": ["药品2"]})
    without = taken(hospital, lines=[line(1)], facts=facts | {"other_medicines": ["药品2"]})
    for case in (with_herb, without):
        pass_(hospital, case)
    known = candidate(herbs=HERBS, herb_drug=HERB_DRUG)

    again = [replayed(hospital, case, known) for case in (with_herb, without)]

    assert [each.status for each in again] == ["differs", "same"]
    assert [(each.rule, each.lines) for each in again[0].new] == [("A5.herb_drug", (1,))]
    assert replayed(hospital, with_herb, candidate(herbs=HERBS)).new == (), "the set without the pair"


def test_new_rules_that_only_ask_are_told_with_the_case_and_change_no_decision(hospital: Hospital) -> None:
    unasked = taken(hospital, lines=[line(1), line(2)], facts={"age_days": 20_000, "sex": "female"})
    pass_(hospital, unasked)
    state: CaseState = hospital.store.state(case_ref(unasked))
    assert "A7.allergy_unknown" in {finding.rule for finding in state.findings}

    again = replay(before(state, "A7.allergy_unknown"), candidate(), CN)

    assert again is not None
    assert again.status == "told"
    assert [(each.rule, each.severity.word) for each in again.new] == [("A7.allergy_unknown", "caution")]


def test_a_set_of_the_future_is_tried_on_past_cases(hospital: Hospital) -> None:
    case = taken(hospital, lines=TWO)
    pass_(hospital, case)

    assert replayed(hospital, case, candidate(valid_from="2027-01-01", **STRICTER)).status == "differs"


def written(tmp_path: Path, **sections: Any) -> Path:
    path = tmp_path / "candidate.json"
    path.write_bytes(orjson.dumps(document(**sections)))
    return path


def test_the_command_streams_cases_tells_what_differs_and_changes_nothing(tmp_path: Path) -> None:
    prescriptions = [
        issued(lines=[line(days=14) | {"generic_name": "华法林钠"}, line(2) | {"generic_name": "布洛芬"}])
        for _ in range(PAGE + 3)
    ]
    out = tmp_path / "differences.json"
    with service_on_sqlite(SERVICE, tmp_path) as review:
        admit(review)
        for prescription in prescriptions:
            review.react(prescription)
        case = case_id(prescriptions[-1].prescription_id, 1, 0)
        review.run(use_cases.take_case(TakeCase(case_id=case), reviewer()), reviewer())
        command = ReturnCase(case_id=case, findings=(CodedFinding(code="2-8", lines=(1, 2)),), comment="出血风险")
        assert review.run(use_cases.return_case(command, reviewer()), reviewer()).refusal is None
    before = (tmp_path / "review.db").read_bytes()
    settings = Settings(development=True, key_directory=tmp_path, database_url=f"sqlite:///{tmp_path}")
    console = Console(record=True, width=200)

    def run(since: date, **sections: Any) -> int:
        return replay_review(console, console, settings, written(tmp_path, **sections), since, out)

    status = run(date(2026, 1, 1), interactions=[])

    report = orjson.loads(out.read_bytes())
    assert status == 1
    assert report["totals"] == {"undecided": PAGE + 2, "differs": 1}
    assert [case_["case_id"] for case_ in report["cases"]] == [str(case)]
    assert "A5.interaction" in {finding["rule"] for finding in report["cases"][0]["vanished"]}
    shown = console.export_text()
    assert f"{PAGE + 3} cases: 1 differs, 0 told, 0 same, {PAGE + 2} undecided" in shown
    assert "- serious Interaction" in shown
    assert run(date(2100, 1, 1), interactions=[]) == 0
    assert orjson.loads(out.read_bytes())["totals"] == {}
    assert (tmp_path / "review.db").read_bytes() == before


def test_a_set_that_cannot_be_read_is_told_and_tries_nothing(tmp_path: Path) -> None:
    settings = Settings(development=True, key_directory=tmp_path, database_url=f"sqlite:///{tmp_path}")
    console = Console(record=True, width=200)
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    since = date(2026, 1, 1)

    assert replay_review(console, console, settings, broken, since, None) == 2
    assert replay_review(console, console, settings, written(tmp_path, drugs=[{"id": "x"}]), since, None) == 2
    assert "Field required" in console.export_text()


def test_what_a_later_instalment_brought_is_no_part_of_the_decision_that_is_tried_again(hospital: Hospital) -> None:
    """Nobody who passed the case had it before them, and it was found with the medicines of another day."""
    case = taken(hospital, lines=TWO)
    pass_(hospital, case)
    state: CaseState = hospital.store.state(case_ref(case))
    later = Finding(
        number=len(state.findings) + 1,
        rule="A5.interaction",
        knowledge_version="plain-1",
        evidence="with what was taken then",
        severity=Severity.BLOCKING,
        result_code="2-8",
        lines=(1,),
        confirmable=False,
    )
    rescreened = evolve_case(state, CaseRescreened(instalment=2, findings=(later,), degraded=False))

    again = replay(rescreened, candidate(), CN)

    assert again is not None
    assert (again.status, again.vanished) == ("same", ())
