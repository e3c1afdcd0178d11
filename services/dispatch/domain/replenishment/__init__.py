"""ReplenishmentOrder: what a pharmacy ordered from a supplier, line by line."""
