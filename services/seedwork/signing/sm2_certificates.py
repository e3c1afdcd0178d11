"""What `cryptography` does not know of SM2 certificates: their public key, and their chain (GB/T 20518), by libcrypto.

Chains are built and verified by libcrypto's own X509_verify_cert, not here: signatures, issuers, validity at the
moment, authorities and what they may do. The signer's id in certificates is the usual one (GM/T 0009-2012, 10).
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime
from functools import lru_cache
from typing import Any

from services.seedwork.signing import sm2

SECURITY_LEVEL = 2
"""Of libcrypto: keys and digests of at least 112 bits of security."""

_pointer, _number = ctypes.c_void_p, ctypes.c_int
_FUNCTIONS: tuple[tuple[str, Any, tuple[Any, ...]], ...] = (
    ("d2i_X509", _pointer, (_pointer, _pointer, ctypes.c_long)),
    ("i2d_X509", _number, (_pointer, _pointer)),
    ("X509_free", None, (_pointer,)),
    ("X509_get0_pubkey", _pointer, (_pointer,)),
    ("X509_set0_distinguishing_id", None, (_pointer, _pointer)),
    ("ASN1_OCTET_STRING_new", _pointer, ()),
    ("ASN1_OCTET_STRING_set", _number, (_pointer, ctypes.c_char_p, _number)),
    ("OPENSSL_sk_new_null", _pointer, ()),
    ("OPENSSL_sk_free", None, (_pointer,)),
    ("OPENSSL_sk_push", _number, (_pointer, _pointer)),
    ("OPENSSL_sk_num", _number, (_pointer,)),
    ("OPENSSL_sk_value", _pointer, (_pointer, _number)),
    ("X509_STORE_new", _pointer, ()),
    ("X509_STORE_free", None, (_pointer,)),
    ("X509_STORE_add_cert", _number, (_pointer, _pointer)),
    ("X509_STORE_CTX_new", _pointer, ()),
    ("X509_STORE_CTX_free", None, (_pointer,)),
    ("X509_STORE_CTX_init", _number, (_pointer, _pointer, _pointer, _pointer)),
    ("X509_STORE_CTX_set_time", None, (_pointer, ctypes.c_ulong, ctypes.c_long)),
    ("X509_STORE_CTX_set_depth", None, (_pointer, _number)),
    ("X509_STORE_CTX_get0_param", _pointer, (_pointer,)),
    ("X509_VERIFY_PARAM_set_auth_level", None, (_pointer, _number)),
    ("X509_verify_cert", _number, (_pointer,)),
    ("X509_STORE_CTX_get0_chain", _pointer, (_pointer,)),
)


def point_of(certificate: bytes) -> bytes | None:
    """The SM2 public key of a certificate in DER; None where its key is of another kind."""
    crypto = _libcrypto()
    with ExitStack() as owned:
        key = crypto.X509_get0_pubkey(_read(crypto, certificate, owned))
        is_sm2 = bool(key) and crypto.EVP_PKEY_is_a(key, b"SM2") == 1
        crypto.ERR_clear_error()
        return sm2.point_in(crypto, key) if is_sm2 else None


def verified(
    signer: bytes, between: Sequence[bytes], roots: Sequence[bytes], at: datetime, depth_max: int
) -> list[bytes] | None:
    """The chain from the signer's certificate to one of the roots, all in DER; None where there is none that holds at
    this moment."""
    crypto = _libcrypto()
    with ExitStack() as owned:
        trusted = crypto.X509_STORE_new()
        owned.callback(crypto.X509_STORE_free, trusted)
        for root in roots:
            crypto.X509_STORE_add_cert(trusted, _read(crypto, root, owned))
        others = crypto.OPENSSL_sk_new_null()
        owned.callback(crypto.OPENSSL_sk_free, others)
        for certificate in between:
            crypto.OPENSSL_sk_push(others, _read(crypto, certificate, owned))
        context = crypto.X509_STORE_CTX_new()
        owned.callback(crypto.ERR_clear_error)
        owned.callback(crypto.X509_STORE_CTX_free, context)
        if crypto.X509_STORE_CTX_init(context, trusted, _read(crypto, signer, owned), others) != 1:
            raise ValueError("libcrypto did not begin")
        crypto.X509_STORE_CTX_set_time(context, 0, int(at.timestamp()))
        crypto.X509_STORE_CTX_set_depth(context, depth_max)
        crypto.X509_VERIFY_PARAM_set_auth_level(crypto.X509_STORE_CTX_get0_param(context), SECURITY_LEVEL)
        if crypto.X509_verify_cert(context) != 1:
            return None
        chain = crypto.X509_STORE_CTX_get0_chain(context)
        return [
            _written(crypto, crypto.OPENSSL_sk_value(chain, place)) for place in range(crypto.OPENSSL_sk_num(chain))
        ]


def _read(crypto: Any, encoded: bytes, owned: ExitStack) -> int:
    content = ctypes.create_string_buffer(encoded, len(encoded))
    start = ctypes.c_void_p(ctypes.addressof(content))
    certificate = crypto.d2i_X509(None, ctypes.byref(start), len(encoded))
    if not certificate:
        raise ValueError("libcrypto reads no certificate here")
    owned.callback(crypto.X509_free, certificate)
    identity = crypto.ASN1_OCTET_STRING_new()
    crypto.ASN1_OCTET_STRING_set(identity, sm2.SIGNER_ID, len(sm2.SIGNER_ID))
    crypto.X509_set0_distinguishing_id(certificate, identity)  # which takes it over
    return int(certificate)


def _written(crypto: Any, certificate: int) -> bytes:
    encoded = ctypes.create_string_buffer(crypto.i2d_X509(certificate, None))
    crypto.i2d_X509(certificate, ctypes.byref(ctypes.c_void_p(ctypes.addressof(encoded))))
    return encoded.raw


@lru_cache(maxsize=1)
def _libcrypto() -> Any:
    return sm2.declared(sm2.libcrypto(), _FUNCTIONS)
