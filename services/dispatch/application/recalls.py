"""Recalls: loaded, worked off step by step, told to patients.

A step looks for the next shelf, hold or supply in the read model and decides with the aggregate itself. It waits until
the read model shows the recall: then it shows all that was recorded before it. After it nothing of the lot comes to a
shelf or is prepared; only holds still come, on shelves that are not cleared yet, and for those it waits in turn.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from services.dispatch.application.parcel_goods import called_back
from services.dispatch.application.registers import drug_refs, product_facts
from services.dispatch.application.shelf import Circumstances, settle
from services.dispatch.application.stock import policy_at
from services.dispatch.application.work import Broken, perform_all
from services.dispatch.domain import recall, recall_notice
from services.dispatch.domain.fulfilment import recalling
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS
from services.dispatch.domain.fulfilment.state import FulfilmentState, Supply
from services.dispatch.domain.recall import (
    RECALLS,
    Found,
    LoadRecall,
    LotsNamed,
    RecalledState,
    RecallState,
    recalled_ref,
)
from services.dispatch.domain.recall_notice import NOTICES, NoticeState, RecallNoticeGiven, notice_ref
from services.dispatch.domain.stock import quarantine
from services.dispatch.domain.stock.item import STOCK_ITEMS
from services.dispatch.domain.stock.state import StockState
from services.seedwork.calendar import civil_day
from services.seedwork.composition import TimerCommand
from services.seedwork.model import Loaded, Refusal
from services.seedwork.reference import EntryState
from services.seedwork.usecase import Actor, Answer, Change, Decision, Find, Load, Moment, UseCase

Thinking = Generator[Load | Find, Any, Decision]
ENTERPRISE_CHARACTERS = 5
"""The last of a national drug code name the enterprise (医保药品代码)."""


def recall_view(state: RecallState) -> dict[str, Any]:
    """How far a recall is."""
    loaded = state.loaded
    assert loaded is not None  # noqa: S101 - only of a recall that was loaded
    shown = ("recall_id", "product", "lots", "recall_class", "reason", "instruction", "loaded_at", "due_at")
    return {
        **loaded.model_dump(mode="json", include=set(shown)),
        "status": state.status,
        "late": state.late,
        "done": dict(state.counts),
        "with_courier": sorted(map(str, state.with_courier)),
    }


def load_recall(command: LoadRecall, actor: Actor) -> UseCase:
    """From this save on nothing of the lots is received, prepared or dispensed."""

    def decide(
        moment: Moment, job: Loaded[RecallState], known: Loaded[RecalledState], drug: Loaded[EntryState]
    ) -> Decision:
        if actor.role == "maker" and actor.organisation != command.product[-ENTERPRISE_CHARACTERS:]:
            return Decision.refused(Refusal("recall.not_yours", {"product": command.product}))
        facts = product_facts([drug])
        if not facts:
            return Decision.refused(Refusal("product.unknown", {"product": command.product}))
        days = policy_at(moment).recall_days[command.recall_class]
        outcome = recall.load(job.state, command, facts[0].drug_key, moment.now, moment.now + timedelta(days=days))
        if isinstance(outcome, Refusal):
            return Decision.refused(outcome)
        decision = Decision.on(job, outcome, Answer(201, recall_view(job.after(outcome))))
        if not outcome:
            return decision
        return decision.and_also(known, [LotsNamed(recall_id=command.recall_id, lots=command.lots)])

    streams = (RECALLS.ref(command.recall_id), recalled_ref(command.product))
    return UseCase(streams, decide, relaxed=drug_refs([command.product]))


def take_step(recall_id: UUID) -> UseCase:
    """One piece of a recall's work, with what follows from it, in one save."""

    def decide(moment: Moment, job: Loaded[RecallState]) -> Thinking:
        state = job.state
        if state.step_at is None or state.loaded is None or moment.now < state.step_at:
            return Decision.nothing()
        shown = yield Find("recall_shown", {"recall_id": recall_id})
        if not shown:
            return Decision.nothing()
        phase, lot = state.at
        found = {"product": state.loaded.product, "lot": lot, "after": state.after}
        if phase == "supplies":
            return (yield from _supply(moment, job, (yield Find("supplies_of_lot", found))))
        rows = yield Find("shelves_of_lot", found)
        if not rows:
            return Decision.on(job, recall.step(state, moment.now, "nothing", None, None))
        (shelf,) = yield Load.of(STOCK_ITEMS.ref(rows[0]["stock_item_id"]))
        if phase == "holds":
            return (yield from _hold(moment, job, shelf))
        events = quarantine.withdraw(shelf.state, recall_id, (lot,), moment.now)
        said: Found = "shelf" if events else "nothing"
        stepped = recall.step(state, moment.now, said, shelf.stream_id, shelf.stream_id)
        return Decision.on(job, stepped).and_also(shelf, events)

    return UseCase((RECALLS.ref(recall_id),), decide)


