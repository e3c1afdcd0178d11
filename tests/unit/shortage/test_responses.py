"""What is done against a confirmed shortage: by whom, what is told, how it ends, and what came of it."""

from base64 import urlsafe_b64encode
from datetime import date, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from contracts.events import shortage as public
from contracts.events import shortage_responses as told
from rxflow.world.identity import signing_pair
from services.seedwork.model import Refusal
from services.shortage.application import intake, responses
from services.shortage.application.transfers import sites
from services.shortage.domain import allocation, protocol, response
from services.shortage.domain.allocation import EndAllocation, SetAllocation
from services.shortage.domain.effect import effect_ref
from services.shortage.domain.policy import POLICIES
from services.shortage.domain.protocol import ProtocolText, SignProtocol, WithdrawProtocol
from services.shortage.domain.response import ProposeTransfers, ReleaseReserve
from services.shortage.domain.stop_notice import EndStop, ReportStop
from services.shortage.domain.transfer_plan import Site, TransferPlan, plan_transfers
from tests.unit.shortage.conftest import DRUG
from tests.unit.shortage.responses import CITY, DAY, DEPUTY, NATION, OTHER, PROVINCE, SHAANXI, Shortage, word

RULES = POLICIES.on(date(2026, 3, 2), "cn").transfer


@pytest.fixture
def shortage() -> Shortage:
    world = Shortage()
    world.confirmed()
    return world


def code(answer: Any) -> str:
    assert isinstance(answer, Refusal), answer
    return answer.code


def reserve(shortage: Shortage, **changes: Any) -> Any:
    usual = {"case_id": shortage.id(), "region": "33", "quantity": 6000, "to": "省级承储企业", "reason": "缺口"}
    return shortage.decide(
        responses.release_reserve(ReleaseReserve.model_validate({**usual, **changes})), changes.pop("by", PROVINCE)
    )


def test_a_protocol_holds_once_another_person_has_signed_the_very_text(shortage: Shortage) -> None:
    drafted = shortage.draft(excluded=("pregnant",), max_days=14)
    assert drafted["state"] == "drafted"
    assert not shortage.store.told_of(public.ProtocolIssued)

    assert code(shortage.sign(drafted["protocol_id"], drafted["digest"], PROVINCE)) == "protocol.own_draft"
    assert code(shortage.sign(drafted["protocol_id"], "0" * 64)) == "protocol.another_text"
    assert code(shortage.sign(drafted["protocol_id"], drafted["digest"], CITY)) == "shortage.not_your_region"
    assert code(shortage.sign(uuid4(), drafted["digest"])) == "protocol.unknown"
    assert shortage.sign(drafted["protocol_id"], drafted["digest"])["state"] == "in_force"

    (issued,) = shortage.store.told_of(public.ProtocolIssued)
    assert (issued.from_drug_key, issued.to_drug_key, issued.regions) == (DRUG, OTHER, ("33",))
    assert (issued.ratio.numerator, issued.ratio.denominator, issued.max_days) == (1, 2, 14)
    assert issued.issuer.model_dump(exclude={"signature"}) == {
        "authority": "330000",
        "level": "province",
        "person": DEPUTY.subject,
        "signed_sha256": drafted["digest"],
    }
    assert code(shortage.sign(drafted["protocol_id"], drafted["digest"])) == "protocol.wrong_state"


def test_whoever_gets_a_protocol_can_check_who_put_its_very_text_in_force(shortage: Shortage) -> None:
    shortage.issued(excluded=("pregnant",), max_days=14)
    (issued,) = shortage.store.told_of(public.ProtocolIssued)
    told = orjson.loads(issued.model_dump_json())

    # from outside: the published event alone, and a library that knows nothing of this one
    signature = told["issuer"]["signature"]
    checked = jws.deserialize_compact(signature["compact"], ECKey.import_key(signature["jwk"]), algorithms=["ES256"])
    payload = orjson.loads(checked.payload)
    text = {name: told[name] for name in ProtocolText.model_fields if name not in told["ratio"]} | told["ratio"]
    digest = sha256(orjson.dumps(text, option=orjson.OPT_SORT_KEYS)).hexdigest()

    assert payload == {"protocol_id": told["protocol_id"], "digest": digest}
    assert (digest, signature["kid"]) == (told["issuer"]["signed_sha256"], f"{DEPUTY.subject}-1")


