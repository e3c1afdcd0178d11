"""The registers insurance owns, as lists."""

from __future__ import annotations

from services.insurance.application.registers import KINDS
from services.insurance.projections import METADATA
from services.seedwork.register_projection import register_entries

PROJECTION = register_entries(METADATA, KINDS)
