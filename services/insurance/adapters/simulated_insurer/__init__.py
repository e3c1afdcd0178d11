"""A simulated insurer of the national form, for tests and for a machine of one's own. `rxflow simulate insurer` runs it
as a process of its own."""
