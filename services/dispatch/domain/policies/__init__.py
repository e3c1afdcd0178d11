"""Dated limits by jurisdiction."""
