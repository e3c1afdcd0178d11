"""Settings: where things are, and that development mode stays at home."""

import base64
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from services.seedwork.failures import ConfigurationError
from services.seedwork.settings import Settings


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*os.environ]:
        if name.startswith(("RXFLOW_", "PGHOST")):
            monkeypatch.delenv(name)


def test_without_any_variable_it_runs_embedded_on_this_machine() -> None:
    settings = Settings()
    assert settings.service_database_url("prescribe") == "sqlite:///var/prescribe.db"
    assert settings.broker_url == "inproc://localhost//"
    assert settings.peer("dispatch") == "http://127.0.0.1:8103"
    assert not settings.development


def test_variables_have_the_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RXFLOW_DEVELOPMENT", "1")
    monkeypatch.setenv("RXFLOW_PEERS", '{"review": "http://127.0.0.1:9000/review/"}')
    monkeypatch.setenv("RXFLOW_PORTS", '{"dispatch": 9103}')
    settings = Settings()
    assert settings.development
    assert settings.peer("review") == "http://127.0.0.1:9000/review"
    assert settings.port("dispatch") == 9103
    assert settings.peer("dispatch") == "http://127.0.0.1:9103"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite:///var/x/", "sqlite:///var/x/shortage.db"),
        ("sqlite:////srv/rxflow", "sqlite:////srv/rxflow/shortage.db"),
        ("postgresql:///rx", "postgresql:///rx_shortage"),
        ("postgresql://u:p%40@db:5433/rx?sslmode=require", "postgresql://u:p%40@db:5433/rx_shortage?sslmode=require"),
        ("postgresql+psycopg://db/rx", "postgresql+psycopg://db/rx_shortage"),
    ],
)
def test_each_service_has_its_own_database(url: str, expected: str) -> None:
    assert Settings(database_url=url).service_database_url("shortage") == expected


def test_the_keyring_is_a_database_of_its_own() -> None:
    assert Settings(database_url="postgresql://db/rx").keyring_database_url == "postgresql://db/rx_keyring"


