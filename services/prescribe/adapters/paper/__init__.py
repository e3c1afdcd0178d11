"""A prescription as PDF with a QR code: A5, the colours and marks of the law's form, Noto Sans SC embedded."""

from services.prescribe.adapters.paper.sheet import render

__all__ = ["render"]
