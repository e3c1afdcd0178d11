"""Revocation lists (CRL, RFC 5280): kept copies that say which certificates no longer count, and from when on.

They are fetched outside of requests (`rxflow load revocation`) and are only as good as they are new: what a list older
than the policy's maximum age does not say is unknown, not good. Complete lists of one issuer each; deltas, indirect and
partitioned lists are not read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from services.seedwork.signing import sm2, sm2_certificates
from services.seedwork.signing.certificates import SM2_SIGNATURE

LIST_BYTES_MAX = 32 * 1024 * 1024
SIGNATURES_KEPT_MAX = 64
Unknown = Literal["revocation_list_missing", "revocation_list_outdated"]


class NoList(Exception):  # noqa: N818 - says what is wrong with a file
    """Why these bytes are no revocation list that is read here."""


@dataclass(frozen=True, eq=False)
class RevocationList:
    """One issuer's list."""

    crl: x509.CertificateRevocationList
    this_update: datetime

    @property
    def issuer(self) -> bytes:
        """The issuer's name as it is encoded."""
        return self.crl.issuer.public_bytes()

    @property
    def file_name(self) -> str:
        """One file per issuer."""
        return f"{hashlib.sha256(self.issuer).hexdigest()[:32]}.crl"

    def outdated(self, at: datetime, age_max: timedelta) -> bool:
        next_update = self.crl.next_update_utc
        return at > self.this_update + age_max or (next_update is not None and at > next_update)

    def revoked_at(self, serial: int) -> datetime | None:
        """From when on a certificate of this issuer no longer counts. What was signed before stays signed."""
        entry = self.crl.get_revoked_certificate_by_serial_number(serial)
        return None if entry is None else entry.revocation_date_utc

    def is_of(self, issuer: x509.Certificate) -> bool:
        return _signed(self, issuer)


def read_list(content: bytes) -> RevocationList:
    """A list from PEM or DER. Raises NoList."""
    if len(content) > LIST_BYTES_MAX:
        raise NoList(f"larger than {LIST_BYTES_MAX} bytes")
    try:
        load = x509.load_pem_x509_crl if content.lstrip().startswith(b"-----BEGIN") else x509.load_der_x509_crl
        crl = load(content)
        critical = [extension.oid.dotted_string for extension in crl.extensions if extension.critical]
        this_update = crl.last_update_utc
    except (ValueError, UnsupportedAlgorithm) as error:
        raise NoList("no revocation list") from error
    if critical:
        raise NoList(f"a delta, indirect or partitioned list: {', '.join(critical)}")
    return RevocationList(crl, this_update)


@dataclass(frozen=True)
class Standing:
    """What the lists say of a chain: revoked since when, or what they could not say."""

    revoked_at: datetime | None = None
    unknown: Unknown | None = None


def standing(
    issued: tuple[x509.Certificate, ...], lists: Mapping[bytes, RevocationList], at: datetime, age_max: timedelta
) -> Standing:
    """Of every certificate of the chain but its root. Revoked at or before the moment counts, later does not."""
    unknown: Unknown | None = None
    for certificate, issuer in pairwise(issued):
        found = lists.get(certificate.issuer.public_bytes())
        if found is None or not found.is_of(issuer):
            unknown = "revocation_list_missing"
            continue
        revoked_at = found.revoked_at(certificate.serial_number)
        if revoked_at is not None and revoked_at <= at:
            return Standing(revoked_at=revoked_at)
        if found.outdated(at, age_max):
            unknown = unknown or "revocation_list_outdated"
    return Standing(unknown=unknown)


def by_issuer(lists: Iterable[RevocationList]) -> Mapping[bytes, RevocationList]:
    """The newest of each issuer."""
    return {each.issuer: each for each in sorted(lists, key=lambda one: one.this_update)}


@lru_cache(maxsize=SIGNATURES_KEPT_MAX)
def _signed(revocations: RevocationList, issuer: x509.Certificate) -> bool:
    """Checked once per list: a long one takes milliseconds."""
    try:
        if not issuer.extensions.get_extension_for_class(x509.KeyUsage).value.crl_sign:
            return False
    except (ValueError, x509.ExtensionNotFound):
        return False
    try:
        key = issuer.public_key()
    except (UnsupportedAlgorithm, ValueError):
        return _signed_by_sm2(revocations.crl, issuer)
    if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        return False
    try:
        return revocations.crl.is_signature_valid(key)
    except (UnsupportedAlgorithm, ValueError):
        return False


def _signed_by_sm2(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    point = sm2_certificates.point_of(issuer.public_bytes(Encoding.DER))
    if point is None or crl.signature_algorithm_oid != SM2_SIGNATURE:
        return False
    return sm2.verify(point, sm2.raw(crl.signature), crl.tbs_certlist_bytes)
