"""People of authorities as the register has them, with the keys by which they sign; and what they have signed."""

from __future__ import annotations

from hashlib import sha256
from uuid import UUID

from pydantic import ValidationError

from contracts.registers import Person, SigningKey
from services.seedwork.calendar import civil_day
from services.seedwork.model import Loaded, Refusal, StreamRef
from services.seedwork.reference import EntryState, entry, register
from services.seedwork.signing import verify_compact
from services.seedwork.usecase import Moment
from services.shortage.domain.protocol import Signature, SignProtocol
from services.shortage.domain.responses import Authority

OFFICER = "authority"
"""The profession of those who sign for an authority; the organisation of their entry is its division code."""
COPIES = register("reference")
"""Pharmacies as dispatch's register tells them, people of authorities as prescribe's does."""


def officer_ref(person: str) -> StreamRef[EntryState]:
    return entry(COPIES, "person", person)


def signed_protocol(
    compact: str, protocol_id: UUID, by: Authority, person: Loaded[EntryState], moment: Moment
) -> tuple[SignProtocol, Signature] | Refusal:
    """What was signed, where a key of the signer did, who stands in the register for this authority today, and it is
    about this protocol; and how it was."""
    keys = _keys(person.state, by, moment)
    verified = verify_compact(compact, keys, civil_day(moment.now), moment.trust.at(moment.now, moment.jurisdiction))
    if isinstance(verified, Refusal):
        return verified
    try:
        command = SignProtocol.model_validate_json(verified.payload)
    except ValidationError as error:
        wrong = [{"at": "/".join(map(str, one["loc"])), "message": one["msg"]} for one in error.errors()]
        return Refusal("request.invalid", {"errors": wrong})
    if command.protocol_id != protocol_id:
        return Refusal("protocol.signed_something_else", {"protocol_id": str(command.protocol_id)})
    key = next(each for each in keys if each.kid == verified.kid)
    return command, Signature(
        compact=compact,
        sha256=sha256(compact.encode()).hexdigest(),
        kid=verified.kid,
        algorithm=verified.algorithm,
        jwk=key.jwk or None,
        certificate=key.certificate,
        degraded=verified.degraded,
    )


def _keys(person: EntryState, by: Authority, moment: Moment) -> tuple[SigningKey, ...]:
    """None of somebody who is not of this authority, or no longer."""
    known = person.read(Person)
    if known is None or not person.in_force(civil_day(moment.now)):
        return ()
    return known.keys if OFFICER in known.professions and known.organisation == by.code else ()
