"""The agent of one device: sources -> stamps -> outbox -> uplink to the broker."""
