"""What a scanner may give, and what it is read as."""

from datetime import date

import pytest
from pydantic import ValidationError
from stdnum import ean

from services.dispatch.domain.codes.makers import MAKERS, MakerPattern
from services.dispatch.domain.codes.reading import PackCode, read_code
from services.seedwork.model import Refusal

TODAY = date(2026, 3, 2)
NATIONAL = "81234567890123456789"
GTIN = "06901234567892"
SERIAL = "A7(x)%9"
PACK = f"01{GTIN}21{SERIAL}"


def read(scanned: str, day: date = TODAY) -> PackCode:
    found = read_code(scanned, day)
    assert isinstance(found, PackCode), found
    return found


def refusal(scanned: str, day: date = TODAY) -> str:
    found = read_code(scanned, day)
    assert isinstance(found, Refusal), found
    return found.code


@pytest.mark.parametrize(
    "scanned",
    [
        NATIONAL,
        f" {NATIONAL}\r\n",
        "8123 4567 8901 2345 6789",
        "8123-4567-8901-2345-6789",
        "８１２３４５６７８９０１２３４５６７８９",
    ],
    ids=["plain", "blanks", "grouped", "hyphens", "full width"],
)
def test_twenty_digits_are_a_national_code_and_the_first_seven_its_product(scanned: str) -> None:
    code = read(scanned)

    assert (code.normal, code.kind, code.product) == (NATIONAL, "national", "cn:8123456")


@pytest.mark.parametrize(
    "scanned",
    [
        f"01{GTIN}1729063010L1\x1d21{SERIAL}",
        f"]d201{GTIN}21{SERIAL}\x1d1729063010L1",
        f"\x1d01{GTIN}10L1\x1d172906 30".replace(" ", "") + f"21{SERIAL}",
        f"01{GTIN}10L1<GS>21{SERIAL}<GS>17290630",
        f"]Q301{GTIN}10L1{{GS}}21{SERIAL}{{GS}}17290630",
    ],
    ids=["expiry first", "data matrix", "leading FNC1", "written separator", "qr"],
)
def test_one_pack_has_one_normal_form_in_whatever_order_its_elements_stand(scanned: str) -> None:
    code = read(scanned)

    assert (code.normal, code.kind, code.product) == (PACK, "gs1", f"gtin:{GTIN}")
    assert (code.lot, code.expiry) == ("L1", "290630")


def test_the_line_printed_for_people_is_read_as_well() -> None:
    assert read(f"(01){GTIN}(21)A7").normal == f"01{GTIN}21A7"
    assert refusal(f"(01){GTIN}(21){SERIAL}") == "trace_code.malformed"  # where the value ends cannot be told


def test_serials_are_told_apart_by_case() -> None:
    assert read(f"01{GTIN}21abc").normal != read(f"01{GTIN}21ABC").normal


def test_a_code_may_not_contradict_the_lot_and_expiry_on_the_pack() -> None:
    code = read(f"01{GTIN}1729063010L1\x1d21A")

    assert code.is_of("L1", date(2029, 6, 30))
    assert not code.is_of("L2", date(2029, 6, 30))
    assert not code.is_of("L1", date(2029, 7, 30))
    assert read(NATIONAL).is_of("any", TODAY)


def test_day_zero_is_the_last_of_the_month() -> None:
    code = read(f"01{GTIN}1728020021A")

    assert code.is_of("L", date(2028, 2, 29))
    assert not code.is_of("L", date(2028, 2, 28))


@pytest.mark.parametrize(
    ("scanned", "code"),
    [
        ("", "trace_code.malformed"),
        ("hello", "trace_code.malformed"),
        (NATIONAL[:-1], "trace_code.malformed"),
        ("9" + NATIONAL[1:], "trace_code.malformed"),
        ("٨" * 20, "trace_code.malformed"),
        ("x" * 129, "trace_code.malformed"),
        (f"01{GTIN}1729133021A", "trace_code.malformed"),
        (f"01{GTIN}21A\x1d21B", "trace_code.malformed"),
        ("21SERIAL", "trace_code.malformed"),
        ("(", "trace_code.malformed"),
        (f"01{GTIN[:-1]}321A", "trace_code.wrong_check_digit"),
        (f"01{GTIN}10L1", "trace_code.no_serial"),
        ("EXB12345123456789012", "trace_code.wrong_check_digit"),
    ],
    ids=[
        "empty",
        "words",
        "19 digits",
        "foreign 20 digits",
        "other digits",
        "endless",
        "month 13",
        "two serials",
        "no product",
        "bracket",
        "gtin check digit",
        "product only",
        "maker check digit",
    ],
)
def test_what_is_no_code_of_a_pack_is_named(scanned: str, code: str) -> None:
    assert refusal(scanned) == code


def test_a_makers_own_code_is_read_by_the_makers_pattern() -> None:
    code = read("exa123456-abcdefghij")
    checked = "EXB12345" + "12345678901" + ean.calc_check_digit("1234512345678901")

    assert (code.normal, code.kind, code.product) == ("EXA123456-ABCDEFGHIJ", "maker", "maker:EXA:123456")
    assert read(checked).product == "maker:EXB:12345"


def test_a_makers_pattern_holds_in_its_time() -> None:
    code = "EXA123456-ABCDEFGHIJ"
    ended = MAKERS[0].model_copy(update={"valid_until": date(2026, 3, 1)})

    assert isinstance(read_code(code, TODAY, [ended]), Refusal)
    assert isinstance(read_code(code, date(2019, 1, 1)), Refusal)
    assert isinstance(read_code(code, date(2026, 3, 1), [ended]), PackCode)


def test_a_makers_pattern_names_product_and_serial() -> None:
    with pytest.raises(ValidationError):
        MakerPattern(maker="EXC", name="x", pattern="(?P<serial>[0-9]+)", valid_from=TODAY)
