"""The business rules of review: pure decisions over the state of one case."""
