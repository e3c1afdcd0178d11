"""Personal fields: found by their mark, sealed with AES-256-GCM under a key per patient and class of data.

The additional data binds a sealed value to its place, `stream | sequence | type | field`, so that it cannot be moved.
A value whose key is gone or not ours to use reads as None.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, get_args
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import BaseModel

from services.seedwork.model import Personal, PersonalClass

PREFIX = "sealed:"
NONCE_BYTES = 12

KeyName = tuple[UUID, PersonalClass]
Keys = Mapping[KeyName, AESGCM | None]
"""Data keys at hand; None: destroyed, or no right to the class."""


@cache
def personal_fields(model: type[BaseModel]) -> Mapping[str, PersonalClass]:
    """Which fields of a model are personal. Marks are found at the top level only; deeper ones are a mistake."""
    found = {}
    for name, field in model.model_fields.items():
        marks = [mark for mark in field.metadata if isinstance(mark, Personal)]
        if marks:
            found[name] = marks[0].data_class
        elif _hides_a_mark(field.annotation, set()):
            raise TypeError(f"{model.__name__}.{name} holds a nested Personal field: mark the field itself")
    if found and "patient_ref" not in model.model_fields:
        raise TypeError(f"{model.__name__} has personal fields but no patient_ref")
    return found


def _hides_a_mark(annotation: Any, seen: set[type]) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel) and annotation not in seen:
        seen.add(annotation)
        return any(
            any(isinstance(mark, Personal) for mark in field.metadata) or _hides_a_mark(field.annotation, seen)
            for field in annotation.model_fields.values()
        )
    return any(_hides_a_mark(argument, seen) for argument in get_args(annotation))


def keys_of(model: BaseModel) -> set[KeyName]:
    """The data keys a model's personal fields are sealed under; empty fields need none."""
    classes = {kind for name, kind in personal_fields(type(model)).items() if getattr(model, name) is not None}
    return {(model.patient_ref, kind) for kind in classes} if classes else set()  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Place:
    """Where a sealed value stands."""

    stream: UUID
    sequence: int
    type: str

    def associated_data(self) -> bytes:
        """What a field's name is added to."""
        return f"{self.stream}|{self.sequence}|{self.type}|".encode()


def seal(
    fields: dict[str, Any],
    personal: Mapping[str, PersonalClass],
    patient_ref: UUID,
    place: Place,
    keys: Keys,
    random_bytes: Callable[[int], bytes],
) -> None:
    """Replaces the personal values of a JSON-able mapping by sealed ones, in place."""
    place_data = place.associated_data()
    for name, kind in personal.items():
        value = fields.get(name)
        if value is None:
            continue
        key = keys[patient_ref, kind]
        if key is None:
            fields[name] = None  # forgotten meanwhile
            continue
        nonce = random_bytes(NONCE_BYTES)
        sealed = key.encrypt(nonce, orjson.dumps(value), place_data + name.encode())
        fields[name] = PREFIX + base64.b64encode(nonce + sealed).decode()


def unseal(
    fields: dict[str, Any], personal: Mapping[str, PersonalClass], patient_ref: UUID, place: Place, keys: Keys
) -> None:
    """The inverse, in place. Raises `SealBroken` where a value was altered or moved."""
    place_data = place.associated_data()
    for name, kind in personal.items():
        value = fields.get(name)
        if not isinstance(value, str) or not value.startswith(PREFIX):
            continue
        key = keys.get((patient_ref, kind))
        if key is None:
            fields[name] = None
            continue
        raw = base64.b64decode(value[len(PREFIX) :])
        try:
            plain = key.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], place_data + name.encode())
        except InvalidTag as error:
            raise SealBroken(f"{place.type} {name} in {place.stream}") from error
        fields[name] = orjson.loads(plain)


class SealBroken(Exception):  # noqa: N818
    """A sealed value was altered, or stands where it was not sealed for."""
