"""The rules of retail fill, stock and delivery. Pure: no clock, no store, no contracts."""
