"""Calendars: what calendar programs read, and the page of their addresses."""
