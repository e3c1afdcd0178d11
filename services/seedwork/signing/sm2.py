"""SM2 signatures with SM3 (GM/T 0003.2-2012, GB/T 32918.2-2016) through libcrypto of OpenSSL 3, by ctypes.

`cryptography` has no SM2, and Python code for it takes 30 times as long. A key is a point of the curve in 64 bytes
(x, y), a private key its scalar in 32, a signature r and s in 64 (GM/T 0009: raw r‖s). What is signed is
SM3(Z ‖ message), where Z binds the signer's id and key.

Not every libcrypto offers SM2 (OpenSSL before 3, builds without it, LibreSSL). One is used that verifies the sample
signature of the standard; where there is none, `unavailable` says why and everything else raises `Unavailable`.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import sys
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SM3, Hash

SIGNER_ID = b"1234567812345678"
"""The signer's id where the parties agreed on no other (GM/T 0009-2012, 10)."""
SCALAR_BYTES = 32
POINT_BYTES = SIGNATURE_BYTES = 64
ORDER = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
"""Order of the base point (GM/T 0003.5-2012)."""
_CURVE = bytes.fromhex(
    "fffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffc"  # a
    "28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93"  # b
    "32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7"  # base point
    "bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0"
)
KEYS_KEPT_MAX = 1024
SIGNATURE_DER_BYTES_MAX = 128

_ALGORITHM = bytes.fromhex("301306072a8648ce3d020106082a811ccf5501822d")  # ecPublicKey on sm2p256v1
_PUBLIC_KEY_INFO = bytes.fromhex("3059") + _ALGORITHM + bytes.fromhex("03420004")
_PRIVATE_KEY_INFO = bytes.fromhex("3041020100") + _ALGORITHM + bytes.fromhex("04273025020101" + "0420")

_pointer, _size, _text, _number = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_int
_FUNCTIONS: tuple[tuple[str, Any, tuple[Any, ...]], ...] = (
    # pointers must be declared: ctypes would cut them to 32 bits
    ("EVP_PKEY_free", None, (_pointer,)),
    ("EVP_PKEY_is_a", _number, (_pointer, _text)),
    ("d2i_PUBKEY", _pointer, (_pointer, _pointer, ctypes.c_long)),
    ("d2i_AutoPrivateKey", _pointer, (_pointer, _pointer, ctypes.c_long)),
    ("i2d_PUBKEY", _number, (_pointer, _pointer)),
    ("EVP_MD_CTX_new", _pointer, ()),
    ("EVP_MD_CTX_free", None, (_pointer,)),
    ("EVP_MD_CTX_set_pkey_ctx", None, (_pointer, _pointer)),
    ("EVP_PKEY_CTX_new", _pointer, (_pointer, _pointer)),
    ("EVP_PKEY_CTX_free", None, (_pointer,)),
    ("EVP_PKEY_CTX_set1_id", _number, (_pointer, _text, _number)),
    ("EVP_sm3", _pointer, ()),
    ("ERR_clear_error", None, ()),
    ("EVP_DigestSignInit", _number, (_pointer, _pointer, _pointer, _pointer, _pointer)),
    ("EVP_DigestSign", _number, (_pointer, _text, ctypes.POINTER(_size), _text, _size)),
    ("EVP_DigestVerifyInit", _number, (_pointer, _pointer, _pointer, _pointer, _pointer)),
    ("EVP_DigestVerify", _number, (_pointer, _text, _size, _text, _size)),
)

