"""A town per test."""

import pytest

from tests.unit.dispatch.town import Town


@pytest.fixture
def town() -> Town:
    return Town()
