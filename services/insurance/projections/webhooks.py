"""Endpoints of insurers, told what the settlement feed tells."""

from services.insurance.projections import METADATA, claims
from services.seedwork.webhooks.projection import webhooks

PROJECTION = webhooks(METADATA, claims.PROJECTION.name)
