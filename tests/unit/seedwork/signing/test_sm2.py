"""SM2 with SM3: what the standard's sample and another implementation say, and everything that is no signature."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from gmssl import sm2 as oracle

from services.seedwork.signing import sm2

pytestmark = pytest.mark.skipif(sm2.unavailable() is not None, reason=str(sm2.unavailable()))

# GM/T 0003.5-2012, appendix A
SCALAR = bytes.fromhex("3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8")
POINT = bytes.fromhex(
    "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
R = bytes.fromhex("f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3")
S = bytes.fromhex("b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa")
MESSAGE = b"message digest"
ORDER = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
FIELD = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF


def number(value: int) -> bytes:
    return value.to_bytes(32, "big")


def other(scalar: bytes, point: bytes) -> oracle.CryptSM2:
    """The same key in the other implementation, which adds the signer's id 1234567812345678 by itself."""
    return oracle.CryptSM2(private_key=scalar.hex(), public_key=point.hex())


def test_the_standards_sample_signature_is_genuine() -> None:
    assert sm2.public_point(SCALAR) == POINT
    assert sm2.verify(POINT, R + S, MESSAGE)


@pytest.mark.parametrize("message", [b"", b"\x00", "二甲双胍 0.5 g".encode(), b"x" * 100_000])
def test_two_implementations_verify_each_other(message: bytes) -> None:
    scalar = number(secrets.randbelow(ORDER - 2) + 1)
    point = sm2.public_point(scalar)
    theirs = other(scalar, point)

    assert theirs.verify_with_sm3(sm2.sign(scalar, message).hex(), message)
    assert sm2.verify(point, bytes.fromhex(theirs.sign_with_sm3(message)), message)


def test_what_is_signed_is_the_standards_digest_of_key_and_message() -> None:
    sample = "f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640"  # the same appendix
    assert sm2.digest(POINT, MESSAGE).hex() == sample


def test_a_signature_is_for_its_message_its_key_and_its_signers_id() -> None:
    signature = sm2.sign(SCALAR, MESSAGE)
    stranger = sm2.public_point(number(7))

    assert sm2.verify(POINT, signature, MESSAGE)
    assert not sm2.verify(POINT, signature, MESSAGE + b" ")
    assert not sm2.verify(POINT, signature, MESSAGE[:-1])
    assert not sm2.verify(stranger, signature, MESSAGE)
    assert not sm2.verify(POINT, signature, MESSAGE, b"8765432187654321")
    assert sm2.verify(POINT, sm2.sign(SCALAR, MESSAGE, b"another id"), MESSAGE, b"another id")


def test_every_bit_of_a_signature_counts() -> None:
    genuine = R + S
    for place in range(0, 512, 7):
        changed = bytearray(genuine)
        changed[place // 8] ^= 1 << place % 8
        assert not sm2.verify(POINT, bytes(changed), MESSAGE)


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        R,
        R + S + b"\x00",
        number(0) + S,
        R + number(0),
        number(0) + number(0),
        number(ORDER) + S,
        R + number(ORDER),
        number((int.from_bytes(R, "big") + ORDER) % 2**256) + S,
        R + number(ORDER - int.from_bytes(R, "big")),  # r + s = 0 (mod n)
        b"\xff" * 64,
        S + R,
    ],
)
def test_what_is_out_of_range_or_shape_is_no_signature(signature: bytes) -> None:
    assert not sm2.verify(POINT, signature, MESSAGE)


@pytest.mark.parametrize(
    "point",
    [
        b"",
        bytes(64),
        POINT[:-1],
        POINT + b"\x00",
        POINT[:-1] + bytes([POINT[-1] ^ 1]),
        number(FIELD) + POINT[32:],
        b"\xff" * 64,
        b"\x04" + POINT[:-1],
    ],
)
def test_what_is_no_point_of_the_curve_is_no_key(point: bytes) -> None:
    assert not sm2.is_key(point)
    assert not sm2.verify(point, R + S, MESSAGE)


@pytest.mark.parametrize("scalar", [b"", number(0), number(ORDER - 1), number(ORDER), b"\xff" * 32, SCALAR + b"\x00"])
def test_what_is_no_private_key_signs_nothing(scalar: bytes) -> None:
    with pytest.raises(ValueError, match="no SM2 private key"):
        sm2.sign(scalar, MESSAGE)


@pytest.fixture(params=["nowhere", "no library"])
def without_sm2(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    found = {"nowhere": [], "no library": ["libno-such-crypto.so.3", "libm.so.6"]}[request.param]
    monkeypatch.setattr(sm2, "_candidates", lambda: iter(found))
    sm2._chosen.cache_clear()
    yield
    sm2._chosen.cache_clear()


@pytest.mark.usefixtures("without_sm2")
def test_where_no_libcrypto_offers_sm2_it_says_so() -> None:
    assert "no libcrypto" in (sm2.unavailable() or "")
    for use in (
        lambda: sm2.verify(POINT, R + S, MESSAGE),
        lambda: sm2.sign(SCALAR, MESSAGE),
        lambda: sm2.is_key(POINT),
    ):
        with pytest.raises(sm2.Unavailable):
            use()


def test_a_libcrypto_that_fails_the_standards_sample_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sm2, "_SAMPLE_MESSAGE", b"another message")
    sm2._chosen.cache_clear()
    try:
        assert "without SM2" in (sm2.unavailable() or "")
    finally:
        monkeypatch.undo()
        sm2._chosen.cache_clear()
    assert sm2.unavailable() is None


def test_on_a_mac_no_library_without_a_version_is_ever_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sm2.sys, "platform", "darwin")
    monkeypatch.setattr(sm2.Path, "exists", lambda _path: True)
    found = list(sm2._candidates())
    assert found
    assert all(name.endswith((".3.dylib", ".4.dylib")) for name in found)


@pytest.mark.parametrize("encoded", [b"", b"\x30", b"\x30\x06\x02\x01\x01\x02\x01", bytes.fromhex("3006020101020181")])
def test_what_is_no_signature_in_der_is_empty_or_verifies_nothing(encoded: bytes) -> None:
    assert not sm2.verify(POINT, sm2.raw(encoded), MESSAGE)


def test_a_signature_in_der_becomes_r_and_s() -> None:
    assert sm2.raw(encode_dss_signature(int.from_bytes(R, "big"), int.from_bytes(S, "big"))) == R + S
    assert sm2.raw(encode_dss_signature(2**256, 1)) == b""