def test_a_token_alone_puts_no_protocol_in_force(shortage: Shortage) -> None:
    drafted = shortage.draft()
    protocol_id, digest = drafted["protocol_id"], drafted["digest"]
    about = word(protocol_id, digest)
    own = signing_pair(7, f"{DEPUTY.subject}-1")

    assert code(shortage.send(protocol_id, own.sign(about))) == "signature.unknown_key", "not in the register"
    shortage.officer(DEPUTY.subject)
    forged = signing_pair(8, f"{DEPUTY.subject}-1")
    assert code(shortage.send(protocol_id, forged.sign(about))) == "signature.invalid"
    head, _, signature = own.sign(about).split(".")
    changed = urlsafe_b64encode(word(protocol_id, "0" * 64)).decode().rstrip("=")
    assert code(shortage.send(protocol_id, f"{head}.{changed}.{signature}")) == "signature.invalid"
    assert code(shortage.send(protocol_id, own.sign(word(uuid4(), digest)))) == "protocol.signed_something_else"
    assert code(shortage.send(protocol_id, own.sign(b'{"digest": 7}'))) == "request.invalid"
    for entry in (
        {"valid_until": date(2026, 3, 1)},
        {"suspended": True},
        {"organisation": "610000"},
        {"content": {"professions": ["prescriber"], "name": "-", "organisation": "330000", "registration_no": "-"}},
    ):
        shortage.officer(DEPUTY.subject, **entry)
        assert code(shortage.send(protocol_id, own.sign(about))) == "signature.unknown_key", entry
    assert not shortage.store.told_of(public.ProtocolIssued)

    shortage.officer(DEPUTY.subject)
    assert shortage.send(protocol_id, own.sign(about))["state"] == "in_force"


def test_of_people_who_sign_for_nobody_nothing_is_kept(shortage: Shortage) -> None:
    before = shortage.store.log_index
    shortage.officer("D330000000001", content={"professions": ["prescriber"], "name": "-"})
    assert shortage.store.log_index == before


@pytest.mark.parametrize(
    ("refused", "changes"),
    [
        ("protocol.drugs", {"from_drug_key": OTHER}),
        ("protocol.drugs", {"to_drug_key": DRUG}),
        ("protocol.ratio", {"numerator": 2, "denominator": 4}),
        ("protocol.mode", {"mode": "pharmacist_alone"}),
        ("shortage.not_your_region", {"regions": ("33", "61")}),
        ("protocol.days", {"valid_from": date(2026, 3, 1)}),
        ("protocol.days", {"valid_from": date.max}),
        ("protocol.days", {"valid_until": date(2026, 3, 1)}),
        ("protocol.days", {"valid_until": date(2027, 3, 4)}),
    ],
)
def test_a_text_that_cannot_hold_is_not_drafted(shortage: Shortage, refused: str, changes: dict[str, Any]) -> None:
    assert code(shortage.draft(**changes)) == refused
    assert not shortage.case().responses


def test_the_modes_are_those_of_the_jurisdiction(shortage: Shortage) -> None:
    shortage.store.jurisdiction = "demo-eu"
    assert code(shortage.draft()) == "protocol.mode"
    assert shortage.draft(mode="pharmacist_alone")["state"] == "drafted"


def test_who_may_respond_follows_the_region_and_the_level(shortage: Shortage) -> None:
    assert code(shortage.draft(SHAANXI)) == "shortage.not_your_region"
    assert code(shortage.draft(CITY)) == "shortage.not_your_region"  # the case is the province's, not the city's
    assert code(shortage.draft(case=uuid4())) == "shortage.unknown"
    assert code(shortage.limit(case=uuid4())) == "shortage.unknown"
    assert code(reserve(shortage, case_id=uuid4())) == "shortage.unknown"
    assert shortage.draft(NATION, regions=("",))["state"] == "drafted"


def test_a_suspicion_is_answered_by_nothing() -> None:
    world = Shortage()
    world.unfilled("P1")
    world.unfilled("P2")
    assert code(world.draft()) == "shortage.wrong_state"
    assert code(world.limit()) == "shortage.wrong_state"


