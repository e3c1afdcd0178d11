"""A certificate authority of the tests: roots, authorities below them, people's certificates, revocation lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID, ObjectIdentifier
from joserfc.jwk import ECKey

SINCE, UNTIL = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def jwk(key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    """The private key as the signer's client holds it."""
    return dict(ECKey.import_key(key).as_dict(private=True))


def pem(*certificates: x509.Certificate) -> str:
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in certificates)


def usage(*, signs: bool = False, certifies: bool = False, lists: bool = False) -> x509.KeyUsage:
    no = dict.fromkeys(
        ("key_encipherment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only"),
        False,
    )
    return x509.KeyUsage(
        digital_signature=signs, content_commitment=False, key_cert_sign=certifies, crl_sign=lists, **no
    )


@dataclass
class Authority:
    """Issues certificates and lists; `certificate` is its own."""

    name: str
    key: CertificateIssuerPrivateKeyTypes
    certificate: x509.Certificate
    above: tuple[x509.Certificate, ...] = ()
    serials: Iterable[int] = field(default_factory=lambda: iter(range(100, 10_000)))

    @classmethod
    def root(cls, name: str = "Example Root", **change: Any) -> Authority:
        key = change.pop("key", None) or new_key()
        return cls(name, key, issue(name, key.public_key(), name, key, 1, **_authority() | change))

    def below(self, name: str = "Example Issuing", **change: Any) -> Authority:
        key = new_key()
        certificate = self._issue(name, key.public_key(), **_authority() | change)
        above = () if self.certificate.issuer == self.certificate.subject else (self.certificate, *self.above)
        return Authority(name, key, certificate, above)

    def person(self, key: ec.EllipticCurvePrivateKey, name: str = "王示安", **change: Any) -> x509.Certificate:
        return self._issue(name, key.public_key(), **{"usage": usage(signs=True)} | change)

    def chain(self, key: ec.EllipticCurvePrivateKey, **change: Any) -> str:
        """A person's certificate and those between it and the root, as a register entry holds them."""
        own = () if self.certificate.issuer == self.certificate.subject else (self.certificate,)
        return pem(self.person(key, **change), *own, *self.above)

    def revocations(
        self,
        at: datetime,
        revoked: Mapping[int, datetime] | None = None,
        *,
        key: Any = None,
        next_update: timedelta = timedelta(days=7),
        extensions: Iterable[tuple[x509.ExtensionType, bool]] = (),
    ) -> bytes:
        """A list in DER: serial number -> revoked from when on."""
        name = _name(self.name)
        builder = x509.CertificateRevocationListBuilder().issuer_name(name)
        builder = builder.last_update(at).next_update(at + next_update)
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical=critical)
        for serial, since in (revoked or {}).items():
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(since).build()
            builder = builder.add_revoked_certificate(entry)
        return builder.sign(key or self.key, hashes.SHA256()).public_bytes(Encoding.DER)

    def _issue(self, name: str, key: Any, **change: Any) -> x509.Certificate:
        return issue(name, key, self.name, self.key, next(iter(self.serials)), **change)


def issue(
    name: str,
    key: Any,
    issuer: str,
    issuer_key: Any,
    serial: int,
    *,
    usage: x509.KeyUsage | None,
    authority: bool = False,
    since: datetime = SINCE,
    until: datetime = UNTIL,
    purposes: Iterable[str] = (),
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(key)
        .serial_number(serial)
        .not_valid_before(since)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if usage:
        builder = builder.add_extension(usage, critical=True)
    if purposes:
        named = x509.ExtendedKeyUsage([ObjectIdentifier(each) for each in purposes])
        builder = builder.add_extension(named, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _authority() -> dict[str, Any]:
    return {"usage": usage(certifies=True, lists=True), "authority": True}


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
