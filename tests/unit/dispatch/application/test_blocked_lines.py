"""A blocked line is never held or dispensed: refused at a counter, stopped elsewhere, freed by the prescriber."""

from typing import Any
from uuid import UUID, uuid4

from contracts.events import dispatch as told
from contracts.events import prescribe_later as prescribe
from services.dispatch.application.blocks import refuse_at_pharmacy
from services.dispatch.application.views import content_view, fulfilment_view
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS, fulfilment_id
from services.dispatch.domain.fulfilment.commands import RefuseAtPharmacy
from services.dispatch.domain.prescription_content import CONTENTS, content_id
from services.seedwork.ports import Outcome
from tests.unit.dispatch.town import KEY, SHA, A, B, Town, fine, person


def refuse(
    town: Town, fulfilment: UUID, hold_id: UUID, pharmacy: str = A, secret: str | None = None, **more: Any
) -> Outcome:
    fields = {"pharmacist": person("pharmacist", pharmacy), "code": "2-8", "reason": "相互作用"} | more
    command = RefuseAtPharmacy(hold_id=hold_id, pharmacy=pharmacy, **fields)
    shown = secret or town.secret(hold_id, pharmacy)
    return town.store.run(refuse_at_pharmacy(fulfilment, command, shown, KEY))


def about(town: Town, fulfilment: UUID, **more: Any) -> dict[str, Any]:
    named = {"prescription_id": town.state(fulfilment).prescription_id, "patient_ref": town.patient_ref}
    return named | {"block_id": uuid4()} | more


def stopped(town: Town, fulfilment: UUID, *lines: int, **more: Any) -> UUID:
    fields = about(town, fulfilment, lines=lines, source="rescreen", codes=("2-8",), asked_by="service:review")
    event = prescribe.LinesBlocked.model_validate(fields | more)
    town.store.react(event)
    return event.block_id


def answered(town: Town, fulfilment: UUID, block_id: UUID) -> None:
    fields = about(town, fulfilment, block_id=block_id, lines=(1,), answer="已复核", signed_sha256=SHA)
    for _ in range(2):
        town.store.react(prescribe.LinesUnblocked.model_validate(fields))


def code(outcome: Outcome) -> str | None:
    return outcome.refusal.code if outcome.refusal else None


def test_a_refusal_ends_the_hold_and_blocks_its_lines_in_every_pharmacy() -> None:
    town = Town()
    fulfilment = town.release(60, 2)
    hold_id = town.accepted(fulfilment, (1, 60))
    town.prepare(fulfilment, hold_id)

    outcome = fine(refuse(town, fulfilment, hold_id))

    assert (outcome.body["status"], outcome.body["how"], outcome.body["blocked_lines"]) == ("ended", "refused", [1])
    assert not town.shelf(A).reserved
    assert code(town.try_hold(fulfilment, (1, 60), pharmacy=B)) == "hold.line_blocked"
    assert code(town.try_hold(fulfilment, (2, 2), pharmacy=B)) is None
    (refused,) = town.store.told_of(told.SupplyRefused)
    assert (refused.lines, refused.codes, refused.reason) == ((1,), ("2-8",), "相互作用")
    (ended,) = town.store.told_of(told.HoldEnded)
    assert (ended.how, ended.reason, ended.freed[0].quantity) == ("refused", "2-8", 60)


def test_part_of_a_hold_may_be_meant_and_the_rest_is_free() -> None:
    town = Town()
    fulfilment = town.release(60, 2)
    hold_id = town.hold(fulfilment, (1, 60), (2, 2))

    fine(refuse(town, fulfilment, hold_id, lines=(2,)))

    assert town.state(fulfilment).blocked_lines == {2}
    assert code(town.try_hold(fulfilment, (1, 60), pharmacy=B)) is None


def test_a_suspected_forgery_blocks_everything_and_revokes_what_others_hold() -> None:
    town = Town()
    fulfilment = town.release(60, 2)
    town.hold(fulfilment, (2, 2), pharmacy=B)
    hold_id = town.hold(fulfilment, (1, 60))

    fine(refuse(town, fulfilment, hold_id, code="forged"))

    assert town.state(fulfilment).blocked_lines == {1, 2}
    hows = [(each.pharmacy, each.how) for each in town.store.told_of(told.HoldEnded)]
    assert hows == [(A, "refused"), (B, "revoked")]


def test_another_pharmacys_hold_of_the_same_line_is_revoked() -> None:
    town = Town()
    fulfilment = town.release(60)
    town.hold(fulfilment, (1, 20), pharmacy=B)
    hold_id = town.hold(fulfilment, (1, 40))

    fine(refuse(town, fulfilment, hold_id))

    assert not list(town.state(fulfilment).running_holds())


def test_refusing_takes_the_hold_its_secret_a_known_code_and_a_pharmacist() -> None:
    town = Town()
    fulfilment = town.release(60, 2)
    hold_id = town.hold(fulfilment, (1, 60))

    assert code(refuse(town, fulfilment, hold_id, secret="wrong")) == "hold.wrong_secret"
    assert code(refuse(town, fulfilment, hold_id, code="9-9")) == "refusal.unknown_code"
    assert code(refuse(town, fulfilment, hold_id, lines=(2,))) == "hold.not_held"
    assert code(refuse(town, fulfilment, hold_id, pharmacist=person("preparer"))) == "person.not_qualified"
    fine(refuse(town, fulfilment, hold_id))
    assert code(refuse(town, fulfilment, hold_id)) == "hold.wrong_state"


