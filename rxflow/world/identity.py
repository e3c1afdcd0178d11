"""Generated identities: right in form and check digit, recognisably nobody's.

Every personal name carries the character 示 (as in 示例, example). Sequence numbers 996 to 999 of an identity number
were reserved for centenarians, so with a younger birth date the number was never issued. Telephone numbers start
with the unassigned prefix 142.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any, Literal

import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode
from stdnum.cn import ric, uscc

from services.seedwork.signing import sm2
from services.seedwork.signing.algorithms import ALGORITHMS

Sex = Literal["male", "female"]

SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
GIVEN = "安宁和平清明远思文博嘉乐康健欣怡晨阳雨泽兰竹松柏秋冬春夏云星河山川海若如子之"
P256_BYTES = 32
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@dataclass(frozen=True)
class SigningPair:
    """A key pair of a person of the demo world, on P-256 or SM2. It protects nothing: it is derived from the world's
    seed, and so is every signature, as the world repeats itself."""

    kid: str
    private_jwk: dict[str, Any]
    public_jwk: dict[str, Any]

    def sign(self, payload: bytes) -> str:
        """A compact JWS (ES256 or SM2) over exactly these bytes, the same each time."""
        curve = self.private_jwk["crv"]
        header = orjson.dumps({"alg": ALGORITHMS[curve], "kid": self.kid})
        signed = urlsafe_b64encode(header) + b"." + urlsafe_b64encode(payload)
        signature = _sm2_signature(self._scalar, signed) if curve == "SM2" else self._es256_signature(signed)
        return (signed + b"." + urlsafe_b64encode(signature)).decode()

    def _es256_signature(self, signed: bytes) -> bytes:
        key = ECKey.import_key(self.private_jwk).get_op_key("sign")
        numbers = decode_dss_signature(key.sign(signed, ec.ECDSA(SHA256(), deterministic_signing=True)))  # RFC 6979
        return b"".join(number.to_bytes(P256_BYTES, "big") for number in numbers)

    @property
    def _scalar(self) -> bytes:
        return urlsafe_b64decode(self.private_jwk["d"].encode())


def signing_pair(seed: int, kid: str, *, by_sm2: bool = False) -> SigningPair:
    """The same seed and key id give the same key. `by_sm2` needs a machine that offers it."""
    digest = hashlib.sha512(f"rxflow demo world|{seed}|{kid}".encode()).digest()
    if by_sm2:
        return _sm2_pair(kid, (int.from_bytes(digest, "big") % (sm2.ORDER - 2) + 1).to_bytes(sm2.SCALAR_BYTES, "big"))
    scalar = int.from_bytes(digest, "big") % (P256_ORDER - 1) + 1
    key = ECKey.import_key(ec.derive_private_key(scalar, ec.SECP256R1()))
    return SigningPair(kid, dict(key.as_dict(private=True)), dict(key.as_dict(private=False)))


def _sm2_pair(kid: str, scalar: bytes) -> SigningPair:
    point = sm2.public_point(scalar)
    parts = {"x": point[: sm2.SCALAR_BYTES], "y": point[sm2.SCALAR_BYTES :], "d": scalar}
    encoded = {name: urlsafe_b64encode(part).decode() for name, part in parts.items()}
    public = {"kty": "EC", "crv": "SM2", "x": encoded["x"], "y": encoded["y"]}
    return SigningPair(kid, {**public, "d": encoded["d"]}, public)


def _sm2_signature(scalar: bytes, message: bytes) -> bytes:
    """As `sm2.sign`, but with a nonce that follows from key and message (in the manner of RFC 6979): libcrypto draws
    one at random, and nothing of the demo world may. Its steps are GM/T 0003.2-2012, 6.1."""
    key = int.from_bytes(scalar, "big")
    point = sm2.public_point(scalar)
    digest = int.from_bytes(sm2.digest(point, message), "big")
    for attempt in range(16):  # more than one has never been needed: r or s would have to be 0
        seed = hmac.digest(scalar, digest.to_bytes(sm2.SCALAR_BYTES, "big") + bytes([attempt]), "sha512")
        nonce = int.from_bytes(seed, "big") % (sm2.ORDER - 2) + 1
        x = sm2.public_point(nonce.to_bytes(sm2.SCALAR_BYTES, "big"))[: sm2.SCALAR_BYTES]
        r = (digest + int.from_bytes(x, "big")) % sm2.ORDER
        s = pow(1 + key, -1, sm2.ORDER) * (nonce - r * key) % sm2.ORDER
        if r and s and r + nonce != sm2.ORDER:
            return r.to_bytes(sm2.SCALAR_BYTES, "big") + s.to_bytes(sm2.SCALAR_BYTES, "big")
    raise AssertionError("no nonce fits")


def person_name(random: Random) -> str:
    return f"{random.choice(SURNAMES)}示{random.choice(GIVEN)}"


def identity_number(random: Random, region: str, sex: Sex, serial: int) -> tuple[str, date]:
    """An 18-character resident identity number with its check digit, and the birth date in it.

    A birth date is drawn until the county existed at that time. `serial` 0 or 1 tells namesakes apart.
    """
    first, last = date(1944, 1, 1), date(2005, 12, 31)
    sequence = 996 + 2 * serial + (1 if sex == "male" else 0)
    for _ in range(1000):
        born = first + timedelta(days=random.randrange((last - first).days))
        body = f"{region}{born:%Y%m%d}{sequence}"
        number = body + ric.calc_check_digit(f"{body}0")
        if ric.is_valid(number):
            return number, born
    raise ValueError(f"no birth place {region}")


def telephone(number: int) -> str:
    return f"142{number:08d}"


def social_credit_code(random: Random, prefix: str, region: str) -> str:
    """A unified social credit code (统一社会信用代码); prefix 12: public institution, 91: company."""
    body = f"{prefix}{region}MA{''.join(random.choice(USCC_ALPHABET) for _ in range(7))}"
    return str(uscc.validate(body + uscc.calc_check_digit(body)))
