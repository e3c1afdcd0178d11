"""Use cases of shortage, its reactions to what others publish, and what it publishes itself."""
