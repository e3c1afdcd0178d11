"""The keys that an installation and an insurer's platform know each other by.

In production they stand in `gateway-<insurer>.json` among the keys (mode 0600), as the insurer has given and taken
them: `app_id`, `secret`, `own` (private key, 64 hex digits), `theirs` (the platform's public key, 128). In development
mode both sides are derived from the master key, so that the simulated insurer, a process of its own, has its side.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.insurance.adapters.national.envelope import EnvelopeKeys
from services.seedwork.failures import ConfigurationError
from services.seedwork.keyfiles import read_private
from services.seedwork.settings import Settings
from services.seedwork.signing import sm2

Side = Literal["application", "platform"]
OTHER: dict[Side, Side] = {"application": "platform", "platform": "application"}


class KeyFile(BaseModel):
    """What stands in the file."""

    model_config = ConfigDict(extra="forbid")

    app_id: str = Field(min_length=16, max_length=64, pattern=r"^[\x21-\x7e]+$")
    secret: str = Field(min_length=16, max_length=128)
    own: str = Field(pattern=r"^[0-9a-fA-F]{64}$")
    theirs: str = Field(pattern=r"^[0-9a-fA-F]{128}$")


def application_keys(settings: Settings, insurer: str) -> EnvelopeKeys:
    """Ours towards one insurer. Raises ConfigurationError where there are none."""
    if settings.development:
        return development_keys(settings, insurer, "application")
    path = settings.keys / f"gateway-{insurer}.json"
    try:
        file = KeyFile.model_validate_json(read_private(path))
    except ValidationError as error:
        raise ConfigurationError(f"{path} does not hold the keys of a gateway") from error
    return EnvelopeKeys(file.app_id, file.secret, bytes.fromhex(file.own), bytes.fromhex(file.theirs))


def development_keys(settings: Settings, insurer: str, side: Side) -> EnvelopeKeys:
    """Of either side, in development mode only. Raises ConfigurationError."""
    if not settings.development:
        raise ConfigurationError("the simulated insurer's keys exist in development mode only (RXFLOW_DEVELOPMENT=1)")
    return EnvelopeKeys(
        app_id=f"rxflow-development-{insurer}",
        secret=settings.secret_key(f"gateway:secret:{insurer}").hex(),
        own=_scalar(settings, insurer, side),
        theirs=sm2.public_point(_scalar(settings, insurer, OTHER[side])),
    )


def _scalar(settings: Settings, insurer: str, side: Side) -> bytes:
    derived = int.from_bytes(settings.secret_key(f"gateway:{side}:{insurer}"), "big")
    return (derived % (sm2.ORDER - 2) + 1).to_bytes(sm2.SCALAR_BYTES, "big")