def test_the_owner_of_the_case_or_a_level_above_it_sets_limits(shortage: Shortage) -> None:
    # given: of the nation's case the nation is the owner; a province stands below it
    shortage.decide(
        intake.receive_stop(
            ReportStop(
                reference="S-1",
                maker="M",
                drug_key=DRUG,
                stops_on=date(2026, 3, 1),
                planned=False,
                sole_supplier=True,
                restored_by=None,
                reason="停产",
            )
        )
    )
    nation = shortage.id(region="")
    assert code(shortage.limit(case=nation, region="33")) == "shortage.not_your_region"
    # a city case of level county, answered from a node without a level of its own
    odd = type(PROVINCE)("R", "regulator", region="3")
    assert code(shortage.limit(odd)) == "response.level"
    assert shortage.limit(NATION, case=nation, region="33")["state"] == "set"


def test_a_limit_holds_for_a_region_one_at_a_time_and_is_ended_at_once(shortage: Shortage) -> None:
    assert code(shortage.limit(region="61")) == "allocation.region"
    assert code(shortage.limit(max_days=2)) == "allocation.too_tight"
    set_ = shortage.limit(priority_diagnoses=("J18.9",))
    assert code(shortage.limit()) == "allocation.open"
    assert shortage.limit(region="3301")["state"] == "set"  # a part of it may be limited otherwise

    first, second = shortage.store.told_of(told.AllocationSet)
    assert (first.region, first.max_days, first.priority_diagnoses) == ("33", 7, ("J18.9",))
    assert second.region == "3301"

    end = EndAllocation(allocation_id=UUID(set_["response_id"]), reason="到货")
    assert code(shortage.decide(responses.end_allocation(end), CITY)) == "shortage.not_your_region"
    assert shortage.decide(responses.end_allocation(end))["state"] == "ended"
    assert code(shortage.decide(responses.end_allocation(end))) == "allocation.wrong_state"
    unknown = EndAllocation(allocation_id=uuid4(), reason="x")
    assert code(shortage.decide(responses.end_allocation(unknown))) == "allocation.unknown"
    (ended,) = shortage.store.told_of(told.AllocationEnded)
    assert (ended.allocation_id, ended.ended_as) == (first.allocation_id, "withdrawn")
    assert shortage.limit()["state"] == "set"


def test_a_protocol_is_withdrawn_with_notice_and_a_draft_at_once(shortage: Shortage) -> None:
    held = shortage.issued()
    draft = UUID(shortage.draft()["protocol_id"])
    for identity in (held, draft):
        command = WithdrawProtocol(protocol_id=identity, reason="改用进口")
        assert code(shortage.decide(responses.withdraw_protocol(command), CITY)) == "shortage.not_your_region"
        shortage.decide(responses.withdraw_protocol(command))
        assert code(shortage.decide(responses.withdraw_protocol(command))) == "protocol.wrong_state"
    unknown = WithdrawProtocol(protocol_id=uuid4(), reason="x")
    assert code(shortage.decide(responses.withdraw_protocol(unknown))) == "protocol.unknown"

    (ended,) = shortage.store.told_of(public.ProtocolEnded)  # nobody ever heard of the draft
    assert (ended.protocol_id, ended.ended_as, ended.ends_on) == (held, "withdrawn", date(2026, 3, 9))
    assert not shortage.case().responses


def test_a_protocol_ends_with_its_last_day(shortage: Shortage) -> None:
    identity = shortage.issued(valid_until=date(2026, 3, 3))
    assert not shortage.decide(responses.end_protocol(identity))  # too early: nothing happens
    shortage.store.move_clock(2 * DAY)
    (ended,) = shortage.store.told_of(public.ProtocolEnded)
    assert (ended.ended_as, ended.ends_on) == ("date", date(2026, 3, 3))
    assert identity not in shortage.case().responses


