"""The event store: one database per service, one statement per save, a sealed gap-free log (`docs/kernel.md`)."""
