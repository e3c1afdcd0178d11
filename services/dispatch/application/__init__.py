"""Use cases of dispatch: which streams they need, and a pure decision."""
