"""Certificates of signers (电子签名认证证书): a chain to a root that the installation trusts, and a key that may sign.

A register entry holds the signer's certificate, and after it those between it and the root: PEM blocks one after
another, or one certificate as base64 of its DER. Chains are verified by `cryptography`. It reads SM2 certificates but
knows neither their keys nor their signatures, so those are refused as what they are; a signer with SM2 registers the
public key itself.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store, VerificationError
from joserfc.jwk import ECKey

from services.seedwork.signing.algorithms import Es256Key, PublicKey

INTERMEDIATES_MAX = 3
CERTIFICATE_CHARACTERS_MAX = 16_384
_PEM = "-----BEGIN CERTIFICATE-----"
_SM2_SIGNATURE = ObjectIdentifier("1.2.156.10197.1.501")
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
    """The chain of a signer's certificate at this moment. Raises Untrusted."""
    signer, *between = read(text)
    key = _key_of(signer)
    if not roots:
        raise Untrusted("chain")
    verifier = (
        PolicyBuilder()
        .store(Store(list(roots)))
        .time(at)
        .max_chain_depth(INTERMEDIATES_MAX)
        .extension_policies(ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=_signers())
        .build_client_verifier()
    )
    try:
        return Chain(key, tuple(verifier.verify(signer, between).chain))
    except VerificationError as error:
        raise Untrusted("chain") from error


def _key_of(signer: x509.Certificate) -> Es256Key:
    if signer.signature_algorithm_oid == _SM2_SIGNATURE:
        raise Untrusted("algorithm")
    try:
        key = signer.public_key()
        usage = signer.extensions.get_extension_for_class(x509.KeyUsage).value
        purposes = {one.dotted_string for one in _purposes(signer)}
    except (UnsupportedAlgorithm, ValueError) as error:
        raise Untrusted("algorithm") from error
    except x509.ExtensionNotFound as error:
        raise Untrusted("usage") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise Untrusted("algorithm")
    if not (usage.digital_signature or usage.content_commitment):
        raise Untrusted("usage")
    if purposes and not purposes & {one.dotted_string for one in PURPOSES}:
        raise Untrusted("usage")
    return Es256Key(ECKey.import_key(key))


def _purposes(signer: x509.Certificate) -> x509.ExtendedKeyUsage | tuple[()]:
    try:
        return signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return ()


def _signers() -> ExtensionPolicy:
    """A person's certificate needs no name of a host, as the web's do; what it is for is looked at by itself. An
    authority's certificate signs no prescription."""
    return ExtensionPolicy.permit_all().may_be_present(
        x509.BasicConstraints,
        Criticality.AGNOSTIC,
        lambda _policy, _certificate, constraints: _no_authority(constraints),
    )


def _no_authority(constraints: x509.BasicConstraints | None) -> None:
    if constraints is not None and constraints.ca:
        raise ValueError("an authority")
