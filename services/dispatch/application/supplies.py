"""Prepare with scan, check by another person, hand out once cleared; or undo."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any
from uuid import UUID

from stdnum.cn import ric

from services.dispatch.application.guesses import actor_counter, fulfilment_counter, locked, missed
from services.dispatch.application.holds import wrong_secret
from services.dispatch.application.owners import owned_elsewhere, reserved
from services.dispatch.application.registers import drug_refs, not_serving, person_ref, pharmacy_ref, product_facts
from services.dispatch.application.shelf import Circumstances, settle
from services.dispatch.application.views import supply_view
from services.dispatch.domain import secrets
from services.dispatch.domain.fulfilment import replacing, supplies
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS
from services.dispatch.domain.fulfilment.commands import (
    DispenseSupply,
    GiveUp,
    HandOut,
    PrepareSupply,
    TakeBack,
    Unprepare,
)
from services.dispatch.domain.fulfilment.state import FulfilmentState
from services.dispatch.domain.opened_packs import OPENED_PACKS, opened_packs_id
from services.dispatch.domain.owner_words import NoOtherStore, TraceCodeOwner
from services.dispatch.domain.prescription_content import CONTENTS, content_id
from services.dispatch.domain.regional_stores import ONE_STORE, RegionalStores
from services.dispatch.domain.stock.item import STOCK_ITEMS, stock_item_id
from services.seedwork.model import Loaded, Refusal
from services.seedwork.reference import EntryState
from services.seedwork.usecase import Actor, Answer, Decision, Load, Moment, UseCase

Thinking = Generator[Any, Any, Decision]
"""Asks by `Load` and `Ask`."""
PREPARES = {"preparer", "pharmacist"}
CHECKS = {"checker", "pharmacist"}
"""Professions that check, and that hand out."""


def _supply_answer(state: FulfilmentState, status: int, supply_id: UUID | None = None) -> Answer:
    supply = state.supplies[supply_id] if supply_id else list(state.supplies.values())[-1]
    return Answer(status, {"fulfilment_id": str(state.fulfilment_id), **supply_view(supply)})


def prepare_supply(
    fulfilment_id: UUID, command: PrepareSupply, secret: str, hold_key: bytes, stores: RegionalStores = ONE_STORE
) -> UseCase:
    """Packs picked and scanned: their codes are this supply's until it is checked or put back."""

    def decide(
        moment: Moment, fulfilment: Loaded[FulfilmentState], pharmacy: Loaded[EntryState], person: Loaded[EntryState]
    ) -> Thinking:
        refused = wrong_secret(hold_key, command.hold_id, command.pharmacy, secret)
        refused = refused or not_serving(pharmacy.state, person.state, moment, command.pharmacy, PREPARES)
        if refused:
            return Decision.refused(refused)
        products = sorted({row.product for row in command.lines})
        facts = product_facts((yield Load(drug_refs(products))))
        wanted = command.model_copy(update={"products": facts})
        about = Circumstances.at(moment, products=facts)
        opened = yield Load(tuple(OPENED_PACKS.ref(opened_packs_id(command.pharmacy, name)) for name in products))
        keys = frozenset(key for each in opened for key in each.state.open_on(about.today))
        outcome = supplies.prepare_supply(fulfilment.state, wanted, moment.now, moment.ids, about.policy)
        outcome = owned_elsewhere(outcome, stores)
        about = replace(about, opened=keys)
        return (yield from settle(fulfilment, outcome, about, partial(_supply_answer, status=201)))

    entries = (pharmacy_ref(command.pharmacy), person_ref(command.preparer))
    return UseCase((FULFILMENTS.ref(fulfilment_id),), decide, relaxed=entries)


def unprepare(fulfilment_id: UUID, command: Unprepare, secret: str, hold_key: bytes) -> UseCase:
    """Packs set aside go back to the shelf."""

    def decide(moment: Moment, fulfilment: Loaded[FulfilmentState]) -> Thinking:
        outcome = _secret_of_supply(fulfilment.state, command, secret, hold_key) or supplies.unprepare(
            fulfilment.state, command
        )
        show = partial(_supply_answer, status=200, supply_id=command.supply_id)
        return (yield from settle(fulfilment, outcome, Circumstances.at(moment), show))

    return UseCase((FULFILMENTS.ref(fulfilment_id),), decide)


def _secret_of_supply(
    state: FulfilmentState, command: Unprepare | DispenseSupply, secret: str, hold_key: bytes
) -> Refusal | None:
    supply = state.supplies.get(command.supply_id)
    return wrong_secret(hold_key, supply.hold_id, command.pharmacy, secret) if supply else None


