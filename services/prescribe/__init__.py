"""Prescribe: patients, prescriptions and the registers of people, institutions and drugs."""
