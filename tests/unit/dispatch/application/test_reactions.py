"""What other services tell, and what dispatch makes of it."""

from uuid import uuid4

from contracts.events import dispatch as told
from contracts.events import shortage
from contracts.values import LineBuckets
from services.dispatch.application.views import content_view
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS, fulfilment_id
from services.dispatch.domain.prescription_content import CONTENTS, ContentState, content_id
from services.dispatch.domain.shortage import SHORTAGES, shortage_id
from tests.unit.dispatch.town import NOON, SYRUP, TABLETS, VALID_UNTIL, Town


def test_a_released_prescription_opens_its_fulfilment(town: Town) -> None:
    fulfilment = town.release(60, 2)

    (event,) = town.store.told_of(told.FulfilmentOpened)
    assert (event.fulfilment_id, event.instalment, event.instalments) == (fulfilment, 1, 1)
    assert (event.opens_at, event.closes_at) == (NOON, VALID_UNTIL)
    assert event.buckets[0] == LineBuckets(
        line=1, remaining=60, held=0, dispensed=0, in_hands=0, replaceable=0, cancelled=0, lapsed=0
    )
    lines = town.state(fulfilment).lines
    assert [lines[number].content.product for number in (1, 2)] == [TABLETS, SYRUP]


def test_the_same_release_again_changes_nothing(town: Town) -> None:
    prescription_id = uuid4()
    for _ in range(2):
        town.store.react(town.released(prescription_id, (60,)))
        town.store.react(town.instalment(prescription_id, (60,)))

    assert len(town.store.told_of(told.FulfilmentOpened)) == 1
    assert len(town.store.streams[content_id(prescription_id)]) == 2


def test_content_of_a_forgotten_patient_is_kept_without_clinical_facts(town: Town) -> None:
    prescription_id = uuid4()
    event = town.released(prescription_id, (60,)).model_copy(update={"diagnoses": None, "patient_name": None})

    town.store.react(event)

    content = town.store.state(CONTENTS.ref(content_id(prescription_id))).content
    assert (content.diagnoses, content.patient_name) == (None, None)
    assert content_view(ContentState(content))["diagnoses"] is None
    assert content_view(ContentState()) == {}


def test_an_instalment_without_content_is_refused_and_nothing_opens(town: Town) -> None:
    prescription_id = uuid4()

    outcome = town.store.react(town.instalment(prescription_id, (60,)))

    assert outcome.refusal is not None
    assert outcome.refusal.code == "fulfilment.content_unknown"
    assert town.store.state(FULFILMENTS.ref(fulfilment_id(prescription_id, 1))).status == "-"


def case(**changes: object) -> shortage.ShortageCaseConfirmed:
    return shortage.ShortageCaseConfirmed.model_validate(
        {
            "case_id": uuid4(),
            "drug_key": "卡托普利|片剂|25mg",
            "region": "4301",
            "grade": "III",
            "owner_level": "city",
            "confirmed_by": "rule",
            "evidence": {
                "window_hours": 24,
                "demands": 3,
                "pharmacies": 3,
                "counties": 2,
                "in_one_county": 2,
                "cities": 1,
                "provinces": 1,
                "contradictory": 0,
            },
            **changes,
        }
    )


def test_a_confirmed_shortage_is_known_until_it_is_over(town: Town) -> None:
    confirmed = case()
    for _ in range(2):
        town.store.react(confirmed)
    known = SHORTAGES.ref(shortage_id(confirmed.case_id))
    assert town.store.state(known).grade == "III"
    assert town.store.rows("shortages_of", drug_key=confirmed.drug_key) == [{"region": "4301", "grade": "III"}]

    over = shortage.ShortageCaseEnded(
        case_id=confirmed.case_id,
        drug_key=confirmed.drug_key,
        region=confirmed.region,
        ended_as="dismissed",
        duration_hours=5,
    )
    for _ in range(2):
        town.store.react(over)

    assert len(town.store.streams[known.stream_id]) == 2
    assert town.store.rows("shortages_of", drug_key=confirmed.drug_key) == []
