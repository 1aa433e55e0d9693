"""Addresses of calendars."""
