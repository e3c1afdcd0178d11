"""What a service tells others by signed HTTP calls (Standard Webhooks): endpoints, deliveries, dead letters.

A service with something to tell names a `WebhookFeed` over a cursor feed it has anyway; the rest is the same for all.
"""
