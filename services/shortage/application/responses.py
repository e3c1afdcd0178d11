"""Use cases of what is done against a shortage. Each response is linked to its case; its effect is counted later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, cast
from uuid import UUID

from services.seedwork.calendar import civil_day
from services.seedwork.model import DomainEvent, Loaded, Outcome, Refusal, StreamRef
from services.seedwork.usecase import Answer, Change, Decision, Find, Load, Moment, UseCase
from services.shortage.application.nodes import Loading, Work, changes
from services.shortage.application.officers import officer_ref, signed_protocol
from services.shortage.application.use_cases import authority_of
from services.shortage.domain import allocation, effect, protocol, response
from services.shortage.domain.case import CaseState, case_ref
from services.shortage.domain.effect import EffectAwaited, EffectState, Filled, SupplyCounts, effect_ref
from services.shortage.domain.events import CaseSuspected, ResponseClosed, ResponseLinked
from services.shortage.domain.policy import POLICIES, ShortagePolicy
from services.shortage.domain.responses import Authority
from services.shortage.domain.values import ResponseKind


def draft_protocol(command: protocol.DraftProtocol) -> UseCase:
    """Somebody of an authority drafts a protocol for an open shortage."""

    def decide(moment: Moment, case: Loaded[CaseState]) -> Loading[Decision]:
        protocol_id = moment.ids.new()
        (new,) = yield Load.of(protocol.protocol_ref(protocol_id))
        drafted = protocol.draft(case.state, command, protocol_id, _by(moment), moment.now, _policy(moment))
        if isinstance(drafted, Refusal):
            return Decision.refused(drafted)
        told = Work(new, list(drafted))
        answer = {"protocol_id": str(protocol_id), "state": told.state.status, "digest": command.text.digest}
        link = ResponseLinked(response_id=protocol_id, kind=ResponseKind.PROTOCOL, region=_began(case.state).region)
        return Decision(changes(Work(case, [link]), told), Answer(201, answer))

    return UseCase((case_ref(command.case_id),), decide)


def sign_protocol(protocol_id: UUID, compact: str) -> UseCase:
    """Another person puts it in force, by their signature (compact JWS)."""

    def decide(moment: Moment, draft: Loaded[protocol.ProtocolState]) -> Loading[Decision]:
        drafted = draft.state.drafted
        if drafted is None:
            return Decision.refused(Refusal("protocol.unknown"))
        by = _by(moment)
        case, waiting, person = yield Load.of(
            case_ref(drafted.case_id), effect_ref(protocol_id), officer_ref(by.person)
        )
        word = signed_protocol(compact, protocol_id, by, person, moment)
        signed = protocol.sign(draft.state, case.state, word, by, moment.now)
        if isinstance(signed, Refusal):
            return Decision.refused(signed)
        awaited = _awaited(protocol_id, ResponseKind.PROTOCOL, case.state, _began(case.state).region, moment)
        return Decision((Change(draft, tuple(signed)), Change(waiting, (awaited,))), _protocol_answer(draft, signed))

    return UseCase((protocol.protocol_ref(protocol_id),), decide)


def withdraw_protocol(command: protocol.WithdrawProtocol) -> UseCase:
    """Its authority ends it."""

    def decide(moment: Moment, known: Loaded[protocol.ProtocolState]) -> Loading[Decision]:
        over = protocol.withdraw(known.state, command, _by(moment), moment.now, _policy(moment))
        if isinstance(over, Refusal):
            return Decision.refused(over)
        return (yield from _closed(known, over, _of_case(known.state.drafted), _protocol_answer(known, over)))

    return UseCase((protocol.protocol_ref(command.protocol_id),), decide)


def end_protocol(protocol_id: UUID) -> UseCase:
    """The clock: its last day is over."""

    def decide(moment: Moment, known: Loaded[protocol.ProtocolState]) -> Loading[Decision]:
        over = protocol.end_by_date(known.state, moment.now)
        return (yield from _closed(known, over, _of_case(known.state.drafted))) if over else Decision.nothing()

    return UseCase((protocol.protocol_ref(protocol_id),), decide)


def set_allocation(command: allocation.SetAllocation) -> UseCase:
    """The owner of the case limits what one supply may cover."""

    def decide(moment: Moment, case: Loaded[CaseState]) -> Loading[Decision]:
        return (
            yield from _begun(
                moment,
                case,
                ResponseKind.ALLOCATION,
                command.region,
                allocation.allocation_ref,
                lambda id_: allocation.set_allocation(
                    case.state, command, id_, _by(moment), moment.now, _policy(moment)
                ),
            )
        )

    return UseCase((case_ref(command.case_id),), decide)


def end_allocation(command: allocation.EndAllocation) -> UseCase:
    """It is not needed any more."""

    def decide(moment: Moment, known: Loaded[allocation.AllocationState]) -> Loading[Decision]:
        over = allocation.end_allocation(known.state, command, _by(moment), moment.now)
        if isinstance(over, Refusal):
            return Decision.refused(over)
        answer = Answer(200, {"response_id": str(known.stream_id), "state": known.after(over).status})
        return (yield from _closed(known, over, _of_case(known.state.limit), answer))

    return UseCase((allocation.allocation_ref(command.allocation_id),), decide)


def propose_transfers(command: response.ProposeTransfers) -> UseCase:
    """The plan becomes proposals to both sides of each transfer."""

    def decide(moment: Moment, case: Loaded[CaseState]) -> Loading[Decision]:
        return (
            yield from _begun(
                moment,
                case,
                ResponseKind.TRANSFER,
                case.state.suspected.region if case.state.suspected else "",
                response.response_ref,
                lambda id_: response.propose(case.state, command, id_, _by(moment), moment.now, _policy(moment)),
                command.plan.model_dump(mode="json"),
            )
        )

    return UseCase((case_ref(command.case_id),), decide)


def release_reserve(command: response.ReleaseReserve) -> UseCase:
    """A reserve is released for the region, or a part of it."""

    def decide(moment: Moment, case: Loaded[CaseState]) -> Loading[Decision]:
        return (
            yield from _begun(
                moment,
                case,
                ResponseKind.RESERVE,
                command.region,
                response.response_ref,
                lambda id_: response.release(case.state, command, id_, _by(moment), moment.now, _policy(moment)),
            )
        )

    return UseCase((case_ref(command.case_id),), decide)


def end_response(response_id: UUID) -> UseCase:
    """The clock: nobody answers it any more."""

    def decide(moment: Moment, known: Loaded[response.ResponseState]) -> Loading[Decision]:
        over = response.over(known.state, moment.now)
        return (yield from _closed(known, over, _of_case(known.state.decided))) if over else Decision.nothing()

    return UseCase((response.response_ref(response_id),), decide)


def measure_effect(effect_id: UUID) -> UseCase:
    """The clock: the days after a response are over, and are counted as the days before it."""

    def decide(moment: Moment, waiting: Loaded[EffectState]) -> Loading[Decision]:
        awaited, windows = waiting.state.awaited, waiting.state.windows
        if awaited is None or windows is None:
            return Decision.nothing()
        before = yield from _counts(awaited, *windows[0])
        after = yield from _counts(awaited, *windows[1])
        return Decision.on(waiting, effect.measured(waiting.state, before, after, moment.now))

    return UseCase((effect.EFFECT.ref(effect_id),), decide)


def _counts(awaited: EffectAwaited, first: date, last: date) -> Loading[SupplyCounts]:
    about = {"drug_key": awaited.drug_key, "within": awaited.region}
    (row,) = yield Find("supply_counts", {**about, "first": first.isoformat(), "last": last.isoformat()})  # type: ignore[misc]
    return SupplyCounts(
        first=first,
        last=last,
        order_lines=Filled(filled=int(row["orders_filled"]), wanted=int(row["orders_wanted"])),
        demands=Filled(filled=int(row["dispensed"]), wanted=int(row["dispensed"]) + int(row["unfilled"])),
    )


def _begun(
    moment: Moment,
    case: Loaded[CaseState],
    kind: ResponseKind,
    region: str,
    ref: Callable[[UUID], StreamRef[Any]],
    decide: Callable[[UUID], Outcome],
    shown: dict[str, Any] | None = None,
) -> Loading[Decision]:
    """A new response, linked to its case, its effect awaited."""
    response_id = moment.ids.new()
    new, waiting = yield Load.of(ref(response_id), effect_ref(response_id))
    decided = decide(response_id)
    if isinstance(decided, Refusal):
        return Decision.refused(decided)
    link = ResponseLinked(response_id=response_id, kind=kind, region=region)
    awaited = _awaited(response_id, kind, case.state, region, moment)
    answer = {"response_id": str(response_id), "kind": kind.value, "state": new.after(decided).status, **(shown or {})}
    told = (Change(case, (link,)), Change(new, tuple(decided)), Change(waiting, (awaited,)))
    return Decision(told, Answer(201, answer))


def _closed(
    known: Loaded[Any], over: list[DomainEvent], case_id: UUID, answer: Answer | None = None
) -> Loading[Decision]:
    """What is over is no longer among its case's responses."""
    (case,) = yield Load.of(case_ref(case_id))
    told = (Change(known, tuple(over)), Change(case, (ResponseClosed(response_id=known.stream_id),)))
    return Decision(told, answer or Answer())


def _awaited(response_id: UUID, kind: ResponseKind, case: CaseState, region: str, moment: Moment) -> EffectAwaited:
    suspected = _began(case)
    return EffectAwaited(
        response_id=response_id,
        kind=kind,
        case_id=suspected.case_id,
        drug_key=suspected.drug_key,
        region=region,
        since=moment.now,
        days=_policy(moment).effect_days,
    )


def _began(case: CaseState) -> CaseSuspected:
    """What a case that was decided upon began with."""
    return cast(CaseSuspected, case.suspected)


def _of_case(decided: Any) -> UUID:
    """The case of a response that exists."""
    return cast(UUID, decided.case_id)


def _protocol_answer(known: Loaded[protocol.ProtocolState], events: list[DomainEvent]) -> Answer:
    state = known.after(events)
    ends_on = state.over.ends_on.isoformat() if state.over else None
    return Answer(200, {"protocol_id": str(known.stream_id), "state": state.status, "ends_on": ends_on})


def _by(moment: Moment) -> Authority:
    return Authority(node=authority_of(moment.actor.region), person=moment.actor.subject)


def _policy(moment: Moment) -> ShortagePolicy:
    return POLICIES.on(civil_day(moment.now), moment.jurisdiction)
