"""Fulfilment: what is prescribed in one instalment, with the holds and supplies that serve it."""
