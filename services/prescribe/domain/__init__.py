"""The rules of prescribing: pure functions over values and events."""
