"""What is known of medicines: entries with a source each, read into an index that the screening rules ask. Pure."""
