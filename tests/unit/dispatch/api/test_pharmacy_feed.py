"""The feed of a pharmacy: what has changed since it last asked, and nothing of what is others'."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.unit.dispatch.api.test_dispatch_api import Street, code_of
from tests.unit.dispatch.town import A, B, Town


@pytest.fixture
def street(town: Town, tmp_path: Path) -> Street:
    return Street(town, tmp_path)


class Follower:
    """Asks with the cursor it was given last."""

    def __init__(self, desk: Any) -> None:
        self.desk = desk
        self.cursor: str | None = None

    def changes(self, **more: Any) -> list[dict[str, Any]]:
        if self.cursor is not None:
            more["cursor"] = self.cursor
        page = self.desk.get("/pharmacy-feed", **more).json()
        self.cursor = page["next"]
        return list(page["items"])

    def statuses(self) -> list[str]:
        return [each["status"] for each in self.changes()]


def test_a_hold_is_told_at_each_step_of_its_life_and_each_change_once(street: Street, town: Town) -> None:
    feed = Follower(street.pharmacist)
    assert feed.changes() == []
    fulfilment = town.release()
    hold_id = town.hold(fulfilment)

    (held,) = feed.changes()
    assert (held["kind"], held["status"], held["hold_id"]) == ("hold", "held", str(hold_id))
    assert held["fulfilment_id"] == str(fulfilment)
    assert held["due_at"] is not None
    assert feed.changes() == []
    street.town.review(fulfilment, hold_id)
    assert feed.statuses() == ["accepted"]
    supply_id = town.prepare(fulfilment, hold_id)
    assert feed.statuses() == ["prepared"]
    town.try_check(fulfilment, supply_id)
    assert feed.statuses() == ["dispensed"]
    town.clear(fulfilment, supply_id)
    (cleared,) = feed.changes()
    assert (cleared["status"], cleared["claim"], cleared["supply_id"]) == ("dispensed", "cleared", str(supply_id))


def test_who_comes_late_gets_what_stands_now(street: Street, town: Town) -> None:
    fulfilment = town.release()
    hold_id = town.accepted(fulfilment)
    town.release_hold(fulfilment, hold_id, reason="out_of_stock")

    ended, contradiction = Follower(street.pharmacist).changes()

    assert (ended["status"], ended["reason"], ended["due_at"]) == ("released", "out_of_stock", None)
    assert (contradiction["kind"], contradiction["facts"]["on_hand"]) == ("contradiction", 200)


def test_a_nomination_is_told_to_who_is_chosen_and_withdrawn_from_who_was(street: Street, town: Town) -> None:
    ours, theirs = Follower(street.pharmacist), Follower(street.competitor)
    fulfilment = town.release()
    path = f"/fulfilments/{fulfilment}/nominations"

    street.patient.post(path, pharmacy=A)
    (chosen,) = ours.changes()
    assert (chosen["kind"], chosen["status"], chosen["hold_id"]) == ("nomination", "nominated", None)
    assert str(town.patient_ref) not in str(chosen)
    assert theirs.changes() == []

    street.patient.post(path, pharmacy=B)
    assert ours.statuses() == ["withdrawn"]
    assert theirs.statuses() == ["nominated"]

    street.patient.post(path, pharmacy=A)
    assert (ours.statuses(), theirs.statuses()) == (["nominated"], ["withdrawn"])
    town.expire(fulfilment)
    assert (ours.statuses(), theirs.statuses()) == (["over"], [])


def test_two_holds_that_are_blocked_at_once_come_one_by_one(street: Street, town: Town) -> None:
    fulfilment = town.release(60, 2)
    holds = {town.hold(fulfilment, (1, 20)), town.hold(fulfilment, (2, 1))}
    third = UUID(street.hold(fulfilment, 20).json()["hold_id"])
    feed = Follower(street.pharmacist)
    assert len(feed.changes()) == 3

    secret = street.pharmacist.post(f"/fulfilments/{fulfilment}/holds/{third}/secret").json()["secret"]
    refusal = {"secret": secret, "lines": [1], "code": "2-8", "reason": "剂量超出说明书"}
    blank = street.pharmacist.post(f"/fulfilments/{fulfilment}/holds/{third}/refusal", **refusal | {"reason": " "})
    assert blank.json()["code"] == "request.invalid"
    refused = street.pharmacist.post(f"/fulfilments/{fulfilment}/holds/{third}/refusal", **refusal)
    assert refused.status_code == 200, refused.text

    seen = [each for _ in range(3) for each in feed.changes(limit=1)]
    assert {UUID(each["hold_id"]) for each in seen} == {*holds, third}
    assert all(each["notice"] == "blocked" for each in seen)
    assert feed.changes() == []


def test_it_is_for_the_people_of_a_pharmacy(street: Street, town: Town) -> None:
    town.hold(town.release())

    assert code_of(street.patient.get("/pharmacy-feed")) == "identity.forbidden"
    assert street.competitor.get("/pharmacy-feed").json() == {"items": [], "next": None}
    assert len(street.preparer.get("/pharmacy-feed").json()["items"]) == 1
    assert code_of(street.pharmacist.get("/pharmacy-feed", cursor="made-up")) == "request.cursor"


def test_who_waits_is_answered_when_something_changes(
    street: Street, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    find, looks = town.store.find, []

    async def later(query: str, **parameters: Any) -> Any:
        looks.append(query)
        if len(looks) == 3:
            town.hold(town.release())
        return await find(query, **parameters)

    monkeypatch.setattr(town.store, "find", later)

    assert [each["status"] for each in Follower(street.pharmacist).changes(wait_seconds=10)] == ["held"]
    assert len(looks) == 3
    assert Follower(street.competitor).changes(wait_seconds=0.1) == []