# GM/T 0003.5-2012, appendix A: public key, and the signature over "message digest" by SIGNER_ID
_SAMPLE_MESSAGE = b"message digest"
_SAMPLE_POINT = bytes.fromhex(
    "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
_SAMPLE_SIGNATURE = bytes.fromhex(
    "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
    "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
)


class Unavailable(Exception):  # noqa: N818 - a state of this machine, as its message says
    """No libcrypto here offers SM2."""


def unavailable() -> str | None:
    """Why SM2 cannot be used here; None where it can."""
    _library, why = _chosen()
    return why


def verify(point: bytes, signature: bytes, message: bytes, signer_id: bytes = SIGNER_ID) -> bool:
    """Whether this key signed these bytes; False also for what is no signature or no point of the curve."""
    crypto = libcrypto()
    key = _public(crypto, point)
    return key is not None and _verified(crypto, key, signature, message, signer_id)


def is_key(point: bytes) -> bool:
    """Whether these 64 bytes are a point of the curve."""
    return _public(libcrypto(), point) is not None


def sign(scalar: bytes, message: bytes, signer_id: bytes = SIGNER_ID) -> bytes:
    """A signature by this private key; another one each time, as the nonce is random."""
    crypto = libcrypto()
    key = _private(crypto, scalar)

    def run(context: int) -> bytes:
        length = _size(SIGNATURE_DER_BYTES_MAX)
        signature = ctypes.create_string_buffer(length.value)
        if crypto.EVP_DigestSign(context, signature, ctypes.byref(length), message, len(message)) != 1:
            raise ValueError("libcrypto did not sign")
        return raw(signature.raw[: length.value])

    with _digesting(crypto, key, crypto.EVP_DigestSignInit, signer_id) as context:
        return run(context)


def raw(encoded: bytes) -> bytes:
    """r‖s of a signature in DER, as certificates carry it; empty for what is none."""
    try:
        r, s = decode_dss_signature(encoded)
        return r.to_bytes(SCALAR_BYTES, "big") + s.to_bytes(SCALAR_BYTES, "big")
    except (ValueError, OverflowError):
        return b""


def public_point(scalar: bytes) -> bytes:
    """The public key of a private one."""
    crypto = libcrypto()
    key = _private(crypto, scalar)  # held by name: its pointer is freed with it
    return point_in(crypto, key.pointer)


def point_in(crypto: Any, key: int) -> bytes:
    """The public key in an EVP_PKEY of SM2."""
    encoded = ctypes.create_string_buffer(len(_PUBLIC_KEY_INFO) + POINT_BYTES)
    crypto.i2d_PUBKEY(key, ctypes.byref(ctypes.c_void_p(ctypes.addressof(encoded))))
    return encoded.raw[-POINT_BYTES:]


def digest(point: bytes, message: bytes, signer_id: bytes = SIGNER_ID) -> bytes:
    """What is signed: SM3(Z ‖ message) with Z = SM3(length of the id ‖ id ‖ curve ‖ key) (GM/T 0003.2-2012, 5.5)."""
    identity = (8 * len(signer_id)).to_bytes(2, "big") + signer_id + _CURVE + point
    return _sm3(_sm3(identity) + message)


def _sm3(content: bytes) -> bytes:
    hashed = Hash(SM3())
    hashed.update(content)
    return hashed.finalize()


class _Key:
    """An EVP_PKEY, freed with this object. libcrypto may read it in several threads at once."""

    def __init__(self, crypto: Any, pointer: int) -> None:
        self.pointer = pointer
        weakref.finalize(self, crypto.EVP_PKEY_free, pointer)


def _verified(crypto: Any, key: _Key, signature: bytes, message: bytes, signer_id: bytes) -> bool:
    if len(signature) != SIGNATURE_BYTES:
        return False
    halves = (signature[:SCALAR_BYTES], signature[SCALAR_BYTES:])
    encoded = encode_dss_signature(*(int.from_bytes(half, "big") for half in halves))
    with _digesting(crypto, key, crypto.EVP_DigestVerifyInit, signer_id) as context:
        return bool(crypto.EVP_DigestVerify(context, encoded, len(encoded), message, len(message)) == 1)


@contextmanager
def _digesting(crypto: Any, key: _Key, begin: Callable[..., int], signer_id: bytes) -> Iterator[int]:
    """A context in which a digest is signed or verified; the id must be set before the digest begins."""
    context, key_context = crypto.EVP_MD_CTX_new(), crypto.EVP_PKEY_CTX_new(key.pointer, None)
    try:
        if crypto.EVP_PKEY_CTX_set1_id(key_context, signer_id, len(signer_id)) != 1:
            raise ValueError("libcrypto did not take the signer's id")
        crypto.EVP_MD_CTX_set_pkey_ctx(context, key_context)
        if begin(context, None, crypto.EVP_sm3(), None, key.pointer) != 1:
            raise ValueError("libcrypto did not begin")
        yield context
    finally:
        crypto.EVP_MD_CTX_free(context)
        crypto.EVP_PKEY_CTX_free(key_context)
        crypto.ERR_clear_error()  # Python's ssl may share this library, and each thread's error queue


@lru_cache(maxsize=KEYS_KEPT_MAX)
def _public(crypto: Any, point: bytes) -> _Key | None:
    """Reading a key costs a good part of a verification, so those of the registers are kept."""
    return _read(crypto, crypto.d2i_PUBKEY, _PUBLIC_KEY_INFO + point) if len(point) == POINT_BYTES else None


def _private(crypto: Any, scalar: bytes) -> _Key:
    usable = len(scalar) == SCALAR_BYTES and 0 < int.from_bytes(scalar, "big") < ORDER - 1
    key = _read(crypto, crypto.d2i_AutoPrivateKey, _PRIVATE_KEY_INFO + scalar) if usable else None
    if key is None:
        raise ValueError("no SM2 private key")
    return key


def _read(crypto: Any, decode: Callable[..., int | None], encoded: bytes) -> _Key | None:
    content = ctypes.create_string_buffer(encoded, len(encoded))
    start = ctypes.c_void_p(ctypes.addressof(content))
    pointer = decode(None, ctypes.byref(start), len(encoded))
    crypto.ERR_clear_error()
    if not pointer:
        return None
    key = _Key(crypto, pointer)
    return key if crypto.EVP_PKEY_is_a(pointer, b"SM2") == 1 else None


def libcrypto() -> Any:
    """The libcrypto that offers SM2. Raises Unavailable."""
    library, why = _chosen()
    if library is None:
        raise Unavailable(why)
    return library


@lru_cache(maxsize=1)
def _chosen() -> tuple[Any, str | None]:
    """The first libcrypto that verifies the standard's sample, or why there is none. Looked for once per process."""
    tried: list[str] = []
    for name in _candidates():
        try:
            library = declared(ctypes.CDLL(name), _FUNCTIONS)
        except (OSError, AttributeError) as error:
            tried.append(f"{name}: {type(error).__name__}")
            continue
        key = _public(library, _SAMPLE_POINT)
        if key and _verified(library, key, _SAMPLE_SIGNATURE, _SAMPLE_MESSAGE, SIGNER_ID):
            return library, None
        tried.append(f"{name}: without SM2")
    return None, "no libcrypto of OpenSSL 3 with SM2 (" + ", ".join(tried) + ")"


def _candidates() -> Iterator[str]:
    """By their usual names and places; those that a Python brings along come last."""
    if sys.platform == "darwin":
        # never without a version: macOS ends a process that loads its own /usr/lib/libcrypto.dylib
        names = ("libcrypto.3.dylib", "libcrypto.4.dylib")
        roots = ("/opt/homebrew/opt/openssl@3", "/usr/local/opt/openssl@3", "/opt/local/libexec/openssl3")
    else:
        found = ctypes.util.find_library("crypto")
        names = ("libcrypto.so.3", "libcrypto.so.4")
        roots = ()
        yield from dict.fromkeys([*([found] if found else []), *names])
    for root in (*roots, sys.base_prefix):
        for name in names:
            path = Path(root) / "lib" / name
            if path.exists():
                yield str(path)


def declared(library: Any, functions: Iterable[tuple[str, Any, tuple[Any, ...]]]) -> Any:
    """The library with the types of these functions: C name, result, arguments."""
    for name, result, arguments in functions:
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library
