"""Shortage: signals of what pharmacies could not give, and the cases that come of them (短缺药品监测)."""
