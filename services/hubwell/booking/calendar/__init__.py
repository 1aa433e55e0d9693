"""Calendars of bookings, which calendar programs read at an address.

A calendar is written from the database and never passes an error on, because programs then delete what they
had, or stop asking.
"""
