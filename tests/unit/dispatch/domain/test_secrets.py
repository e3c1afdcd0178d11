"""Secrets that nobody stores."""

from uuid import uuid4

from services.dispatch.domain import secrets

KEY, OTHER = b"one key", b"another"


def test_a_token_is_twelve_letters_that_can_be_read_out() -> None:
    token = secrets.patient_token(KEY, uuid4(), 1)

    assert len(token) == secrets.TOKEN_LENGTH == 12
    assert set(token) <= set(secrets.ALPHABET)
    assert not set("ILOU") & set(secrets.ALPHABET)


def test_a_new_issue_or_key_makes_another_token_with_the_same_locator() -> None:
    fulfilment = uuid4()
    token = secrets.patient_token(KEY, fulfilment, 1)

    others = {secrets.patient_token(KEY, fulfilment, 2), secrets.patient_token(OTHER, fulfilment, 1)}
    assert token not in others
    assert {other[:5] for other in others} == {token[:5]} == {secrets.locator(fulfilment)}


def test_misread_letters_case_and_grouping_do_not_matter() -> None:
    assert secrets.read_token(" o1l-i abc ") == "0111ABC"
    assert secrets.read_token("rxflow:1:0abc") == "0ABC"


def test_each_secret_depends_on_all_it_is_for() -> None:
    hold, supply, prescription = uuid4(), uuid4(), uuid4()

    assert secrets.hold_secret(KEY, hold, "A") != secrets.hold_secret(KEY, hold, "B")
    assert secrets.hold_secret(KEY, hold, "A") != secrets.hold_secret(KEY, uuid4(), "A")
    assert len(secrets.pickup_code(KEY, supply)) == 8
    assert secrets.demand_key(KEY, prescription, 1) != secrets.demand_key(KEY, prescription, 2)
    assert secrets.same("a", "a")
    assert not secrets.same("ä", "a")
