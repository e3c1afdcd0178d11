"""Endpoints of authorities, told what the feed of changes tells."""

from services.seedwork.webhooks.projection import webhooks
from services.shortage.projections import METADATA, history

PROJECTION = webhooks(METADATA, history.NAME)
