"""The agent of one device: sources -> stamp -> outbox -> uplink."""