def dispense_supply(
    fulfilment_id: UUID,
    command: DispenseSupply,
    secret: str,
    hold_key: bytes,
    demand_key: bytes,
    owners: TraceCodeOwner | None = None,
) -> UseCase:
    """The check by a second person. The price is what the pharmacy's stock says at this moment. Codes that other
    regional stores own are reserved there first."""

    def decide(
        moment: Moment, fulfilment: Loaded[FulfilmentState], pharmacy: Loaded[EntryState], person: Loaded[EntryState]
    ) -> Thinking:
        state = fulfilment.state
        refused = _secret_of_supply(state, command, secret, hold_key)
        refused = refused or not_serving(pharmacy.state, person.state, moment, command.pharmacy, CHECKS)
        if refused:
            return Decision.refused(refused)
        supply = state.supplies.get(command.supply_id)
        products = sorted({row.product for row in supply.picked}) if supply else []
        drugs = yield Load(drug_refs(products))
        items = yield Load(tuple(STOCK_ITEMS.ref(stock_item_id(command.pharmacy, name)) for name in products))
        prices = {
            name: item.state.unit_price
            for name, item in zip(products, items, strict=True)
            if item.state.unit_price is not None
        }
        wanted = command.model_copy(update={"products": product_facts(drugs), "prices": prices})
        about = Circumstances.at(moment, demand_key=partial(secrets.demand_key, demand_key))
        outcome = supplies.dispense_supply(state, wanted, moment.now, about.policy)
        outcome_there = yield from reserved(state, outcome, owners or NoOtherStore(), moment)
        if isinstance(outcome_there, Decision):
            return outcome_there
        show = partial(_supply_answer, status=200, supply_id=command.supply_id)
        return (yield from settle(fulfilment, outcome_there, about, show))

    entries = (pharmacy_ref(command.pharmacy), person_ref(command.checker))
    return UseCase((FULFILMENTS.ref(fulfilment_id),), decide, relaxed=entries)


def hand_out(fulfilment_id: UUID, command: HandOut, code: str, actor: Actor, pickup_key: bytes) -> UseCase:
    """Over the counter, against the patient's pickup code. A wrong code is counted.

    The patient has it, whoever gave it: a pharmacy or person out of force makes it irregular, not unsaid.
    """

    def decide(moment: Moment, fulfilment: Loaded[FulfilmentState], *others: Loaded[Any]) -> Thinking:
        counters, (pharmacy, person) = others[:2], others[2:]
        about = Circumstances.at(moment)
        refused = locked(moment, counters) or _identity_invalid(command, about.today)
        if refused:
            return Decision.refused(refused)
        (content,) = yield Load.of(CONTENTS.ref(content_id(fulfilment.state.prescription_id)))
        irregular = not_serving(pharmacy.state, person.state, moment, command.pharmacy, CHECKS)
        known = {
            "irregularities": (irregular.code,) if irregular else (),
            "drug_classes": {line.line: line.drug_class for line in content.state.lines},
            "collector_years": _years(ric.get_birth_date(command.collector.identity_no), about.today),
        }
        outcome = supplies.hand_out(fulfilment.state, command.model_copy(update=known), about.policy)
        expected = secrets.pickup_code(pickup_key, command.supply_id)
        if not isinstance(outcome, Refusal) and not secrets.same(secrets.read_token(code), expected):
            return missed(moment, counters, "supply.wrong_pickup_code")
        show = partial(_supply_answer, status=200, supply_id=command.supply_id)
        return (yield from settle(fulfilment, outcome, about, show))

    streams = (FULFILMENTS.ref(fulfilment_id), actor_counter(actor.subject), fulfilment_counter(fulfilment_id))
    return UseCase(streams, decide, relaxed=(pharmacy_ref(command.pharmacy), person_ref(command.handed_out_by)))


def _identity_invalid(command: HandOut, today: date) -> Refusal | None:
    """Identity numbers have a check digit and a date of birth that is not in the future (GB 11643)."""
    numbers = (command.collector.identity_no, command.collector.patient_identity_no)
    for number in numbers:
        if number is not None and not (ric.is_valid(number) and ric.get_birth_date(number) <= today):
            return Refusal("collector.identity_invalid", {})
    return None


def _years(born: date, today: date) -> int:
    """Full years of age."""
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def give_up(fulfilment_id: UUID, command: GiveUp) -> UseCase:
    """The patient does not want it any more: packs back, money back."""

    def decide(moment: Moment, fulfilment: Loaded[FulfilmentState]) -> Thinking:
        about = Circumstances.at(moment)
        outcome = supplies.give_up(fulfilment.state, command, moment.now, about.policy)
        show = partial(_supply_answer, status=200, supply_id=command.supply_id)
        return (yield from settle(fulfilment, outcome, about, show))

    return UseCase((FULFILMENTS.ref(fulfilment_id),), decide)


def take_back(fulfilment_id: UUID, command: TakeBack) -> UseCase:
    """The patient brings it back: bad, recalled or the wrong thing. Nothing returns to the shelf."""

    def decide(
        moment: Moment, fulfilment: Loaded[FulfilmentState], pharmacy: Loaded[EntryState], person: Loaded[EntryState]
    ) -> Thinking:
        refused = not_serving(pharmacy.state, person.state, moment, command.pharmacy, {"pharmacist"})
        about = Circumstances.at(moment)
        outcome = refused or replacing.take_back(fulfilment.state, command, moment.now, about.policy)
        show = partial(_supply_answer, status=200, supply_id=command.supply_id)
        return (yield from settle(fulfilment, outcome, about, show))

    entries = (pharmacy_ref(command.pharmacy), person_ref(command.taken_back_by))
    return UseCase((FULFILMENTS.ref(fulfilment_id),), decide, relaxed=entries)
