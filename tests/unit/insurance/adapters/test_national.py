"""Messages of the national form: what is no answer is unknown, what does not add up is not taken."""

import asyncio
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest
from typer.testing import CliRunner

from rxflow.cli import app
from services.insurance.adapters.national import gateway as composed
from services.insurance.adapters.national.answers import outcome_of
from services.insurance.adapters.national.envelope import EnvelopeKeys, sealed
from services.insurance.adapters.national.gateway import SILENT_MAX, NationalGateway
from services.insurance.adapters.national.keys import application_keys, development_keys
from services.insurance.adapters.national.messages import TRANSACTIONS, msgid, request, settlement
from services.insurance.adapters.national.money import Unreadable, fen, yuan
from services.insurance.adapters.simulated_insurer.app import PATH, insurer_app
from services.insurance.adapters.simulated_insurer.books import Books
from services.insurance.adapters.simulated_insurer.insurer import Insurer
from services.insurance.adapters.simulated_insurer.journal import Journal
from services.insurance.adapters.simulated_insurer.mishaps import Mishaps
from services.insurance.domain.amounts import ClaimLine
from services.insurance.domain.gateway import Asked, OutcomeKind, Reach
from services.seedwork.failures import ConfigurationError
from services.seedwork.settings import Settings
from services.seedwork.webhooks.post import Answer, Letter
from tests.support.webhook_receiver import receiver
from tests.unit.insurance.far import APPLICATION, PLATFORM, URL, Far
from tests.unit.insurance.memory import INSURER, SUPPLY, undone

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
REACH = Reach(INSURER, "310100", URL)
ASKED = Asked(
    message_id=UUID(int=123_456),
    requested_at=NOW,
    member_number="M1",
    pharmacy="P31010100001",
    region="310101",
    prescription_id=UUID(int=3),
    insutype="390",
    med_type="门诊统筹",
    lines=(
        ClaimLine(line=1, product="X1", generic_name="药", quantity=20, unit_price=2550, amount=5100, traced=True),
        ClaimLine(line=2, product="X2", generic_name="药", quantity=30, unit_price=9999, amount=29997, traced=True),
    ),
)


@pytest.mark.parametrize(("cents", "text"), [(0, "0.00"), (5, "0.05"), (1230, "12.30"), (-101, "-1.01")])
def test_amounts_are_exact_both_ways(cents: int, text: str) -> None:
    assert (yuan(cents), fen(text)) == (text, cents)


@pytest.mark.parametrize("said", ["12.345", "1e3", "", " 1", "1.", 12, 1.5, None, "NaN", "9" * 14])
def test_what_is_no_amount_is_not_read(said: object) -> None:
    with pytest.raises(Unreadable):
        fen(said)


def test_a_message_id_has_thirty_characters_and_is_the_same_again() -> None:
    assert msgid("P31010100001", NOW, UUID(int=123_456)) == "P31010100001" + "20260302120000" + "3456"
    assert len(msgid("P1", NOW, UUID(int=1))) == 30
    assert all(len(each.infno) == 4 for each in TRANSACTIONS)


def answer() -> dict[str, Any]:
    return Insurer("310100", Books(), lambda _record: None).handle(
        request("2102", REACH, ASKED, settlement(ASKED)), NOW
    )


def told(answered: dict[str, Any]) -> OutcomeKind:
    return outcome_of(answered, REACH, ASKED, str(ASKED.message_id), amounts=True).kind


def test_an_answer_that_adds_up_is_taken_to_the_fen() -> None:
    outcome = outcome_of(answer(), REACH, ASKED, str(ASKED.message_id), amounts=True)
    amounts = outcome.adjudication
    assert (outcome.kind, outcome.insurer) == (OutcomeKind.ACCEPTED, INSURER)
    assert amounts is not None
    assert amounts.insutype == ASKED.insutype == "390"
    assert amounts.total == 35097 == sum(share.amount for share in amounts.payers)
    for line in amounts.lines:
        parts = (line.own_pay, line.over_limit, line.first_self_pay, line.in_scope)
        assert line.total == sum(part.amount for part in parts) == sum(share.amount for share in line.payers)


