"""The envelope around every integration event, on the broker and in the catch-up feeds.

`body` is the text the producer stored, byte for byte, so that anybody can check
`hash = sha256(prev_hash | stream | public_seq | type | body)`. It holds what belongs to the fact itself: `data` (the
event), who caused it and when. Around it stands what places the fact: its stream and number, its log index and the
store epoch. `public_seq` is contiguous per stream, from 1.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar
from uuid import UUID, uuid5

import orjson
from pydantic import BaseModel, ConfigDict

BODY_BYTES_MAX = 256 * 1024
FEED_UPTO_HEADER = "X-Feed-Upto"
"""Of a page of a catch-up feed: the log index up to which there are no other events of the family."""
STREAM_TAIL_HEADER = "X-Stream-Tail"
"""Of the events of one stream: the last number its producer knows, whether or not it tells it at the moment."""
GENESIS = bytes(32)
"""prev_hash of the first event of a stream."""


class IntegrationEvent(BaseModel):
    """A public fact. Frozen; unknown fields are ignored, because a contract grows by addition.

    `TYPE` is the wire name, `<service>.<event>.v<n>`; `FAMILY` the aggregate kind, which is also the routing key:
    consumers take whole families, because numbers are contiguous per stream.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    TYPE: ClassVar[str]
    FAMILY: ClassVar[str]


class Body(BaseModel):
    """The stored part of an envelope. `data` is the event as JSON, personal fields sealed."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    occurred_at: datetime
    recorded_at: datetime
    actor: str
    correlation_id: str
    causation_id: str
    traceparent: str | None = None
    data: dict[str, Any]


@dataclass(frozen=True)
class Envelope:
    """One public event as it travels."""

    producer: str
    family: str
    type: str
    stream: UUID
    public_seq: int
    prev_hash: bytes
    hash: bytes
    store_epoch: int
    log_index: int
    body: str

    @cached_property
    def message_id(self) -> UUID:
        return message_id(self.stream, self.public_seq)

    def parsed_body(self) -> Body:
        """Read once: whoever handles it asks more than once. Raises ValidationError."""
        body: Body | None = self.__dict__.get("_parsed")
        if body is None:
            body = self.__dict__["_parsed"] = Body.model_validate_json(self.body)
        return body

    def verify(self) -> bool:
        """Whether the hash belongs to this content."""
        return self.hash == public_hash(self.prev_hash, self.stream, self.public_seq, self.type, self.body.encode())

    def to_wire(self) -> bytes:
        return orjson.dumps(
            {
                "message_id": self.message_id,
                "producer": self.producer,
                "family": self.family,
                "type": self.type,
                "stream": self.stream,
                "public_seq": self.public_seq,
                "prev_hash": self.prev_hash.hex(),
                "hash": self.hash.hex(),
                "store_epoch": self.store_epoch,
                "log_index": self.log_index,
                "body": self.body,
            }
        )

    @classmethod
    def from_wire(cls, wire: bytes | str) -> Envelope:
        """Raises ValueError for whatever is not an envelope."""
        try:
            fields = orjson.loads(wire)
            return cls(
                producer=str(fields["producer"]),
                family=str(fields["family"]),
                type=str(fields["type"]),
                stream=UUID(fields["stream"]),
                public_seq=int(fields["public_seq"]),
                prev_hash=bytes.fromhex(fields["prev_hash"]),
                hash=bytes.fromhex(fields["hash"]),
                store_epoch=int(fields["store_epoch"]),
                log_index=int(fields["log_index"]),
                body=str(fields["body"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(f"not an envelope: {error!r}") from error


def message_id(stream: UUID, public_seq: int) -> UUID:
    """The same event always has the same message id, however often it is published."""
    return uuid5(stream, str(public_seq))


def public_hash(prev_hash: bytes, stream: UUID, public_seq: int, event_type: str, body: bytes) -> bytes:
    """The link of the public chain of one stream."""
    head = b"|".join([prev_hash, stream.bytes, str(public_seq).encode(), event_type.encode()])
    return hashlib.sha256(head + b"|" + body).digest()
