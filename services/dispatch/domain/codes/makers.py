"""Makers' own codes (企业自编码): one pattern per maker, as data, because no authority publishes them."""

from __future__ import annotations

import re
from datetime import date
from functools import cached_property
from importlib.resources import files
from typing import Literal

from orjson import loads
from pydantic import Field, field_validator
from stdnum import ean

from services.seedwork.model import Immutable

PATTERN_LENGTH_MAX = 200


class MakerPattern(Immutable):
    """How one maker's codes look. The groups `product` and `serial` name the pack; what is beside them is fixed.

    `check`: `mod10` when the last digit of the code's digits is the GS1 check digit of those before it.
    """

    maker: str = Field(pattern=r"^[0-9A-Z]{2,16}$")
    name: str
    pattern: str = Field(max_length=PATTERN_LENGTH_MAX)
    check: Literal["none", "mod10"] = "none"
    fold_case: bool = False
    valid_from: date
    valid_until: date | None = None

    @field_validator("pattern")
    @classmethod
    def names_product_and_serial(cls, pattern: str) -> str:
        """Only such a pattern tells packs, and their products, apart."""
        if not {"product", "serial"} <= set(re.compile(pattern).groupindex):
            raise ValueError("a maker's pattern has the groups product and serial")
        return pattern

    @cached_property
    def expression(self) -> re.Pattern[str]:
        return re.compile(self.pattern, re.ASCII)

    def read(self, code: str, day: date) -> tuple[str, str] | None:
        """The product part and the whole code in its one spelling; None when it is not this maker's."""
        if day < self.valid_from or (self.valid_until is not None and day > self.valid_until):
            return None
        text = code.upper() if self.fold_case else code
        found = self.expression.fullmatch(text)
        return (found["product"], text) if found else None

    def checks(self, code: str) -> bool:
        """Whether the check digit is right, where there is one."""
        if self.check == "none":
            return True
        digits = "".join(character for character in code if character in "0123456789")
        return bool(ean.calc_check_digit(digits[:-1]) == digits[-1])


def _read_makers() -> tuple[MakerPattern, ...]:
    written = loads(files("services.dispatch.domain.codes").joinpath("makers.json").read_bytes())
    return tuple(MakerPattern.model_validate(row) for row in written["makers"])


MAKERS = _read_makers()
