"""The outbox: messages on disk until the server confirms them, and the gaps that dropped ones leave."""
