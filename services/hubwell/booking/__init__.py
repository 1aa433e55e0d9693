"""Bookings of spaces, whole or in parts: rules, times on the hub's clocks, holds, search for what is free.

Only holds say what is taken. A booking holds the atoms that it is of, for its time and the turnaround of the
space after it; the database forbids two holds of an atom that overlap.
"""
