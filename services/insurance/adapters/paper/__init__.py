"""A claim's receipt as PDF with a QR code: A5, Noto Sans SC embedded."""

from services.insurance.adapters.paper.sheet import render

__all__ = ["render"]