def test_what_is_released_goes_to_the_case_s_region_and_is_over_when_it_should_have_come(shortage: Shortage) -> None:
    assert code(reserve(shortage, region="61")) == "response.region"
    for never in (date(2026, 3, 1), date(2027, 3, 4), date.max):
        assert code(reserve(shortage, expected_on=never)) == "response.expected_before"
    assert reserve(shortage, expected_on=date(2026, 3, 4))["state"] == "open"
    response_id = UUID(reserve(shortage)["response_id"])
    first, second = shortage.store.told_of(told.ReserveReleased)
    assert (first.expected_on, second.expected_on, second.quantity) == (date(2026, 3, 4), None, 6000)
    assert not shortage.decide(responses.end_response(response_id))
    assert not shortage.store.told_of(told.ReserveEnded)
    shortage.store.move_clock(4 * DAY)
    assert [kind for kind, _ in shortage.case().responses.values()] == ["reserve"]
    (ended,) = shortage.store.told_of(told.ReserveEnded)
    assert (ended.response_id, ended.ended_as, ended.drug_key) == (response_id, "time_over", second.drug_key)


def test_transfers_are_proposed_to_both_sides_with_what_they_followed_from(shortage: Shortage) -> None:
    plan = plan_of(shortage)
    answer = shortage.decide(responses.propose_transfers(ProposeTransfers(case_id=shortage.id(), plan=plan)))
    assert answer["covered"] == 12
    (proposed,) = shortage.store.told_of(told.TransferProposed)
    assert (proposed.from_pharmacy, proposed.to_pharmacy, proposed.packs, proposed.quantity) == ("P9", "P1", 2, 20)
    assert (proposed.legal_ground, proposed.order_reason) == ("same_chain", None)
    assert proposed.valid_until == date(2026, 3, 5)

    ordered = plan.model_copy(
        update={
            "proposals": tuple(row.model_copy(update={"legal_ground": "authority_order"}) for row in plan.proposals)
        }
    )
    command = ProposeTransfers(case_id=shortage.id(), plan=ordered, order_reason="紧急调用")
    shortage.decide(responses.propose_transfers(command))
    assert shortage.store.told_of(told.TransferProposed)[-1].order_reason == "紧急调用"


def plan_of(shortage: Shortage) -> TransferPlan:
    """As the api makes it, of one giver and one taker."""
    shortage.pharmacy("P9")
    shortage.pharmacy("P1")
    shortage.shelf("P9", 100)
    return plan_transfers(sites_of(shortage), RULES, by_order=False)


def sites_of(shortage: Shortage) -> list[Site]:
    here: dict[str, Any] = {"drug_key": DRUG, "within": "33", "limit": 100}
    days = {"first": "2026-02-03", "last": "2026-03-02"}
    rows = shortage.store.rows
    return sites(
        rows("shelves_of", **here, today="2026-03-02"),
        rows("demand_of", **here, **days, since="2026-01-06"),
        rows("unfilled_of", **here, **days, today="2026-03-02"),
        date(2026, 3, 2),
        RULES,
    )


@pytest.mark.parametrize(
    ("words", "why", "usual"),
    [
        ({0: 20, 1: 20}, "known for two days", 20.0),
        ({0: 20, 40: 7}, "its shelf stood before, and nobody asked", 20 / 28),
        ({10: 11}, "ten days without a word are days without demand", 1.0),
    ],
)
def test_usual_demand_is_over_the_days_since_a_shelf_was_told_of(
    shortage: Shortage, words: dict[int, int], why: str, usual: float
) -> None:
    shortage.pharmacy("P9")
    for days_ago, quantity in words.items():
        at = shortage.store.time - days_ago * DAY
        shortage.shelf("P9", 400, dispensed=quantity, occurred_at=at)
    shortage.pharmacy("P1")
    (site, _) = sites_of(shortage)
    assert site.usual_per_day == pytest.approx(usual), why


def test_nothing_to_move_and_too_much_to_move_are_refused(shortage: Shortage) -> None:
    empty = TransferPlan(proposals=(), needed=5, covered=0, unknown=2)
    command = ProposeTransfers(case_id=shortage.id(), plan=empty)
    refused = shortage.decide(responses.propose_transfers(command))
    assert code(refused) == "response.nothing_to_move"
    assert refused.facts == {"needed": 5, "unknown": 2}
    plan = plan_of(shortage)
    many = plan.model_copy(update={"proposals": plan.proposals * 101})
    command = ProposeTransfers(case_id=shortage.id(), plan=many)
    assert code(shortage.decide(responses.propose_transfers(command))) == "response.too_large"
    command = ProposeTransfers(case_id=uuid4(), plan=plan)
    assert code(shortage.decide(responses.propose_transfers(command))) == "shortage.unknown"


