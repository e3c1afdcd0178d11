"""Paths that a signature opens instead of a token (`webhooks`)."""

WEBHOOKS = "/webhooks/"
WEBHOOK_BYTES_MAX = 64 * 1024
"""Read before it is known who sends it."""
