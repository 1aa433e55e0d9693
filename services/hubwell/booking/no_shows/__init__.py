"""Bookings to which nobody came: what the sensors and taps say about it, and the release."""
