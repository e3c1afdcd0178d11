"""The technical kernel: event store, relay, consumer, API kit, identity. It knows no word of the business."""
