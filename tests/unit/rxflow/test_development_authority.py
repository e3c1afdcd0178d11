"""The development authority: what it certifies counts on this machine, and only in development mode."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from joserfc.jwk import ECKey
from typer.testing import CliRunner

from contracts.registers import SigningKey
from rxflow.cli import app
from rxflow.development_authority import certify
from services.seedwork.failures import ConfigurationError
from services.seedwork.settings import Settings
from services.seedwork.signing import Verified, sign_compact, verify_compact
from services.seedwork.signing.trust import Trust, TrustBook

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
KEY = ECKey.generate_key("P-256")


def trust_of(settings: Settings) -> Trust:
    book = TrustBook(settings.trusted)
    book.refresh()
    return book.current


def test_what_it_certifies_signs_until_its_list_is_old_and_then_degraded(tmp_path: Path) -> None:
    settings = Settings(development=True, key_directory=tmp_path)
    first = certify(settings, "D330102000001", KEY.as_dict(private=False), NOW)
    again = certify(settings, "D330102000002", ECKey.generate_key("P-256").as_dict(), NOW + timedelta(seconds=1))
    assert len(trust_of(settings).roots) == 1
    assert first != again

    entry = SigningKey(kid="d-1", certificate=first, valid_from=NOW.date(), valid_until=NOW.date() + timedelta(days=9))
    compact = sign_compact(b"{}", KEY.as_dict(private=True), "d-1")
    for later, degraded in ((timedelta(minutes=1), None), (timedelta(days=2), "revocation_list_outdated")):
        at = NOW + later
        verified = verify_compact(compact, [entry], at.date(), trust_of(settings).at(at))
        assert isinstance(verified, Verified), verified
        assert verified.degraded == degraded
    assert (tmp_path / "development" / "authority.pem").stat().st_mode & 0o077 == 0


def test_outside_development_mode_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        certify(Settings(development=False, key_directory=tmp_path), "D1", KEY.as_dict(private=False), NOW)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "jwk",
    ["{}", "[]", "x", json.dumps(ECKey.generate_key("P-384").as_dict(private=False))],
    ids=["empty", "list", "no JSON", "another curve"],
)
def test_what_is_no_p256_key_is_not_certified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jwk: str) -> None:
    monkeypatch.setenv("RXFLOW_DEVELOPMENT", "1")
    monkeypatch.setenv("RXFLOW_KEY_DIRECTORY", str(tmp_path / "keys"))
    (tmp_path / "key.jwk").write_text(jwk)
    assert CliRunner().invoke(app, ["certify", "D1", str(tmp_path / "key.jwk")]).exit_code == 2


def test_the_command_prints_the_certificate_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RXFLOW_DEVELOPMENT", "1")
    monkeypatch.setenv("RXFLOW_KEY_DIRECTORY", str(tmp_path / "keys"))
    (tmp_path / "key.jwk").write_text(json.dumps(KEY.as_dict(private=False)))
    result = CliRunner().invoke(app, ["certify", "D1", str(tmp_path / "key.jwk")])
    assert result.exit_code == 0
    assert result.stdout.startswith("-----BEGIN CERTIFICATE-----\n")
    assert result.stdout.endswith("-----END CERTIFICATE-----\n")