def _hold(moment: Moment, job: Loaded[RecallState], shelf: Loaded[StockState]) -> Thinking:
    """The newest hold that the shelf cannot meet any more is revoked; the next step looks at the same shelf again."""
    unmet = recalling.unmet(shelf.state, civil_day(moment.now))
    if not unmet:
        return Decision.on(job, recall.step(job.state, moment.now, "nothing", None, shelf.stream_id))
    rows = yield Find("fulfilment_of_hold", {"hold_id": unmet})
    if not rows:  # made since the recall was loaded: the step waits until the read model shows it, too
        return Decision.nothing()
    (fulfilment,) = yield Load.of(FULFILMENTS.ref(rows[0]["fulfilment_id"]))
    revoked = recalling.revoke(fulfilment.state, unmet)
    if not revoked:
        return Decision.on(job, recall.step(job.state, moment.now, "nothing", None, shelf.stream_id))
    own = yield from settle(fulfilment, revoked, Circumstances.at(moment))
    stepped = recall.step(job.state, moment.now, "hold_revoked", unmet, job.state.after)
    return Decision((*own.changes, Change(job, tuple(stepped))))


def _supply(moment: Moment, job: Loaded[RecallState], rows: Sequence[Any]) -> Thinking:
    """A supply with the lot: its hold revoked, the supply undone, its courier named, or its patient told."""
    if not rows:
        return Decision.on(job, recall.step(job.state, moment.now, "nothing", None, None))
    supply_id, fulfilment_id = rows[0]["supply_id"], rows[0]["fulfilment_id"]
    (fulfilment,) = yield Load.of(FULFILMENTS.ref(fulfilment_id))
    state: FulfilmentState = fulfilment.state
    supply = state.supplies[supply_id]
    if supply.status == "prepared":
        own = yield from settle(fulfilment, recalling.revoke(state, supply.hold_id), Circumstances.at(moment))
        stepped = recall.step(job.state, moment.now, "hold_revoked", supply.hold_id, supply_id)
        return Decision((*own.changes, Change(job, tuple(stepped))))
    about = Circumstances.at(moment)
    taken_back = recalling.undo(state, supply, job.state.at[1], moment.now, about.policy)
    if taken_back:
        own = yield from settle(fulfilment, taken_back, about)
        stepped = recall.step(job.state, moment.now, "supply_undone", supply_id, supply_id)
        return Decision((*own.changes, Change(job, tuple(stepped))))
    if supply.status == "with_courier":
        return (yield from _call_back(moment, job, supply))
    if not supply.patient_has(rows[0]["product"], rows[0]["lot"]):
        return Decision.on(job, recall.step(job.state, moment.now, "nothing", None, supply_id))
    return (yield from _tell(moment, job, state, supply_id))


def _call_back(moment: Moment, job: Loaded[RecallState], supply: Supply) -> Thinking:
    """The courier turns round with the parcel; what is in it is looked at pack by pack when it is back."""
    works = list(called_back([supply], "lot_recalled", moment.now, moment.jurisdiction))
    changes = perform_all(works, (yield Load(tuple(work.ref for work in works))))
    if isinstance(changes, Broken):  # pragma: no cover - a parcel that cannot turn round is left as it is
        return Decision.refused(changes.refusal)
    stepped = recall.step(job.state, moment.now, "with_courier", supply.delivery_id, supply.supply_id)
    return Decision((*changes, Change(job, tuple(stepped))))


def _tell(moment: Moment, job: Loaded[RecallState], state: FulfilmentState, supply_id: UUID) -> Thinking:
    loaded = job.state.loaded
    assert loaded is not None  # noqa: S101 - only of a recall that was loaded
    (notice,) = yield Load.of(notice_ref(loaded.recall_id, supply_id, job.state.at[1]))
    if notice.exists:
        return Decision.on(job, recall.step(job.state, moment.now, "nothing", None, supply_id))
    given = RecallNoticeGiven(
        notice_id=notice.stream_id,
        recall_id=loaded.recall_id,
        recall_class=loaded.recall_class,
        patient_ref=state.patient_ref,
        fulfilment_id=state.fulfilment_id,
        supply_id=supply_id,
        pharmacy=state.supplies[supply_id].pharmacy,
        product=loaded.product,
        lot=job.state.at[1],
        instruction=loaded.instruction,
        given_at=moment.now,
    )
    stepped = recall.step(job.state, moment.now, "patient_told", supply_id, supply_id)
    return Decision.on(job, stepped).and_also(notice, [given])


def be_late(recall_id: UUID) -> UseCase:
    """The days of its class are over."""

    def decide(moment: Moment, job: Loaded[RecallState]) -> Decision:
        due = recall.next_due(job.state).get("due")
        return Decision.on(job, [recall.RecallLate()] if due and due <= moment.now else [])

    return UseCase((RECALLS.ref(recall_id),), decide)


def acknowledge(notice_id: UUID, actor: Actor) -> UseCase:
    """The patient, or a representative, has read that the packs are not to be used."""

    def decide(moment: Moment, notice: Loaded[NoticeState]) -> Decision:
        outcome = recall_notice.acknowledge(
            notice.state, actor.subject, actor.patient_ref, moment.now, representing=actor.representing
        )
        if isinstance(outcome, Refusal):
            return Decision.refused(outcome)
        return Decision.on(notice, outcome, Answer(200, {"notice_id": str(notice_id), "acknowledged": True}))

    return UseCase((NOTICES.ref(notice_id),), decide)


TIMERS: dict[tuple[str, str], TimerCommand] = {(RECALLS.name, "step"): take_step, (RECALLS.name, "due"): be_late}