@pytest.mark.parametrize(
    "wrong",
    [
        {"database_url": "mysql://db/rx"},
        {"database_url": "postgresql://db"},
        {"database_url": "postgresql://db/Rx"},
        {"database_url": "postgresql://db/" + "r" * 60},
        {"database_url": "sqlite:///"},
        {"database_url": "sqlite://var"},
        {"database_url": "sqlite:///var?mode=ro"},
        {"peers": {"pharmacy": "http://127.0.0.1:1"}},
        {"ports": {"pharmacy": 1}},
        {"pool_size": 0},
        {"in_flight_max": 0},
        {"body_bytes_max": 0},
        {"log_level": "loud"},
        {"regional_stores": {"east": "http://127.0.0.1:1"}},
        {"regional_store": "east"},
        {"regional_stores": {"east": "http://127.0.0.1:1"}, "regional_store": "west"},
        {"regional_stores": {"East": "http://127.0.0.1:1"}, "regional_store": "East"},
        {"regional_stores": {"east": "ftp://127.0.0.1:1"}, "regional_store": "east"},
        {"regional_stores": {"east": "http://127.0.0.1:1"}, "regional_store": "east"},
        {"regional_stores": {"east": "ftp://127.0.0.1:1"}, "regional_store": "east", "plain_http": True},
    ],
)
def test_what_makes_no_sense_is_refused_at_start(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings(**wrong)


def test_other_regions_are_asked_without_tls_in_a_closed_network_alone() -> None:
    east = {"regional_stores": {"east": "http://10.0.0.1"}, "regional_store": "east"}
    assert Settings(**east, plain_http=True).regional_stores == east["regional_stores"]


@pytest.mark.parametrize(
    "outside",
    [
        {"host": "0.0.0.0"},
        {"host": "192.168.1.4"},
        {"host": "rx.example"},
        {"database_url": "postgresql://db.example/rx"},
        {"database_url": "postgresql:///rx?host=db.example"},
        {"database_url": "postgresql:///rx?host=/tmp&hostaddr=10.0.0.1"},
        {"database_url": "postgresql://localhost,db.example/rx"},
        {"database_url": "postgresql://localhost/rx?host=db.example"},
        {"broker_url": "amqp://guest@broker.example//"},
        {"broker_url": "amqp://localhost;amqp://broker.example"},
        {"broker_admin_url": "http://broker.example:15672"},
        {"peers": {"review": "http://review.example"}},
        {"regional_stores": {"east": "https://127.0.0.1", "west": "https://west.example"}, "regional_store": "east"},
    ],
)
def test_development_mode_is_refused_when_any_address_is_not_loopback(outside: dict[str, Any]) -> None:
    Settings(**outside)
    with pytest.raises(ValidationError, match="not a loopback address"):
        Settings(development=True, **outside)


@pytest.mark.parametrize("variable", ["PGHOST", "PGHOSTADDR"])
def test_development_mode_knows_where_libpq_looks_without_a_host(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "10.0.0.1")
    with pytest.raises(ValidationError, match="not a loopback address"):
        Settings(development=True, database_url="postgresql:///rx")


@pytest.mark.parametrize(
    "inside",
    [
        {"host": "::1"},
        {"host": "localhost"},
        {"host": "127.0.0.2"},
        {"database_url": "postgresql://127.0.0.1:5432/rx"},
        {"database_url": "postgresql://[::1]/rx"},
        {"database_url": "postgresql:///rx"},
        {"database_url": "postgresql:///rx?host=/var/run/postgresql"},
        {"broker_url": "amqp://guest:guest@localhost:5672//", "broker_admin_url": "http://localhost:15672"},
    ],
)
def test_development_mode_runs_on_either_pair_on_this_machine(inside: dict[str, Any]) -> None:
    assert Settings(development=True, **inside).development


def test_development_mode_makes_a_master_key_that_only_its_owner_reads(tmp_path: Path) -> None:
    settings = Settings(development=True, key_directory=tmp_path / "keys")
    path = tmp_path / "keys" / "development" / "master.key"
    assert len(settings.master_key) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["master.key"]
    assert Settings(development=True, key_directory=tmp_path / "keys").master_key == settings.master_key


def test_a_development_key_is_never_used_outside_development(tmp_path: Path) -> None:
    assert Settings(development=True, key_directory=tmp_path).master_key
    with pytest.raises(ConfigurationError, match=r"master\.key is missing"):
        Settings(key_directory=tmp_path).secret_key("hold")


def test_a_key_that_others_can_read_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    path.write_bytes(base64.b64encode(bytes(32)))
    path.chmod(0o644)
    with pytest.raises(ConfigurationError, match="read by others"):
        Settings(key_directory=tmp_path).secret_key("hold")


@pytest.mark.parametrize("content", [b"", b"short", base64.b64encode(bytes(16)), b"*" * 44])
def test_a_master_key_of_the_wrong_form_stops_the_start(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ConfigurationError, match="base64"):
        Settings(key_directory=tmp_path).secret_key("hold")


def test_each_purpose_has_its_own_key_and_every_process_the_same(tmp_path: Path) -> None:
    one = Settings(development=True, key_directory=tmp_path)
    other = Settings(development=True, key_directory=tmp_path)
    assert one.secret_key("hold") == one.secret_key("hold") == other.secret_key("hold")
    assert len({one.secret_key("hold"), one.secret_key("cursor"), one.master_key}) == 3


def test_two_processes_that_start_at_once_end_up_with_one_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other process makes its key after ours has looked and before ours is written."""
    other = Settings(development=True, key_directory=tmp_path)
    ours = Settings(development=True, key_directory=tmp_path)
    link = os.link

    def other_was_first(source: Path, target: Path) -> None:
        monkeypatch.setattr(os, "link", link)
        assert other.master_key
        link(source, target)

    monkeypatch.setattr(os, "link", other_was_first)
    assert ours.master_key == other.master_key


@pytest.mark.parametrize(
    ("given", "development", "required"),
    [(None, False, True), (None, True, False), ("optional", False, False), ("required", True, True)],
)
def test_database_roles_are_required_unless_somebody_says_otherwise(
    given: Any, development: bool, required: bool
) -> None:
    settings = Settings(database_roles=given, development=development)

    assert settings.requires_database_roles is required