def test_the_end_of_a_case_ends_what_answered_it(shortage: Shortage) -> None:
    # given: a protocol in force, a draft, a limit, a reserve
    held = shortage.issued()
    shortage.draft()
    shortage.limit()
    reserve(shortage, expected_on=date(2027, 3, 3))
    done = shortage.decide(responses.withdraw_protocol(WithdrawProtocol(protocol_id=shortage.issued(), reason="x")))
    assert done["state"] == "ended"

    # when: nothing happens for as many periods as a case needs to be resolved
    for _ in range(8):
        shortage.store.move_clock(3 * DAY)

    # then: after notice, and at once
    assert shortage.case().status == "resolved"
    ended = {event.protocol_id: event for event in shortage.store.told_of(public.ProtocolEnded)}
    assert ended[held].ended_as == "case_over"
    over = shortage.case().ended
    assert over is not None
    assert ended[held].ends_on == over.ended_at.date() + timedelta(days=7)
    (limit,) = shortage.store.told_of(told.AllocationEnded)
    assert limit.ended_as == "case_over"
    assert len(ended) == 2
    assert not shortage.case().responses
    (over_reserve,) = shortage.store.told_of(told.ReserveEnded)
    assert over_reserve.ended_as == "case_over"


def test_an_avoided_case_ends_its_responses_too() -> None:
    world = Shortage()
    report = ReportStop(
        reference="S-1",
        maker="M",
        drug_key=DRUG,
        stops_on=date(2026, 9, 1),
        planned=True,
        sole_supplier=False,
        restored_by=None,
        reason="检修",
    )
    notice = world.decide(intake.receive_stop(report))
    nation = world.id(region="")
    world.limit(NATION, case=nation, region="")
    world.decide(
        intake.end_notice(EndStop(notice_id=UUID(notice["notice_id"]), how="withdrawn", reason="不停产")), NATION
    )
    assert world.case(region="").status == "avoided"
    assert [event.ended_as for event in world.store.told_of(told.AllocationEnded)] == ["case_over"]


def test_a_case_keeps_a_limited_number_of_open_responses(shortage: Shortage) -> None:
    for _ in range(40):
        reserve(shortage)
    assert code(reserve(shortage)) == "response.too_many"
    assert code(shortage.limit()) == "response.too_many"


def test_an_effect_is_the_same_count_before_and_after(shortage: Shortage) -> None:
    # given: in the days before half of what was ordered came, and one of four demands was filled
    shortage.order(requested=100, filled=50)
    shortage.shelf("P5", 0, dispensed=12)
    shortage.store.move_clock(DAY)
    shortage.limit()
    # then afterwards nine of ten came, and everything asked for was given
    shortage.store.move_clock(DAY)
    shortage.order(requested=100, filled=90)
    shortage.order(requested=999, filled=0, region="610103")  # elsewhere: not counted
    shortage.shelf("P5", 0, dispensed=30)

    (row,) = shortage.store.rows("responses_of", case_id=shortage.id(), after=-1, after_id=UUID(int=0), limit=10)
    assert row["effect"] is None
    shortage.store.move_clock(6 * DAY)  # the seventh day after is not over yet
    assert not shortage.store.rows("responses_of", case_id=shortage.id(), after=-1, after_id=UUID(int=0), limit=10)[0][
        "effect"
    ]
    shortage.store.move_clock(DAY)
    (row,) = shortage.store.rows("responses_of", case_id=shortage.id(), after=-1, after_id=UUID(int=0), limit=10)
    effect = row["effect"]
    assert effect["before"]["order_lines"] == {"filled": 50, "wanted": 100}
    assert effect["before"]["demands"] == {"filled": 12, "wanted": 48}
    assert effect["after"]["order_lines"] == {"filled": 90, "wanted": 100}
    assert effect["after"]["demands"] == {"filled": 30, "wanted": 30}
    assert (effect["before"]["first"], effect["before"]["last"]) == ("2026-02-24", "2026-03-02")
    assert (effect["after"]["first"], effect["after"]["last"]) == ("2026-03-04", "2026-03-10")
    shortage.store.move_clock(DAY)  # counted once


