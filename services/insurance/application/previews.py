"""The patient's share before signing, as a question: which streams it needs, and how its answer is shown to whom."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson

from contracts.registers import Designation
from services.insurance.application.registers import CATALOGUE, CATALOGUE_KIND, INSURANCE_REGISTER, tariff_refs
from services.insurance.domain.accumulator import accumulator_of
from services.insurance.domain.amounts import LineAmounts, PayerAmount
from services.insurance.domain.catalogue import Listing, listing
from services.insurance.domain.entitlement import DesignationInForce
from services.insurance.domain.member import MemberState, member_of
from services.insurance.domain.policy import FUNDS, POLICIES
from services.insurance.domain.preview import Preview, Wanted, WantedLine, preview
from services.seedwork.calendar import civil_day
from services.seedwork.model import Loaded, StreamRef
from services.seedwork.reference import EntryState, entry


@dataclass(frozen=True)
class Question:
    """Whose share, of what, paid how, and at which pharmacy (None: at one that has the agreement needed)."""

    patient_ref: UUID
    insurance_intent: str
    pharmacy: str | None
    lines: tuple[WantedLine, ...]
    brought_from: str | None = None
    """The division of the pharmacy whose courier would bring it; None: it is fetched."""

    @property
    def products(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(row.product for row in self.lines))


def first_streams(question: Question, day: date) -> tuple[StreamRef[Any], ...]:
    """Where the member stands in the year, what the catalogue says, and what bringing it costs."""
    patient = question.patient_ref
    listed = (entry(CATALOGUE, CATALOGUE_KIND, product) for product in question.products)
    tariffs = tariff_refs(question.brought_from) if question.brought_from else ()
    return (member_of(patient), accumulator_of(patient, day.year), *listed, *tariffs)


def then_streams(question: Question, member: MemberState) -> tuple[StreamRef[EntryState], ...]:
    """The member's insurer, and the pharmacy's agreement with it; nothing of somebody who is no member."""
    if member.facts is None:
        return ()
    insurer = member.facts.insurer
    own = (entry(INSURANCE_REGISTER, "insurer", insurer),)
    if question.pharmacy is None:
        return own
    return (*own, entry(INSURANCE_REGISTER, "designation", f"{question.pharmacy}-{insurer}"))


def answered(
    question: Question,
    first: tuple[Loaded[Any], ...],
    then: tuple[Loaded[EntryState], ...],
    now: datetime,
    jurisdiction: str,
) -> Preview:
    """The preview, from what stands in the streams."""
    day = civil_day(now)
    policy = POLICIES.on(day, jurisdiction)
    count = 2 + len(question.products)
    (member, accumulator), listed, tariffs = first[:2], first[2:count], first[count:]
    listings: dict[str, Listing] = {}
    for product, found in zip(question.products, listed, strict=True):
        if found_listing := listing(found.state, day):
            listings[product] = found_listing
    visit = policy.visits.get(question.insurance_intent)
    channels = (visit.channel,) if visit else ()
    facts = member.state.facts
    if facts is None:
        designations: tuple[DesignationInForce, ...] = ()
    elif question.pharmacy is None:
        designations = (DesignationInForce(insurer=facts.insurer, channels=channels),)
    else:
        designations = tuple(_agreements(then[1:], day))
    wanted = Wanted(insurance_intent=question.insurance_intent, designations=designations, lines=question.lines)
    return preview(
        wanted,
        listings,
        member=member.state,
        accumulator=accumulator.state,
        insurer=then[0].state if then else EntryState(),
        policy=policy,
        day=day,
        tariffs=[found.state for found in tariffs],
    )


def _agreements(entries: Iterable[Loaded[EntryState]], day: date) -> Iterable[DesignationInForce]:
    for each in entries:
        agreement = each.state.read(Designation) if each.state.in_force(day) else None
        if agreement is not None:
            yield DesignationInForce(insurer=agreement.insurer, channels=agreement.channels)


def preview_view(question: Question, found: Preview, now: datetime, *, to_the_patient: bool) -> dict[str, Any]:
    """The answer, under an id that names exactly it. What the personal account holds is shown to the patient alone."""
    amounts = found.amounts
    shown = {
        "as_of": now.isoformat(),
        "insurance_intent": question.insurance_intent,
        "pharmacy": question.pharmacy,
        "insurer": found.insurer,
        "policy": amounts.policy,
        "lines": [
            {**_line(line, to_the_patient=to_the_patient), "price_from": found.prices[line.line]}
            for line in amounts.lines
        ],
        "payers": _payers(amounts.payers, to_the_patient=to_the_patient),
        "total": amounts.total,
        "fund": amounts.fund,
        "person_share": amounts.total - amounts.fund,
        **({"patient_share": amounts.paid_by("patient")} if to_the_patient else {}),
        **({"delivery_fee": _fee(found)} if question.brought_from else {}),
        "complete": found.complete,
        "concerns": [{"code": concern.code, "line": concern.line} for concern in found.concerns],
    }
    asked = [row.model_dump() for row in question.lines]
    digest = hashlib.sha256(orjson.dumps([str(question.patient_ref), asked, shown], option=orjson.OPT_SORT_KEYS))
    return {"id": f"share:{digest.hexdigest()[:32]}", **shown}


def _fee(found: Preview) -> Mapping[str, Any]:
    """Apart from the share; no tariff, nothing to pay."""
    fee = found.delivery_fee
    return {"amount": 0, "rule": None} if fee is None else fee.model_dump()


def _line(line: LineAmounts, *, to_the_patient: bool) -> Mapping[str, Any]:
    fund = sum(share.amount for share in line.payers if share.payer in FUNDS)
    parts = line.model_dump(exclude={"payers"})
    return {**parts, "payers": _payers(line.payers, to_the_patient=to_the_patient), "person_share": line.total - fund}


def _payers(shares: Iterable[PayerAmount], *, to_the_patient: bool) -> list[dict[str, Any]]:
    return [share.model_dump() for share in shares if to_the_patient or share.payer in FUNDS]
