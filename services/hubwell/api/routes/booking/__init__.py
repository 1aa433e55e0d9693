"""Bookings of spaces, and what can be booked of a space."""
