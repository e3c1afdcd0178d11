"""dispatch: retail fill, stock and delivery."""
