"""Whatever dispatch tells, in whatever order: quantities sum to what was prescribed, and an end stays an end."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.prescribe.domain.cancellation import answer_overdue, cancel, take_decision
from services.prescribe.domain.commands import CancelPrescription
from services.prescribe.domain.policy import CN
from services.prescribe.domain.prescription import PRESCRIPTION, PrescriptionState, fulfilment_id
from services.prescribe.domain.prescription_events import InstalmentOpened, PrescriptionIssued, PrescriptionReleased
from services.prescribe.domain.progress import Progress, end_fulfilment, follow
from services.prescribe.domain.validity import expire
from services.prescribe.domain.values import BUCKETS, FINAL, CancelledLine, LineBuckets
from services.seedwork.model import Refusal

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
PRESCRIPTION_ID, REQUEST_ID = UUID(int=1), UUID(int=2)
PRESCRIBED = 20
POLICY = CN.on(date(2026, 3, 2))


def released() -> PrescriptionState:
    line = {
        "line": 1,
        "product": "X",
        "dose": "1",
        "dose_unit": "mg",
        "frequency_per_day": 1,
        "days": PRESCRIBED,
        "quantity": PRESCRIBED,
        "route": "口服",
        "generic_name": "x",
        "form": "x",
        "strength": "x",
        "base_unit": "片",
        "drug_class": "ordinary",
        "counter_only": False,
        "cold_chain": False,
    }
    issued: dict[str, Any] = {
        "prescription_id": PRESCRIPTION_ID,
        "patient_ref": UUID(int=3),
        "revision": 1,
        "prescriber": "D",
        "institution": "H",
        "region": "330102",
        "visit_kind": "outpatient",
        "patient_name": None,
        "facts": None,
        "diagnoses": None,
        "lines": (line,),
        "long_supply_reason": None,
        "validity_days": 1,
        "validity_reason": None,
        "online_visit": False,
        "insurance_intent": {"kind": "general"},
        "insurance_disease_code": None,
        "signature": {"kid": "k", "sha256": "s"},
        "jws": None,
        "policy_version": "cn",
        "issued_at": NOW,
        "valid_until": NOW + timedelta(hours=10),
    }
    answer = {"case_id": UUID(int=4), "patient_ref": UUID(int=3), "revision": 1, "confirmation_no": 0}
    empty: dict[str, Any] = {"reviewers": (), "findings": (), "codes": (), "comment": None}
    return PRESCRIPTION.fold(
        [
            PrescriptionIssued(**issued),
            PrescriptionReleased(**answer, **empty),
            InstalmentOpened(instalment=1, of=1, opens_at=NOW, closes_at=NOW, lines=()),
        ]
    )


@st.composite
def told(draw: st.DrawFn) -> tuple[LineBuckets, ...]:
    """What dispatch may tell: mostly balanced, sometimes not."""
    cuts = sorted(draw(st.lists(st.integers(0, PRESCRIBED), min_size=6, max_size=6)))
    sizes = [b - a for a, b in zip([0, *cuts], [*cuts, PRESCRIBED], strict=True)]
    line = LineBuckets(line=1, **dict(zip(BUCKETS, draw(st.permutations(sizes)), strict=True)))
    if draw(st.integers(0, 9)) == 0:
        line = line.model_copy(update={"held": line.held + 1})
    return (line,)


causes = st.sampled_from(["quantity_held", "hold_ended", "supply_dispensed", "supply_received", "supply_undone"])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("progress"), causes, told()),
        st.tuples(st.just("decided"), st.booleans(), told()),
        st.tuples(st.just("closed"), st.none(), told()),
        st.tuples(st.sampled_from(["cancel", "expire", "overdue"]), st.none(), st.none()),
    ),
    max_size=15,
)


def take(state: PrescriptionState, step: Any, now: datetime) -> Any:
    kind, detail, buckets = step
    match kind:
        case "progress":
            return follow(state, Progress(detail, buckets))
        case "decided":
            decided = (CancelledLine(line=1, cancelled=buckets[0].cancelled),)
            return take_decision(state, REQUEST_ID, decided, buckets, final=detail)
        case "closed":
            return end_fulfilment(state, fulfilment_id(PRESCRIPTION_ID, 1), "mixed", buckets)
        case "cancel":
            command = CancelPrescription(
                prescription_id=PRESCRIPTION_ID, request_id=REQUEST_ID, reason_code="wrong_drug"
            )
            return cancel(state, command, "D", None, policy=POLICY, now=now)
        case "expire":
            return expire(state, now)
        case _:
            return answer_overdue(state, now)


@given(steps, st.integers(0, 12))
def test_the_identity_holds_after_every_event(taken: list[Any], hours: int) -> None:
    state = released()
    for number, step in enumerate(taken):
        outcome = take(state, step, NOW + timedelta(hours=hours * number))
        if isinstance(outcome, Refusal):
            continue
        for event in outcome:
            before, state = state, PRESCRIPTION.evolve(state, event)
            assert sum(state.buckets[1].of(bucket) for bucket in BUCKETS) == PRESCRIBED
            assert before.status not in FINAL or state.status == before.status
    if state.validity_over and not state.ended:
        assert state.buckets[1].remaining == 0
