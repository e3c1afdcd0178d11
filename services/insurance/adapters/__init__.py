"""The outside of insurance: insurers and payment providers."""
