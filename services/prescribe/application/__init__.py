"""Use cases of prescribe, what it tells the others and how it reacts to them."""
