"""Channels of notifications as their listeners see them: names in the database are secret."""


def listen_to(channel: str) -> str:
    """Return the statement by which a test listens to a channel."""
    return f"DO $$ BEGIN EXECUTE format('LISTEN %I', channel_name('{channel}')); END $$"


def notify_of(channel: str, payload: str = "") -> str:
    """Return the statement by which a test notifies, as a process of the server does."""
    return f"SELECT pg_notify(channel_name('{channel}'), '{payload}')"
