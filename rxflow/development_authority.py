"""A certificate authority for trying certificates out, in development mode only (`rxflow certify`).

Its key is made at first use among the development keys, its root goes where this machine's trust is, and each use
publishes a fresh, empty revocation list: after the policy's maximum age its certificates are accepted as degraded.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from services.seedwork.failures import ConfigurationError
from services.seedwork.keyfiles import DIRECTORY_MODE, read_or_make
from services.seedwork.settings import Settings
from services.seedwork.signing.algorithms import Es256Key, public_key
from services.seedwork.signing.trust import ROOTS, keep_list

ROOT_DAYS, PERSON_DAYS, LIST_DAYS = 3650, 365, 7
NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rxflow development authority")])
_NOT_FOR = dict.fromkeys(
    ("key_encipherment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only"),
    False,
)


def certify(settings: Settings, code: str, public_jwk: dict[str, Any], now: datetime | None = None) -> str:
    """A certificate for a person's P-256 public key, in PEM, for the `certificate` of their register entry.

    Raises ConfigurationError outside development mode, and ValueError for what is no such key.
    """
    if not settings.development:
        raise ConfigurationError("the development authority exists only with RXFLOW_DEVELOPMENT=1")
    now = (now or datetime.now(UTC)).replace(microsecond=0)
    read = public_key(public_jwk)
    if not isinstance(read, Es256Key):
        raise ValueError("not one that a certificate can be made for")
    key = read.key.get_op_key("verify")
    authority = _authority_key(settings)
    root = _root(settings, authority, now)
    person = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, code)])
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=True, key_cert_sign=False, crl_sign=False, **_NOT_FOR
    )
    certificate = _issue(person, key, authority, usage, now, PERSON_DAYS)
    revocations = x509.CertificateRevocationListBuilder().issuer_name(root.subject).last_update(now)
    signed = revocations.next_update(now + timedelta(days=LIST_DAYS)).sign(authority, hashes.SHA256())
    keep_list(settings.trusted, signed.public_bytes(Encoding.DER))
    return certificate.public_bytes(Encoding.PEM).decode("ascii")


def _authority_key(settings: Settings) -> ec.EllipticCurvePrivateKey:
    def make() -> bytes:
        key = ec.generate_private_key(ec.SECP256R1())
        return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    key = load_pem_private_key(read_or_make(settings.keys / "authority.pem", make), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ConfigurationError(f"{settings.keys / 'authority.pem'} is no EC key")
    return key


def _root(settings: Settings, key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    path = settings.trusted / ROOTS / "development.pem"
    if not path.exists():
        path.parent.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        usage = x509.KeyUsage(
            digital_signature=False, content_commitment=False, key_cert_sign=True, crl_sign=True, **_NOT_FOR
        )
        root = _issue(NAME, key.public_key(), key, usage, now, ROOT_DAYS)
        path.write_bytes(root.public_bytes(Encoding.PEM))
    return x509.load_pem_x509_certificate(path.read_bytes())


def _issue(
    subject: x509.Name,
    key: ec.EllipticCurvePublicKey,
    authority: ec.EllipticCurvePrivateKey,
    usage: x509.KeyUsage,
    now: datetime,
    days: int,
) -> x509.Certificate:
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(NAME)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=usage.key_cert_sign, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(issuer, critical=False)
        .sign(authority, hashes.SHA256())
    )
