"""Problems of the API itself, the same in every service."""

from contracts.errors.catalogue import Problem

PROBLEMS: tuple[Problem, ...] = (
    Problem(
        "request.malformed",
        400,
        "Malformed JSON",
        "The body is not JSON (RFC 8259, with integers as in RFC 7493), holds a NUL character or over 32 levels.",
        final=False,
    ),
    Problem(
        "webhook.signature",
        401,
        "Signature wrong",
        "Signed as Standard Webhooks say, with the secret shared with this sender, not more than five minutes ago.",
        final=False,
    ),
    Problem(
        "webhook.body",
        422,
        "Message of the wrong form",
        "`fields` lists what is missing or of the wrong form.",
        final=False,
    ),
    Problem("request.too_large", 413, "Body too large", "A request body has at most 1 MiB.", final=False),
    Problem(
        "request.invalid",
        422,
        "Invalid request",
        "`errors` lists each field that is missing or of the wrong form.",
        final=False,
    ),
    Problem(
        "request.media_type",
        415,
        "Unsupported media type",
        "Send application/json, or application/jose where a signature is asked for.",
        final=False,
    ),
    Problem("request.not_found", 404, "No such route", "See the service's OpenAPI document.", final=False),
    Problem("request.method", 405, "Method not allowed", "See the service's OpenAPI document.", final=False),
    Problem(
        "request.cursor", 400, "Bad cursor", "A cursor is taken from `next` of the page before, unchanged.", final=False
    ),
    Problem(
        "request.precondition_failed",
        412,
        "Precondition failed",
        "If-Match names another version than the current one: read again.",
        final=False,
    ),
    Problem("request.timeout", 408, "Body too slow", "The body did not arrive within 15 s.", final=False),
    Problem(
        "idempotency.missing",
        400,
        "Idempotency-Key missing",
        "Every command carries a key of 8 to 128 characters that is new per intent and the same in a repeat.",
        final=False,
    ),
    Problem(
        "idempotency.reused",
        422,
        "Idempotency-Key reused",
        "The key was used with another request. A new intent needs a new key.",
        final=False,
    ),
    Problem(
        "patient.forgotten",
        410,
        "Patient forgotten",
        "The patient's personal data is gone for good (个人信息保护法 §47), with it what was answered about them.",
    ),
    Problem("identity.missing", 401, "No token", "Send `Authorization: Bearer <token>`.", final=False),
    Problem(
        "identity.invalid",
        401,
        "Token not accepted",
        "The token is malformed, expired, not yet valid, for another audience or not signed by the issuer.",
        final=False,
    ),
    Problem(
        "identity.forbidden",
        403,
        "Not allowed",
        "The role of the token has no right to this; `docs/roles.md` lists the rights.",
        final=False,
    ),
    Problem(
        "overload.shed",
        503,
        "Too busy",
        "The service protects itself; repeat after `Retry-After` seconds with the same Idempotency-Key.",
        final=False,
    ),
    Problem(
        "rate.exceeded",
        429,
        "Too many requests",
        "This actor asks more often than `docs/rates.md` allows for this kind of request; repeat after `Retry-After` "
        "seconds with the same Idempotency-Key.",
        final=False,
    ),
    Problem(
        "conflict.persistent",
        503,
        "Lost too many races",
        "Others kept changing the same record; repeat after `Retry-After` seconds with the same Idempotency-Key.",
        final=False,
    ),
    Problem(
        "outcome.unknown",
        503,
        "Outcome unknown",
        "The connection to the store broke during the save; repeat with the same Idempotency-Key to learn the answer.",
        final=False,
    ),
    Problem(
        "store.restored",
        503,
        "Store restored",
        "The store came back from a backup; commands wait for `rxflow restore-check`.",
        final=False,
    ),
    Problem("internal.error", 500, "Internal error", "Logged under the `correlation_id` of this answer.", final=False),
    Problem(
        "signature.malformed",
        422,
        "Not a compact JWS",
        "Send header.payload.signature (RFC 7515), in its header alg (ES256 or SM2) and kid, neither crit nor b64.",
    ),
    Problem(
        "signature.unknown_key", 422, "Unknown signing key", "The kid names no key in the signer's register entry."
    ),
    Problem(
        "signature.key_not_valid",
        422,
        "Signing key not valid",
        "The key is not within its days of validity, or is no EC P-256 or SM2 key.",
    ),
    Problem(
        "signature.certificate",
        422,
        "Certificate not accepted",
        "`reason`: form, algorithm (P-256 and SM2 are read), usage (it must be for signing), or chain: when "
        "it signed, it led to no trusted root.",
    ),
    Problem(
        "signature.revoked", 422, "Certificate revoked", "The signer's certificate, or its issuer's, no longer counted."
    ),
    Problem(
        "signature.revocation_unknown",
        503,
        "Revocation unknown",
        "There is no revocation list that is new enough, and the policy does not accept signatures without.",
        final=False,
    ),
    Problem(
        "signature.unavailable",
        503,
        "Algorithm not available",
        "This installation's libcrypto cannot check signatures of this `alg`; nothing was decided.",
        final=False,
    ),
    Problem(
        "signature.invalid", 422, "Signature invalid", "The signature does not belong to these bytes and this key."
    ),
    Problem(
        "register.kind",
        404,
        "Register not kept here",
        "Each register has one owner; `kinds` lists those that this service keeps.",
    ),
    Problem("register.size", 422, "No rows, or too many", "Send 1 to 90 rows per request."),
    Problem(
        "register.url",
        422,
        "Not a URL that is called",
        "Of a row, with the field and what is wrong: missing where messages are to be sent, form, scheme (https; http "
        "in development mode or with RXFLOW_PLAIN_HTTP=1), credentials or fragment. A private address is allowed.",
    ),
    Problem(
        "development.only",
        403,
        "Development mode only",
        "Exists only with RXFLOW_DEVELOPMENT=1 on loopback addresses.",
        final=False,
    ),
)
