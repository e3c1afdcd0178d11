"""Trace codes as they are scanned: what is printed on a pack, read into one form that can be compared."""
