"""Over HTTP: what a pharmacy could give instead, a substitute proposed, a rest owed."""

from pathlib import Path
from typing import Any

import pytest

from services.dispatch.application.substitutions import propose_substitution
from services.dispatch.domain.fulfilment.commands import ProposeSubstitution
from tests.unit.dispatch.api.test_dispatch_api import Street, code_of
from tests.unit.dispatch.application.test_substitution import STRONG, Short
from tests.unit.dispatch.town import BRAND, KEY, SHA, TABLETS, A, Town, person, refused


@pytest.fixture
def street(town: Town, tmp_path: Path) -> Street:
    return Street(town, tmp_path)


@pytest.fixture
def short(town: Town) -> Short:
    return Short(town)


def alternatives(desk: Any, product: str = TABLETS) -> list[tuple[str, str, int]]:
    items = desk.get("/stock/alternatives", product=product).json()["items"]
    return [(row["product"], row["substitution"], row["unit_price"]) for row in items]


def test_brands_and_substitutes_are_shown_with_their_prices(street: Street, short: Short) -> None:
    street.town.receive(A, BRAND, "B1", 30, price=2000)

    assert alternatives(street.preparer) == [
        (TABLETS, "none", 1250),
        (BRAND, "brand", 2000),
        (STRONG, "protocol", 1480),
    ]
    shown = street.preparer.get("/stock/alternatives", product=TABLETS).json()["items"][2]
    assert (shown["protocol_id"], shown["mode"]) == (str(short.id), "prescriber_confirms")
    assert shown["ratio"] == {"numerator": 2, "denominator": 1}
    assert code_of(street.preparer.get("/stock/alternatives", product="X")) == "product.unknown"


def test_a_protocol_that_does_not_hold_here_shows_nothing(street: Street, town: Town) -> None:
    Short(town, regions=("33",))

    assert alternatives(street.preparer) == [(TABLETS, "none", 1250)]


def test_a_substitute_is_held_proposed_and_seen_to_wait(street: Street, short: Short) -> None:
    fulfilment = street.town.release()
    held = street.pharmacist.post(
        f"/fulfilments/{fulfilment}/holds",
        token=street.token(fulfilment),
        way="counter",
        lines=[{"line": 1, "quantity": 60, "product": STRONG, "protocol_id": str(short.id)}],
    ).json()
    path = f"/fulfilments/{fulfilment}/holds/{held['hold_id']}"
    assert code_of(street.pharmacist.post(f"{path}/review", secret=held["secret"])) == "substitution.not_confirmed"

    body = {"secret": held["secret"], "line": 1, "patient_agrees": True}
    assert street.pharmacist.post(f"{path}/substitution-proposals", **body).status_code == 200

    (proposal,) = street.patient.get(f"/fulfilments/{fulfilment}").json()["proposals"]
    assert (proposal["product"], proposal["confirmed"]) == (STRONG, False)
    short.confirm(fulfilment)
    assert street.patient.get(f"/fulfilments/{fulfilment}").json()["proposals"][0]["confirmed"] is True
    assert street.pharmacist.post(f"{path}/review", secret=held["secret"]).status_code == 200


def test_who_does_not_show_the_secret_proposes_nothing(short: Short) -> None:
    fulfilment = short.town.release()
    hold_id = short.hold(fulfilment)
    command = ProposeSubstitution(
        hold_id=hold_id, pharmacy=A, pharmacist=person("pharmacist"), line=1, patient_agrees=True
    )

    refused(short.town.store.run(propose_substitution(fulfilment, command, SHA, KEY)), "hold.wrong_secret")


def test_a_protocol_told_twice_is_known_once(short: Short) -> None:
    before = len(short.town.store.log)

    short.town.store.react(short.protocol)

    assert len(short.town.store.log) == before


def test_the_patient_asks_for_the_rest(street: Street) -> None:
    fulfilment = street.town.release()
    supply = street.town.dispensed(fulfilment, 40, held=60)
    path = f"/fulfilments/{fulfilment}/supplies/{supply}/notices"

    assert street.patient.post(path, line=1).json()["owed"] == 20
    assert code_of(street.stranger.post(path, line=1)) == "fulfilment.not_yours"
    assert code_of(street.nobody.post(path, line=1)) == "fulfilment.not_yours"
    assert street.checker.post(path, line=1).json()["owed"] == 20
    assert code_of(street.competitor.post(path, line=1)) == "supply.not_yours"
    street.town.receive(A, TABLETS, "L2", 60)
    assert len(street.patient.get("/notices").json()["items"]) == 1
    assert street.nobody.get("/notices").json()["items"] == []
