"""Presence by badge: taps become visits."""
