"""Which fields are personal, and what becomes of them without a key."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.seedwork.model import DomainEvent, Immutable, Personal, PersonalClass
from services.seedwork.store.mapper import Fact, PydanticMapper
from services.seedwork.store.sealing import Place, SealBroken, keys_of, personal_fields, seal, unseal

IDENTITY, CLINICAL = PersonalClass.IDENTITY, PersonalClass.CLINICAL


class Diagnosis(Immutable):
    code: str


class Seen(DomainEvent):
    TOPIC: ClassVar[str] = "test.seen"
    patient_ref: UUID
    name: Annotated[str | None, Personal(IDENTITY)] = None
    diagnoses: Annotated[list[Diagnosis] | None, Personal(CLINICAL)] = None
    room: str = "1"


class Nested(DomainEvent):
    TOPIC: ClassVar[str] = "test.nested"
    patient_ref: UUID
    inner: list[Seen]


class WithoutPatient(DomainEvent):
    TOPIC: ClassVar[str] = "test.without_patient"
    name: Annotated[str | None, Personal(IDENTITY)] = None


PLACE = Place(UUID(int=1), 1, "t")


def test_personal_fields_are_found_with_their_class() -> None:
    assert personal_fields(Seen) == {"name": IDENTITY, "diagnoses": CLINICAL}


def test_a_mark_inside_a_plain_field_is_a_mistake() -> None:
    with pytest.raises(TypeError, match="mark the field itself"):
        personal_fields(Nested)


def test_personal_fields_need_a_patient() -> None:
    with pytest.raises(TypeError, match="patient_ref"):
        personal_fields(WithoutPatient)


def test_an_empty_field_needs_no_key() -> None:
    patient = uuid4()

    assert keys_of(Seen(patient_ref=patient)) == set()
    assert keys_of(Seen(patient_ref=patient, name="a")) == {(patient, IDENTITY)}


def test_a_reader_with_one_key_reads_one_class() -> None:
    patient = uuid4()
    keys = {(patient, kind): AESGCM(AESGCM.generate_key(256)) for kind in (IDENTITY, CLINICAL)}
    mapper = PydanticMapper([Seen])
    event = Seen(patient_ref=patient, name="李雷", diagnoses=[Diagnosis(code="I10")])
    stored = mapper.to_stored_event(Fact(uuid4(), 3, event), keys)

    whole = mapper.to_domain_event(stored, keys).event
    partial = mapper.to_domain_event(stored, {(patient, CLINICAL): keys[patient, CLINICAL]}).event

    assert whole == event
    assert partial == Seen(patient_ref=patient, name=None, diagnoses=[Diagnosis(code="I10")])


class MovedV1(DomainEvent):
    TOPIC: ClassVar[str] = "test.moved"
    patient_ref: UUID
    street: Annotated[str | None, Personal(PersonalClass.CONTACT)] = None
    name: Annotated[str | None, Personal(IDENTITY)] = None


class Moved(DomainEvent):
    """Version 2: the street is called address, version 3: and the name is nobody's business any more."""

    TOPIC: ClassVar[str] = "test.moved"
    class_version: ClassVar[int] = 3
    personal_before: ClassVar[Mapping[int, Mapping[str, PersonalClass]]] = {
        1: {"street": PersonalClass.CONTACT, "name": IDENTITY},
        2: {"address": PersonalClass.CONTACT, "name": IDENTITY},
    }
    patient_ref: UUID
    address: Annotated[str | None, Personal(PersonalClass.CONTACT)] = None

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        state["address"] = state.pop("street")

    @staticmethod
    def upcast_v2_v3(state: dict[str, Any]) -> None:
        del state["name"]


def test_a_personal_field_that_has_another_name_today_is_read_by_the_name_it_was_sealed_under() -> None:
    patient, stream = uuid4(), uuid4()
    keys = {(patient, kind): AESGCM(AESGCM.generate_key(256)) for kind in (IDENTITY, PersonalClass.CONTACT)}
    old = MovedV1(patient_ref=patient, street="长沙市示例路1号", name="李雷")
    stored = PydanticMapper([MovedV1]).to_stored_event(Fact(stream, 1, old), keys)
    new = Moved(patient_ref=patient, address="株洲市示例路2号")
    mapper = PydanticMapper([Moved])
    stored_new = mapper.to_stored_event(Fact(stream, 2, new), keys)

    assert mapper.parsed(stored).keys_wanted() == set(keys)
    assert mapper.to_domain_event(stored, keys).event == Moved(patient_ref=patient, address="长沙市示例路1号")
    assert mapper.to_domain_event(stored, {}).event == Moved(patient_ref=patient)
    assert mapper.parsed(stored_new).keys_wanted() == {(patient, PersonalClass.CONTACT)}
    assert mapper.to_domain_event(stored_new, keys).event == new


def test_a_value_that_looks_sealed_is_sealed_like_any_other() -> None:
    patient = uuid4()
    keys = {(patient, IDENTITY): AESGCM(AESGCM.generate_key(256))}
    fields: dict[str, Any] = {"name": "sealed:not really"}
    seal(fields, {"name": IDENTITY}, patient, PLACE, keys, os.urandom)
    assert fields["name"] != "sealed:not really"

    unseal(fields, {"name": IDENTITY}, patient, PLACE, keys)

    assert fields["name"] == "sealed:not really"


def test_an_altered_value_is_noticed() -> None:
    patient = uuid4()
    keys = {(patient, IDENTITY): AESGCM(AESGCM.generate_key(256))}
    fields: dict[str, Any] = {"name": "李雷"}
    seal(fields, {"name": IDENTITY}, patient, PLACE, keys, os.urandom)
    fields["name"] = fields["name"][:-4] + ("AAA=" if fields["name"][-4:] != "AAA=" else "BBB=")

    with pytest.raises(SealBroken):
        unseal(fields, {"name": IDENTITY}, patient, PLACE, keys)


def test_two_events_cannot_share_a_topic() -> None:
    class Twin(DomainEvent):
        TOPIC: ClassVar[str] = Seen.TOPIC

    with pytest.raises(ValueError, match="share the topic"):
        PydanticMapper([Seen, Twin])
