"""What changes, while it changes: the feed of spaces and alerts, and the event streams made of it."""
