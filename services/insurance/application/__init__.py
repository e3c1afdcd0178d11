"""Use cases of insurance: which streams they need and what is decided over them."""
