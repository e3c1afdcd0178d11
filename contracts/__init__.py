"""What the services share about the business: integration events, error catalogue, topology, register contents."""
