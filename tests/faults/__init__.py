"""Whole installations mistreated: processes, brokers and databases die, come late or come back from a backup."""
