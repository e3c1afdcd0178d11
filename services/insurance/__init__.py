"""Insurance: members, policies, claims, payments, the ledger, and what the insurers are told."""