def test_a_rate_of_nothing_is_unknown() -> None:
    from services.shortage.domain.effect import EFFECT, Filled  # noqa: PLC0415

    assert Filled(filled=0, wanted=0).rate is None
    assert Filled(filled=1, wanted=4).rate == 0.25
    world = Shortage()
    assert not world.decide(responses.measure_effect(UUID(int=5)))  # nothing is awaited
    assert EFFECT.next_due(EFFECT.initial) == {}


def test_levels_told_in_any_order_leave_the_newest(shortage: Shortage) -> None:
    shortage.pharmacy("P9")
    now = shortage.store.time
    shortage.shelf("P9", 50)
    shortage.shelf("P9", 80, occurred_at=now - timedelta(minutes=5))
    rows = shortage.store.rows("shelves_of", drug_key=DRUG, within="33", today="2026-03-02", limit=10)
    assert [row["free"] for row in rows] == [50]


def test_the_digest_is_of_the_whole_text(shortage: Shortage) -> None:
    digests = {
        shortage.text(**changes).digest
        for changes in ({}, {"max_days": 7}, {"excluded": ("children",)}, {"numerator": 3})
    }
    assert len(digests) == 4
    SignProtocol(protocol_id=uuid4(), digest=digests.pop())
    SetAllocation(case_id=uuid4(), region="", max_days=7, reason="x")


def test_of_the_register_s_other_entries_nothing_is_kept(shortage: Shortage) -> None:
    before = shortage.store.log_index
    shortage.officer("330000", kind="review_agreement")
    assert shortage.store.log_index == before


def test_a_shelf_that_nothing_was_told_of_for_long_has_unknown_demand(shortage: Shortage) -> None:
    shortage.pharmacy("P9")
    shortage.shelf("P9", 400, dispensed=20, occurred_at=shortage.store.time - 60 * DAY)
    (silent,) = sites_of(shortage)
    assert silent.usual_per_day is None
    assert plan_transfers([silent], RULES, by_order=False).unknown == 1

    shortage.unfilled("P9", demand="line-P9")
    (asked,) = sites_of(shortage)
    assert (asked.pharmacy, asked.usual_per_day) == ("P9", pytest.approx(12 / 28)), "what it could not give is known"


def test_an_effect_is_counted_when_its_days_are_over_and_once(shortage: Shortage) -> None:
    answered = shortage.limit()
    counting = responses.measure_effect(effect_ref(UUID(answered["response_id"])).stream_id)
    shortage.store.move_clock(7 * DAY)
    before = shortage.store.log_index
    shortage.decide(counting)
    assert shortage.store.log_index == before, "the seventh day after is not over yet"

    shortage.store.move_clock(DAY)
    before = shortage.store.log_index
    shortage.decide(counting)
    assert shortage.store.log_index == before, "the clock has counted it"


def test_what_is_over_is_not_ended_again_by_the_end_of_its_case(shortage: Shortage) -> None:
    """Decided directly, by the tables: they have no row for the end of a case where it is over."""
    held = shortage.issued()
    shortage.decide(responses.withdraw_protocol(WithdrawProtocol(protocol_id=held, reason="x")))
    limit = UUID(shortage.limit()["response_id"])
    shortage.decide(responses.end_allocation(EndAllocation(allocation_id=limit, reason="x")))
    released = UUID(reserve(shortage)["response_id"])
    shortage.store.move_clock(30 * DAY)
    now, policy = shortage.store.time, POLICIES.on(date(2026, 3, 2), "cn")

    protocol_over = shortage.store.state(protocol.protocol_ref(held))
    limit_over = shortage.store.state(allocation.allocation_ref(limit))
    reserve_over = shortage.store.state(response.response_ref(released))
    assert (protocol_over.status, limit_over.status, reserve_over.status) == ("ended", "ended", "over")
    assert protocol.end_with_case(protocol_over, now, policy) == []
    assert allocation.end_with_case(limit_over, now) == []
    assert response.end_with_case(reserve_over, now) == []