def _set(*path: Any) -> Callable[[dict[str, Any]], None]:
    *way, name, value = path

    def change(answered: dict[str, Any]) -> None:
        found: Any = answered
        for step in way:
            found = found[step]
        found[name] = value

    return change


SETTLED, LINE = ("output", "setlinfo"), ("output", "detlcutinfo", 0)
SPOILT: dict[str, Callable[[dict[str, Any]], None]] = {
    "no output": _set("output", None),
    "no settlement": _set("output", "setlinfo", []),
    "another message": _set(*SETTLED, "medins_setl_id", str(UUID(int=9))),
    "another code": _set("infcode", "7"),
    "a fen too much": _set(*SETTLED, "medfee_sumamt", "350.98"),
    "a fund more": _set(*SETTLED, "maf_pay", "0.01"),
    "more digits": _set(*SETTLED, "hifp_pay", "1.001"),
    "a fund nobody knows": _set(*SETTLED, "oth_pay", "0.01"),
    "a line missing": lambda answered: answered["output"]["detlcutinfo"].pop(),
    "a line twice": _set(*LINE, "feedetl_sn", "2"),
    "another sum of a line": _set(*LINE, "det_item_fee_sumamt", "51.01"),
    "parts that are not the line": _set(*LINE, "preselfpay_amt", "0.00"),
    "details of another kind": _set("output", "detlcutinfo", "x"),
}


@pytest.mark.parametrize("spoil", list(SPOILT))
def test_an_answer_that_does_not_add_up_is_unknown(spoil: str) -> None:
    answered = deepcopy(answer())
    SPOILT[spoil](answered)
    assert told(answered) is OutcomeKind.UNKNOWN


def test_funds_beyond_what_is_in_scope_are_not_taken() -> None:
    answered = answer()
    said = answered["output"]["setlinfo"]
    moved = fen(said["psn_cash_pay"]) + fen(said["acct_pay"])
    said.update(acct_pay="0.00", psn_cash_pay="0.00", psn_part_amt="0.00")
    said.update(hifp_pay=yuan(fen(said["hifp_pay"]) + moved), fund_pay_sumamt=said["medfee_sumamt"])
    assert told(answered) is OutcomeKind.UNKNOWN


def test_the_insurer_refuses_what_it_cannot_read_and_other_content_under_an_id() -> None:
    insurer = Insurer("310100", Books(), lambda _record: None)
    good = request("2102", REACH, ASKED, settlement(ASKED))
    assert insurer.handle(good, NOW)["infcode"] == "0"
    other = deepcopy(good)
    other["input"]["druginfo"]["psn_no"] = "M2"
    assert insurer.handle(other, NOW)["infcode"] == "-3"
    credential = deepcopy(good)
    credential["input"]["druginfo"]["mdtrt_cert_no"] = "another"
    assert insurer.handle(credential, NOW)["output"]["setlinfo"]["rep_flag"] == "1"
    for broken in ({}, {"input": {}, "msgid": "x", "infno": "9999"}, {"input": {}, "msgid": "x", "infno": "2103"}):
        assert insurer.handle(broken, NOW)["infcode"] == "-1"
    wrong = deepcopy(good)
    wrong["msgid"], wrong["input"]["druginfo"]["medfee_sumamt"] = "other", "1.00"
    assert insurer.handle(wrong, NOW)["infcode"] == "-1"


# the gateway


class Clock:
    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def gateway(reply: Answer, clock: Callable[[], float] = lambda: 0.0) -> tuple[NationalGateway, list[Letter]]:
    seen: list[Letter] = []

    def post(letter: Letter) -> Answer:
        seen.append(letter)
        return reply

    return NationalGateway(lambda _code: APPLICATION, post, lambda: NOW, clock), seen


