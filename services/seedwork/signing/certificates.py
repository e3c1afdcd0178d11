"""Certificates of signers (电子签名认证证书): a chain to a root that the installation trusts, and a key that may sign.

A register entry holds the signer's certificate, and after it those between it and the root: PEM blocks one after
another, or one certificate as base64 of its DER. Chains are verified by `cryptography`; it reads SM2 certificates but
knows neither their keys nor their signatures, so where there is SM2 in a chain libcrypto verifies it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier
from cryptography.x509.verification import ExtensionPolicy, PolicyBuilder, Store, VerificationError
from joserfc.jwk import ECKey

from services.seedwork.signing import sm2_certificates
from services.seedwork.signing.algorithms import Es256Key, PublicKey, Sm2Key

Extension = TypeVar("Extension", bound=x509.ExtensionType)

INTERMEDIATES_MAX = 3
CERTIFICATE_CHARACTERS_MAX = 16_384
_PEM = "-----BEGIN CERTIFICATE-----"
SM2_SIGNATURE = ObjectIdentifier("1.2.156.10197.1.501")
_DOCUMENT_SIGNING = ObjectIdentifier("1.3.6.1.5.5.7.3.36")  # RFC 9336
PURPOSES = frozenset(
    {
        _DOCUMENT_SIGNING,
        ExtendedKeyUsageOID.EMAIL_PROTECTION,
        ExtendedKeyUsageOID.CLIENT_AUTH,
        ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    }
)
"""A certificate that names purposes names one of these: a server's certificate signs no prescription."""


class Untrusted(Exception):  # noqa: N818 - says what is wrong with a certificate
    """Why a certificate does not count: form, algorithm, usage or chain."""


@dataclass(frozen=True)
class Chain:
    """A signer's certificate that leads to a trusted root; `issued` are it and those between, each before its issuer,
    the root last. Good from when until when all of them are."""

    key: PublicKey
    issued: tuple[x509.Certificate, ...]

    @property
    def serial(self) -> str:
        """Of the signer's certificate, hexadecimal."""
        return f"{self.issued[0].serial_number:x}"

    def covers(self, at: datetime) -> bool:
        return all(one.not_valid_before_utc <= at <= one.not_valid_after_utc for one in self.issued)


def read(text: str) -> tuple[x509.Certificate, ...]:
    """The certificates of a register entry, the signer's first. Raises Untrusted."""
    try:
        if len(text) > CERTIFICATE_CHARACTERS_MAX:
            raise Untrusted("form")
        if text.lstrip().startswith(_PEM):
            found = x509.load_pem_x509_certificates(text.encode("ascii"))
        else:
            found = [x509.load_der_x509_certificate(base64.b64decode("".join(text.split()), validate=True))]
    except (ValueError, binascii.Error) as error:
        raise Untrusted("form") from error
    if len(found) > 1 + INTERMEDIATES_MAX:
        raise Untrusted("form")
    return tuple(found)


def chain_of(text: str, roots: Sequence[x509.Certificate], at: datetime) -> Chain:
    """The chain of a signer's certificate at this moment. Raises Untrusted, or `sm2.Unavailable` where it is needed."""
    given = read(text)
    key = _key_of(given[0])
    by_sm2 = isinstance(key, Sm2Key) or any(one.signature_algorithm_oid == SM2_SIGNATURE for one in given)
    issued = (_verified_by_libcrypto if by_sm2 else _verified)(given, roots, at) if roots else None
    if issued is None:
        raise Untrusted("chain")
    return Chain(key, tuple(issued))


def _verified(
    given: Sequence[x509.Certificate], roots: Sequence[x509.Certificate], at: datetime
) -> Sequence[x509.Certificate] | None:
    """A person's certificate needs no name of a host, as the web's do; what it is for is looked at by itself."""
    rules = PolicyBuilder().store(Store(list(roots))).time(at).max_chain_depth(INTERMEDIATES_MAX)
    rules = rules.extension_policies(
        ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=ExtensionPolicy.permit_all()
    )
    try:
        return rules.build_client_verifier().verify(given[0], list(given[1:])).chain
    except VerificationError:
        return None


def _verified_by_libcrypto(
    given: Sequence[x509.Certificate], roots: Sequence[x509.Certificate], at: datetime
) -> Sequence[x509.Certificate] | None:
    signer, *between = (one.public_bytes(Encoding.DER) for one in given)
    trusted = [root.public_bytes(Encoding.DER) for root in roots]
    chain = sm2_certificates.verified(signer, between, trusted, at, INTERMEDIATES_MAX)
    return None if chain is None else [x509.load_der_x509_certificate(one) for one in chain]


def _key_of(signer: x509.Certificate) -> PublicKey:
    """The key, where it is for signing and not an authority's."""
    try:
        usage = signer.extensions.get_extension_for_class(x509.KeyUsage).value
        constraints = _extension(signer, x509.BasicConstraints)
        purposes = {one.dotted_string for one in _extension(signer, x509.ExtendedKeyUsage) or ()}
    except (ValueError, x509.ExtensionNotFound) as error:
        raise Untrusted("usage") from error
    if not (usage.digital_signature or usage.content_commitment) or (constraints and constraints.ca):
        raise Untrusted("usage")
    if purposes and not purposes & {one.dotted_string for one in PURPOSES}:
        raise Untrusted("usage")
    try:
        key = signer.public_key()
    except (UnsupportedAlgorithm, ValueError):
        point = sm2_certificates.point_of(signer.public_bytes(Encoding.DER))
        if point is None:
            raise Untrusted("algorithm") from None
        return Sm2Key(point)
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise Untrusted("algorithm")
    return Es256Key(ECKey.import_key(key))


def _extension(signer: x509.Certificate, kind: type[Extension]) -> Extension | None:
    try:
        return signer.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
