"""A certificate authority with SM2, by the command line of OpenSSL 3: nothing in Python issues such certificates."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from joserfc.util import urlsafe_b64encode

from services.seedwork.signing import sm2

USUAL_ID = "1234567812345678"
PERSON = "basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\nauthorityKeyIdentifier=keyid\n"
AUTHORITY = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n"
_PKCS8 = bytes.fromhex("3041020100301306072a8648ce3d020106082a811ccf5501822d04273025020101" + "0420")


def openssl(*arguments: str, cwd: Path) -> None:
    subprocess.run(["openssl", *arguments], cwd=cwd, capture_output=True, check=True, text=True)


def offers_sm2() -> bool:
    """Whether both the library and the command are there."""
    try:
        listed = subprocess.run(["openssl", "version"], capture_output=True, check=False, text=True).stdout
    except FileNotFoundError:
        return False
    return sm2.unavailable() is None and listed.startswith("OpenSSL 3")


def private_jwk(scalar: bytes) -> dict[str, Any]:
    """The private key as the signer's client holds it."""
    point = sm2.public_point(scalar)
    parts = {"x": point[:32], "y": point[32:], "d": scalar}
    return {"kty": "EC", "crv": "SM2", **{name: urlsafe_b64encode(part).decode() for name, part in parts.items()}}


def key_pem(scalar: bytes) -> str:
    body = base64.encodebytes(_PKCS8 + scalar).decode()
    return f"-----BEGIN PRIVATE KEY-----\n{body}-----END PRIVATE KEY-----\n"


@dataclass(frozen=True)
class Sm2Authority:
    """`name` is that of its files in the directory."""

    directory: Path
    name: str = "root"

    @classmethod
    def root(cls, directory: Path, name: str = "root", signer_id: str = USUAL_ID) -> Sm2Authority:
        directory.mkdir(parents=True, exist_ok=True)
        openssl("genpkey", "-algorithm", "SM2", "-out", f"{name}.key", cwd=directory)
        command = ["req", "-x509", "-new", "-sm3", "-sigopt", f"distid:{signer_id}", "-key", f"{name}.key"]
        command += ["-subj", "/CN=SM2 root", "-days", "1000", "-addext", "keyUsage=critical,keyCertSign,cRLSign"]
        openssl(*command, "-out", f"{name}.pem", cwd=directory)
        return cls(directory, name)

    @property
    def pem(self) -> str:
        return (self.directory / f"{self.name}.pem").read_text()

    def below(self, name: str = "issuing") -> Sm2Authority:
        openssl("genpkey", "-algorithm", "SM2", "-out", f"{name}.key", cwd=self.directory)
        self._issue(name, AUTHORITY, USUAL_ID)
        return Sm2Authority(self.directory, name)

    def person(self, key: str, *, extensions: str = PERSON, signer_id: str = USUAL_ID, name: str = "doctor") -> str:
        """The certificate of somebody with this private key (PEM, SM2 or not)."""
        (self.directory / f"{name}.key").write_text(key)
        self._issue(name, extensions, signer_id)
        return (self.directory / f"{name}.pem").read_text()

    def revocations(self, revoked: Mapping[int, datetime] | None = None) -> bytes:
        """A list as of now."""
        rows = [
            f"R\t290101000000Z\t{since:%y%m%d%H%M%S}Z\t{serial:040X}\tunknown\t/CN=x"
            for serial, since in (revoked or {}).items()
        ]
        (self.directory / "index.txt").write_text("".join(f"{row}\n" for row in rows))
        (self.directory / "ca.cnf").write_text("[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ndefault_md=sm3\n")
        command = ["ca", "-gencrl", "-config", "ca.cnf", "-keyfile", f"{self.name}.key", "-crldays", "7"]
        command += ["-cert", f"{self.name}.pem", "-md", "sm3", "-sigopt", f"distid:{USUAL_ID}", "-out", "list.crl"]
        openssl(*command, cwd=self.directory)
        return (self.directory / "list.crl").read_bytes()

    def _issue(self, name: str, extensions: str, signer_id: str) -> None:
        (self.directory / "extensions").write_text(extensions)
        is_sm2 = "SM2" in self._kind(name)
        own = ["-sigopt", f"distid:{USUAL_ID}"] if is_sm2 else []
        request = ["req", "-new", "-sm3" if is_sm2 else "-sha256", *own, "-key", f"{name}.key", "-subj", f"/CN={name}"]
        openssl(*request, "-out", f"{name}.csr", cwd=self.directory)
        checked = ["-vfyopt", f"distid:{USUAL_ID}"] if is_sm2 else []
        command = ["x509", "-req", "-in", f"{name}.csr", *checked, "-CA", f"{self.name}.pem", "-CAkey"]
        command += [f"{self.name}.key", "-CAcreateserial", "-sm3", "-sigopt", f"distid:{signer_id}"]
        openssl(*command, "-days", "300", "-extfile", "extensions", "-out", f"{name}.pem", cwd=self.directory)

    def _kind(self, name: str) -> str:
        command = ["openssl", "pkey", "-in", f"{name}.key", "-noout", "-text"]
        return subprocess.run(command, cwd=self.directory, capture_output=True, check=True, text=True).stdout