def said(content: Any, keys: EnvelopeKeys = PLATFORM, at: datetime = NOW) -> Answer:
    return Answer(200, body=orjson.dumps(sealed(content, keys, at)))


@pytest.mark.parametrize(
    "reply",
    [
        Answer(None, "no_connection"),
        Answer(None, "time_out"),
        Answer(500),
        Answer(302),
        Answer(200, body=b"fine"),
        Answer(200, body=b""),
        Answer(201, body=said({"infcode": "0"}).body),
        Answer(200, body=b'{"infcode": "0"}'),
        said({"infcode": "0"}, APPLICATION),
        said({"infcode": "0"}, at=NOW - timedelta(hours=1)),
        said({"infcode": "-9"}),
    ],
)
def test_whatever_goes_wrong_on_the_way_is_unknown(reply: Answer) -> None:
    far, _ = gateway(reply)
    for ask in (far.quote, far.authorise, far.inquire, far.settle, far.void):
        assert ask(REACH, ASKED).kind is OutcomeKind.UNKNOWN


def test_an_insurer_without_keys_is_unknown() -> None:
    def none(code: str) -> Any:
        raise ConfigurationError(code)

    assert NationalGateway(none).quote(REACH, ASKED).kind is OutcomeKind.UNKNOWN


def test_an_address_that_does_not_answer_rests_and_is_tried_again() -> None:
    clock = Clock()
    far, seen = gateway(Answer(None, "no_connection"), clock)
    for _ in range(SILENT_MAX + 5):
        far.quote(REACH, ASKED)
    assert len(seen) == SILENT_MAX
    clock.at = 6.0
    far.quote(REACH, ASKED)
    assert len(seen) == SILENT_MAX + 1


def over_http(monkeypatch: pytest.MonkeyPatch, development: str = "1", seconds: float = 0.4) -> NationalGateway:
    """Composed as in the service, but for keys and clock; what it says is to be had within a short deadline."""
    monkeypatch.setenv("RXFLOW_DEVELOPMENT", development)
    monkeypatch.setattr("services.insurance.adapters.national.gateway.SECONDS_MAX", seconds)
    for kept in (composed._settings, composed._called):  # read once, as everywhere
        kept.cache_clear()
    return NationalGateway(lambda _code: APPLICATION, clock=lambda: NOW)


def test_an_answer_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver() as platform:
        platform.replies.append(platform.drip)
        far = over_http(monkeypatch)
        before = time.monotonic()

        assert far.quote(replace(REACH, url=platform.url), ASKED).kind is OutcomeKind.UNKNOWN
        assert time.monotonic() - before < 5.0, "it drips for twice as long"
        assert len(platform.received) == 1


