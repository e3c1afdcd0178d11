"""Use cases of review, its reactions to what others publish, and what it publishes itself."""
