"""Delivery: one courier brings one supply, sealed, with proof, or brings it back."""
