"""StockItem: one product in one pharmacy."""