def test_a_day_of_differences_is_sent_and_read_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    content = {"infcode": "0", "output": {"note": "x" * 300_000}}
    body = said(content).body
    with receiver() as platform:
        platform.replies.append(lambda handler: handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n" + body))
        far = over_http(monkeypatch, seconds=30)

        assert far.send(replace(REACH, url=platform.url), {"note": "y" * 100_000}) == content


def test_a_platform_is_called_by_https_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver() as platform:
        far = over_http(monkeypatch, development="0")

        assert far.quote(replace(REACH, url=platform.url), ASKED).kind is OutcomeKind.UNKNOWN
        assert platform.received == []


# keys


def test_both_sides_have_keys_in_development_and_a_file_otherwise(tmp_path: Path) -> None:
    development = Settings(development=True, key_directory=tmp_path)
    ours, theirs = application_keys(development, INSURER), development_keys(development, INSURER, "platform")
    assert (ours.app_id, ours.secret) == (theirs.app_id, theirs.secret)
    assert sealed({}, theirs, NOW)["appId"] == ours.app_id

    production = Settings(key_directory=tmp_path)
    with pytest.raises(ConfigurationError, match="development"):
        development_keys(production, INSURER, "platform")
    with pytest.raises(ConfigurationError, match="missing"):
        application_keys(production, INSURER)
    path = tmp_path / f"gateway-{INSURER}.json"
    path.touch(mode=0o600)
    path.write_bytes(orjson.dumps({"app_id": "x"}))
    with pytest.raises(ConfigurationError, match="does not hold"):
        application_keys(production, INSURER)
    key = {"app_id": ours.app_id, "secret": ours.secret, "own": ours.own.hex(), "theirs": ours.theirs.hex()}
    path.write_bytes(orjson.dumps(key))
    assert application_keys(production, INSURER) == ours


# the simulated insurer as a process


def test_books_come_back_from_the_journal_without_what_was_not_written_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    far = Far(journal=path)
    far.hear()
    far.ask()
    before = far.theirs()
    with path.open("ab") as file:
        file.write(b'["take_back","x","2026-')
    far.start()
    assert far.theirs() == before
    far.memory.hear(undone())
    far.tick()
    far.start()
    assert sum(total for total, _, _ in far.theirs().values()) == 0
    with Journal(path) as journal:
        assert len(journal.books.entries) == 1


@pytest.mark.parametrize("chances", [{"pigeons": 1.0}, {"fail": 2.0}, {"fail": -0.1}, {"fail": 0.6, "delay": 0.6}])
def test_chances_are_chances(chances: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"mode|chances"):
        Mishaps.of(chances)


def test_over_http_it_answers_and_is_meddled_with_in_development_only() -> None:
    asyncio.run(_over_http())


async def _over_http() -> None:
    far = Far()
    far.hear(SUPPLY)
    far.tick()
    body = far.messages[-1]
    open_app = insurer_app(far.desk, far.books, control=True, clock=lambda: far.memory.time, late_seconds=0.0)
    transport = httpx.ASGITransport(open_app)
    async with httpx.AsyncClient(transport=transport, base_url="http://insurer") as client:
        assert (await client.post(PATH, content=body)).status_code == 200
        assert (await client.post(PATH, content=b"x")).status_code == 401
        assert (await client.post(PATH, content=b"x" * 300_000)).status_code == 413
        assert (await client.put("/control/mishaps", json={"delay": 1})).status_code == 204
        assert (await client.put("/control/mishaps", json={"pigeons": 1})).status_code == 400
        assert (await client.put("/control/mishaps", json=[1])).status_code == 400
        assert (await client.post(PATH, content=body)).status_code == 200
        shown = await client.get("/control/books", params={"first": "2026-01-01", "last": "2026-12-31"})
        assert shown.json()["gone_wrong"]["delay"] == 1
        assert (await client.get("/control/books")).status_code == 400
    closed = httpx.ASGITransport(insurer_app(far.desk, far.books, control=False))
    async with httpx.AsyncClient(transport=closed, base_url="http://insurer") as client:
        assert (await client.put("/control/mishaps", json={})).status_code == 404


@pytest.mark.parametrize(
    "arguments", [["--mode", "pigeons"], ["--chance", "fail=often"], ["--host", "0.0.0.0"], ["--host", "example.org"]]
)
def test_the_command_says_what_is_wrong(arguments: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RXFLOW_DEVELOPMENT", "1")
    monkeypatch.setenv("RXFLOW_KEY_DIRECTORY", str(tmp_path))
    result = CliRunner().invoke(app, ["simulate", "insurer", INSURER, *arguments])
    assert result.exit_code == 2


def test_the_command_runs_in_development_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RXFLOW_DEVELOPMENT", "0")
    monkeypatch.setenv("RXFLOW_KEY_DIRECTORY", str(tmp_path))
    result = CliRunner().invoke(app, ["simulate", "insurer", INSURER, "--journal", str(tmp_path / "journal")])
    assert result.exit_code == 2
