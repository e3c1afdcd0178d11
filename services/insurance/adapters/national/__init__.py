"""Insurers that are reached by messages in the form of the national platform (医保信息平台)."""
