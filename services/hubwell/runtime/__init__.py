"""Processes of one machine: the embedded database and broker, supervision, locks and start-up checks."""
