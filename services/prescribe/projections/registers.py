"""The registers prescribe owns, as lists."""

from __future__ import annotations

from services.prescribe.application.registers import KINDS
from services.prescribe.projections import METADATA
from services.seedwork.register_projection import register_entries

REGISTERS = register_entries(METADATA, KINDS)
