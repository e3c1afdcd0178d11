"""What JSON is let in."""

import pytest

from services.seedwork.strict_json import DEPTH_MAX, SAFE_INTEGER_MAX, NotStrictJson, parse_strict


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


def test_ordinary_json_is_let_in() -> None:
    assert parse_strict('{"药品": ["阿莫西林", 1, 0.5, null, true]}'.encode()) == {
        "药品": ["阿莫西林", 1, 0.5, None, True]
    }


@pytest.mark.parametrize(
    "text", [b"", b"{", b"{'a': 1}", b"NaN", b"[Infinity]", b'{"a": 1,}', b'"\\ud800"', b"\xff", b"1 2"]
)
def test_what_is_not_json_is_refused(text: bytes) -> None:
    with pytest.raises(NotStrictJson):
        parse_strict(text)


def test_thirty_two_levels_are_let_in_and_one_more_is_not() -> None:
    assert parse_strict(nested(DEPTH_MAX)) is not None
    with pytest.raises(NotStrictJson, match="nested"):
        parse_strict(nested(DEPTH_MAX + 1))


def test_depth_is_found_in_objects_and_beside_shallow_neighbours() -> None:
    shallow = b"[" + b",".join([b'{"a": 1}'] * 100) + b"]"
    assert len(parse_strict(shallow)) == 100
    deep = b'[{"a": 1}, ' + b'{"a": ' * DEPTH_MAX + b"1" + b"}" * DEPTH_MAX + b"]"
    with pytest.raises(NotStrictJson, match="nested"):
        parse_strict(deep)


def test_brackets_inside_strings_are_no_depth() -> None:
    assert parse_strict(b'"' + b"[" * 100 + b'"') == "[" * 100


@pytest.mark.parametrize("depth", [1_000, 400_000])
def test_absurd_depth_is_refused_without_a_recursion_error(depth: int) -> None:
    with pytest.raises(NotStrictJson):
        parse_strict(nested(depth))


def test_a_nul_character_is_refused_because_no_text_column_keeps_it() -> None:
    with pytest.raises(NotStrictJson, match="NUL"):
        parse_strict(b'{"name": "a\\u0000"}')
    with pytest.raises(NotStrictJson, match="NUL"):
        parse_strict(b'"\\\\\\u0000"')


def test_an_escaped_backslash_before_u0000_is_no_nul_character() -> None:
    assert parse_strict(b'"\\\\u0000"') == "\\u0000"


@pytest.mark.parametrize("number", [SAFE_INTEGER_MAX, -SAFE_INTEGER_MAX])
def test_integers_every_parser_reads_alike_are_let_in(number: int) -> None:
    assert parse_strict(str(number).encode()) == number


@pytest.mark.parametrize("number", [b"9007199254740992", b"-9007199254740992", b"[" + b"9" * 5000 + b"]"])
def test_integers_that_parsers_read_differently_are_refused(number: bytes) -> None:
    with pytest.raises(NotStrictJson):
        parse_strict(number)


def test_long_digits_in_strings_are_trace_codes_and_identity_numbers() -> None:
    assert parse_strict(b'{"code": "83210987654321098765"}') == {"code": "83210987654321098765"}


@pytest.mark.parametrize(
    "text", [b'{"a": 1, "a": 2}', b'[{"b": {"a": 1, "\\u0061": 1}}]', b'{"a": [{"x": null, "y": 0, "x": null}]}']
)
def test_where_one_reading_counts_no_name_stands_twice_in_an_object(text: bytes) -> None:
    parse_strict(text)
    with pytest.raises(NotStrictJson, match="twice"):
        parse_strict(text, names_once=True)


def test_a_name_may_stand_in_each_of_two_objects() -> None:
    text = b'{"a": {"a": 1}, "b": [{"a": 1}, {"a": 1}], "c": "{\\"a\\": 1, \\"a\\": 1}"}'

    assert parse_strict(text, names_once=True) == parse_strict(text)
