"""Electronic signatures (电子签名): compact JWS over exactly the bytes that were received, by the keys and certificates
of the signer's register entry."""

from services.seedwork.signing.compact import COMPACT_BYTES_MAX, SigningKeyLike, Verified, sign_compact, verify_compact

__all__ = ["COMPACT_BYTES_MAX", "SigningKeyLike", "Verified", "sign_compact", "verify_compact"]
