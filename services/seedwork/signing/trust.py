"""Whom an installation trusts: root certificates and revocation lists, as files of one directory.

| place | holds |
|---|---|
| `roots/*.pem` | the authorities' root certificates (电子认证服务机构) |
| `revocation/*.crl` | their revocation lists and those of the authorities below them, PEM or DER |

A decision sees the state of one moment (`Trust`) and touches no file.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from cryptography import x509

from services.seedwork.calendar import civil_day
from services.seedwork.keyfiles import DIRECTORY_MODE
from services.seedwork.model import Refusal
from services.seedwork.policies import DEFAULT_JURISDICTION
from services.seedwork.signing import sm2
from services.seedwork.signing.algorithms import PublicKey
from services.seedwork.signing.certificates import Chain, Untrusted, chain_of
from services.seedwork.signing.policy import SIGNATURES
from services.seedwork.signing.revocation import NoList, RevocationList, by_issuer, read_list, standing

ROOTS, REVOCATION = "roots", "revocation"
FILES_MAX = 1000
CHAINS_KEPT_MAX = 4096

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Certified:
    """A key that counts: that of a certificate with its serial number, and why its revocation could not be told, if
    so; or one that is registered itself."""

    key: PublicKey
    serial: str | None = None
    degraded: str | None = None


class Certifying(Protocol):
    """What a certificate is worth at one moment."""

    def __call__(self, certificate: str) -> Certified | Refusal: ...


@dataclass(frozen=True)
class Trust:
    """Roots and revocation lists of one moment. Without any root no certificate counts."""

    roots: tuple[x509.Certificate, ...] = ()
    lists: Mapping[bytes, RevocationList] = field(default_factory=dict)
    _chains: dict[str, Chain] = field(default_factory=dict, init=False, repr=False, compare=False)

    def at(self, now: datetime, jurisdiction: str = DEFAULT_JURISDICTION) -> Certifying:
        """The judgement of certificates by what holds at this moment: the time of signing, as the store knows it."""
        policy = SIGNATURES.on(civil_day(now), jurisdiction)

        def certified(certificate: str) -> Certified | Refusal:
            try:
                chain = self._chain(certificate, now)
            except Untrusted as error:
                return Refusal("signature.certificate", {"reason": str(error)})
            stands = standing(chain.issued, self.lists, now, timedelta(hours=policy.revocation_age_hours_max))
            if stands.revoked_at is not None:
                facts = {"certificate": chain.serial, "revoked_at": stands.revoked_at.isoformat()}
                return Refusal("signature.revoked", facts)
            if stands.unknown and policy.without_revocation == "refused":
                return Refusal("signature.revocation_unknown", {"reason": stands.unknown})
            return Certified(chain.key, chain.serial, stands.unknown)

        return certified

    def _chain(self, certificate: str, now: datetime) -> Chain:
        """Verified once while it holds: it takes a millisecond, and signers sign often."""
        kept = self._chains.get(certificate)
        if kept is None or not kept.covers(now):
            if len(self._chains) >= CHAINS_KEPT_MAX:
                self._chains.clear()
            kept = self._chains[certificate] = chain_of(certificate, self.roots, now)
        return kept


NOBODY = Trust()


def keep_list(directory: Path, content: bytes) -> RevocationList:
    """Puts a new revocation list in the place of its issuer's older one. Raises NoList for what is none, names a root
    that did not sign it, or is older than what is kept. A list of an authority below a root is checked when it is
    used, as its certificate comes with the signers'."""
    new = read_list(content)
    book = TrustBook(directory)
    book.refresh()
    named = [root for root in book.current.roots if root.subject.public_bytes() == new.issuer]
    if named and not any(new.is_of(root) for root in named):
        raise NoList("not signed by the root it names")
    kept = book.current.lists.get(new.issuer)
    if kept is not None and kept.this_update > new.this_update:
        raise NoList(f"older than what is kept ({kept.this_update.isoformat()})")
    path = directory / REVOCATION / new.file_name
    path.parent.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_bytes(content)
    draft.replace(path)  # a reader sees the old list or the new one
    return new


class TrustBook:
    """The directory's content as it was last looked at. `current` is replaced whole, so a decision sees one state."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._seen: object = None
        self.current = NOBODY
        self.faults: tuple[str, ...] = ()

    def refresh(self) -> None:
        """Reads again what has changed. A file that cannot be read is named, and counts as not being there."""
        files = sorted([*self._directory.glob(f"{ROOTS}/*.pem"), *self._directory.glob(f"{REVOCATION}/*.crl")])
        state = [(str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in files[:FILES_MAX]]
        if state == self._seen:
            return
        roots: list[x509.Certificate] = []
        lists: list[RevocationList] = []
        faults: list[str] = []
        for path in files[:FILES_MAX]:
            try:
                if path.parent.name == ROOTS:
                    roots += x509.load_pem_x509_certificates(path.read_bytes())
                else:
                    lists.append(read_list(path.read_bytes()))
            except (OSError, ValueError, NoList) as error:
                faults.append(f"{path.name}: {error}")
                logger.warning("%s is not used: %s", path, error)
        self.current, self.faults, self._seen = Trust(tuple(roots), by_issuer(lists)), tuple(faults), state

    def condition(self, now: datetime, jurisdiction: str = DEFAULT_JURISDICTION) -> str:
        """What an operator should know; none of it keeps a service from being ready, as other signers go on."""
        age_max = timedelta(hours=SIGNATURES.on(civil_day(now), jurisdiction).revocation_age_hours_max)
        lists = self.current.lists.values()
        outdated = sum(each.outdated(now, age_max) for each in lists)
        words = [
            "SM2" if sm2.unavailable() is None else f"no SM2: {sm2.unavailable()}",
            f"{len(self.current.roots)} roots",
            f"{len(lists)} revocation lists, {outdated} of them outdated",
            *self.faults,
        ]
        return "; ".join(words)
