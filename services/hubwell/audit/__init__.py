"""The tamper-evident audit log of what people and programs did."""