def test_what_is_stopped_elsewhere_revokes_holds_and_leaves_what_was_dispensed() -> None:
    town = Town()
    fulfilment = town.release(60, 2)
    supply_id = town.dispensed(fulfilment, 20)
    hold_id = town.accepted(fulfilment, (1, 40), pharmacy=B)
    town.prepare(fulfilment, hold_id, town.pick(40), pharmacy=B)

    block_id = stopped(town, fulfilment, 1)
    stopped(town, fulfilment, 1, block_id=block_id)

    state = town.state(fulfilment)
    assert state.holds[hold_id].how == "revoked"
    assert state.supplies[supply_id].status == "dispensed"
    assert len(state.blocks) == 1
    assert code(town.try_hold(fulfilment, (1, 10))) == "hold.line_blocked"


def test_the_answer_frees_the_lines_and_pharmacies_read_the_dialogue() -> None:
    town = Town()
    fulfilment = town.release(60)
    block_id = stopped(town, fulfilment, reason="召回")
    assert fulfilment_view(town.state(fulfilment))["lines"][0]["blocked"]

    answered(town, fulfilment, block_id)

    assert code(town.try_hold(fulfilment, (1, 60))) is None
    content = town.store.state(CONTENTS.ref(content_id(town.state(fulfilment).prescription_id)))
    (line,) = content_view(content)["dialogue"]
    assert (line["reason"], line["answered"], line["answer"]) == ("召回", True, "已复核")


def test_a_line_that_two_blocks_name_waits_for_both_answers() -> None:
    town = Town()
    fulfilment = town.release(60)
    first, second = stopped(town, fulfilment, 1), stopped(town, fulfilment, 1)

    answered(town, fulfilment, first)

    assert code(town.try_hold(fulfilment, (1, 60))) == "hold.line_blocked"
    answered(town, fulfilment, second)
    assert code(town.try_hold(fulfilment, (1, 60))) is None


def test_an_instalment_that_opens_later_is_blocked_as_well() -> None:
    town = Town()
    prescription_id = uuid4()
    town.store.react(town.released(prescription_id, (60,)))
    town.store.react(
        prescribe.LinesBlocked.model_validate(
            {
                "prescription_id": prescription_id,
                "patient_ref": town.patient_ref,
                "block_id": uuid4(),
                "lines": (1,),
                "source": "safety_stop",
                "asked_by": "A1",
            }
        )
    )
    town.store.react(town.instalment(prescription_id, (60,)))
    (opened,) = town.store.told_of(told.FulfilmentOpened)

    assert town.state(opened.fulfilment_id).blocked_lines == {1}


def test_what_is_closed_knows_its_blocks_for_what_comes_back_later() -> None:
    town = Town()
    fulfilment = town.release(60)
    supply_id = town.collected(fulfilment, 60)
    assert town.state(fulfilment).status == "closed"

    block_id = stopped(town, fulfilment, 1)
    fine(town.try_take_back(fulfilment, supply_id))

    assert code(town.try_hold(fulfilment, (1, 60), replaces=supply_id)) == "hold.line_blocked"
    answered(town, fulfilment, block_id)
    assert code(town.try_hold(fulfilment, (1, 60), replaces=supply_id)) is None


def test_what_was_blocked_when_it_closed_is_freed_by_the_answer() -> None:
    town = Town()
    fulfilment = town.release(60)
    supply_id = town.dispensed(fulfilment, 60)
    block_id = stopped(town, fulfilment, 1)
    town.clear(fulfilment, supply_id)
    fine(town.try_hand_out(fulfilment, supply_id))
    answered(town, fulfilment, block_id)

    fine(town.try_take_back(fulfilment, supply_id))

    assert code(town.try_hold(fulfilment, (1, 60), replaces=supply_id)) is None


def test_a_blocked_line_that_is_cancelled_ends_like_any_other() -> None:
    town = Town()
    fulfilment = town.release(60)
    stopped(town, fulfilment, 1)

    town.cancel(fulfilment)

    assert town.state(fulfilment).outcome == "cancelled"


def test_a_pharmacy_reads_what_must_not_be_used_any_more() -> None:
    town = Town()
    fulfilment = town.release(60)
    fields = about(town, fulfilment, request_id=uuid4(), reason_code="wrong_drug", lines=({"line": 1, "quantity": 20},))
    del fields["block_id"]
    for _ in range(2):
        town.store.react(prescribe.StopUseNotified.model_validate(fields))

    content = town.store.state(CONTENTS.ref(content_id(town.state(fulfilment).prescription_id)))

    (notice,) = content_view(content)["stop_use"]
    assert (notice["reason_code"], notice["lines"]) == ("wrong_drug", [1])


def test_a_hold_of_another_line_goes_on() -> None:
    town = Town()
    fulfilment = town.release(60, 2)
    hold_id = town.hold(fulfilment, (2, 2), pharmacy=B)

    stopped(town, fulfilment, 1)

    assert town.state(fulfilment).holds[hold_id].running


def test_a_question_about_a_line_that_an_instalment_has_not_leaves_it_as_it_is() -> None:
    town = Town()
    prescription_id = uuid4()
    town.store.react(town.released(prescription_id, (60, 2)))
    town.store.react(town.instalment(prescription_id, (60,)))
    fulfilment = fulfilment_id(prescription_id, 1)
    hold_id = town.hold(fulfilment)
    before = town.store.loaded(FULFILMENTS.ref(fulfilment)).version

    answered(town, fulfilment, stopped(town, fulfilment, 2))

    assert town.state(fulfilment).holds[hold_id].running
    assert town.store.loaded(FULFILMENTS.ref(fulfilment)).version == before
