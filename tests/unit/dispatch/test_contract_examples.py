"""Golden examples of dispatch's events, and a catalogue that says what the code says."""

import json
import re
from pathlib import Path

import pytest

from contracts.envelope import IntegrationEvent
from contracts.errors import dispatch, dispatch_later, stock
from contracts.events import EVENTS
from contracts.topology import FAMILY

ROOT = Path(__file__).parents[3]
MINE = sorted(name for name in EVENTS if name.startswith("dispatch."))


@pytest.mark.parametrize("name", MINE)
def test_the_golden_example_is_what_the_contract_says(name: str) -> None:
    text = (ROOT / "contracts" / "examples" / f"{name}.json").read_text()
    event: type[IntegrationEvent] = EVENTS[name]

    assert event.model_validate_json(text).model_dump(mode="json") == json.loads(text)
    assert FAMILY[event.FAMILY].producer == "dispatch"


def test_every_code_is_used_and_tested() -> None:
    code = "".join(path.read_text() for path in (ROOT / "services" / "dispatch").rglob("*.py"))
    tests = "".join(path.read_text() for path in (ROOT / "tests" / "unit" / "dispatch").rglob("*.py"))

    for problem in (*dispatch.PROBLEMS, *dispatch_later.PROBLEMS, *stock.PROBLEMS):
        area, reason = problem.code.split(".")
        derived = reason == "wrong_state" and f'wrong_state("{area}"' in code
        assert derived or re.search(rf'"{re.escape(problem.code)}"', code), f"{problem.code} is never used"
        assert f'"{problem.code}"' in tests, f"{problem.code} is never tested"
