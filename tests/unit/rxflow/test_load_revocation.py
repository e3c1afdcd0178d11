"""`rxflow load revocation`: a list that fits is kept, any other is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from rxflow.cli import app
from services.seedwork.signing.trust import TrustBook
from tests.support.certificates import Authority, new_key, pem

NOW = datetime(2026, 6, 1, tzinfo=UTC)
ROOT = Authority.root()


@pytest.fixture
def trust(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "roots").mkdir()
    (tmp_path / "roots" / "example.pem").write_text(pem(ROOT.certificate))
    monkeypatch.setenv("RXFLOW_TRUST_DIRECTORY", str(tmp_path))
    return tmp_path


def load(directory: Path, content: bytes) -> Result:
    file = directory / "new.crl"
    file.write_bytes(content)
    return CliRunner().invoke(app, ["load", "revocation", str(file)])


def test_a_list_of_a_trusted_root_is_kept(trust: Path) -> None:
    result = load(trust, ROOT.revocations(NOW, {7: NOW, 8: NOW}))

    assert result.exit_code == 0
    assert "2 revoked by CN=Example Root" in result.output
    book = TrustBook(trust)
    book.refresh()
    assert [each.this_update for each in book.current.lists.values()] == [NOW]


def test_a_list_that_does_not_fit_changes_nothing(trust: Path) -> None:
    load(trust, ROOT.revocations(NOW))
    for content in (
        b"",
        ROOT.revocations(NOW + timedelta(days=1), key=new_key()),
        ROOT.revocations(NOW - timedelta(1)),
    ):
        assert load(trust, content).exit_code == 2
    book = TrustBook(trust)
    book.refresh()
    assert [each.this_update for each in book.current.lists.values()] == [NOW]
