"""The OpenAPI document tells what clients need: headers, rights, signed bodies and every problem."""

from typing import Any

import pytest

from services.seedwork.api import allowed, problems


def codes(operation: Any) -> set[str]:
    return {
        code
        for response in operation["responses"].values()
        for code in response.get("content", {}).get("application/problem+json", {}).get("examples", {})
    }


@pytest.fixture
def paths(call: Any) -> Any:
    response = call("GET", "/openapi.json")
    assert response.status_code == 200
    return response.json()["paths"]


def test_a_command_asks_for_its_key_and_names_its_problems(paths: Any) -> None:
    operation = paths["/boxes/{box_id}"]["post"]
    headers = {each["name"] for each in operation["parameters"] if each["in"] == "header"}
    assert headers == {"Idempotency-Key", "If-Match"}
    assert operation["x-right"] == "prescription.issue"
    assert {"signature.invalid", "request.invalid", "idempotency.reused", "identity.forbidden"} <= codes(operation)
    assert "request.cursor" not in codes(operation)
    example = operation["responses"]["422"]["content"]["application/problem+json"]["examples"]["request.invalid"]
    assert example["value"]["code"] == "request.invalid"


def test_a_list_documents_its_pages(paths: Any) -> None:
    operation = paths["/boxes"]["get"]
    assert {"cursor", "limit", "colour"} == {each["name"] for each in operation["parameters"] if each["in"] == "query"}
    assert "request.cursor" in codes(operation)
    assert "idempotency.missing" not in codes(operation)


def test_a_signed_command_documents_its_media_type(paths: Any) -> None:
    body = paths["/seals"]["post"]["requestBody"]
    assert list(body["content"]) == ["application/jose"]


def test_health_asks_for_no_token(paths: Any) -> None:
    assert "security" not in paths["/health/live"]["get"]
    assert paths["/boxes"]["get"]["security"] == [{"bearer": []}]


def test_the_document_holds_no_form_that_is_never_answered(call: Any) -> None:
    document = call("GET", "/openapi.json")
    assert "HTTPValidationError" not in document.text
    assert document.json()["components"]["schemas"]["Problem"]["required"]


def test_a_problem_outside_the_catalogue_is_found_at_import() -> None:
    with pytest.raises(ValueError, match=r"nobody\.knows"):
        problems("nobody.knows")


def test_a_right_outside_the_table_is_found_at_import() -> None:
    with pytest.raises(KeyError):
        allowed("everything.do")
