"""Bookings that repeat: rules of RFC 5545, dates on the clocks of a zone, edits that keep exceptions.

An occurrence is a row of `booking` with the key (series, original local start). What was changed or cancelled
of one occurrence alone is an exception, which no later change of the series touches.
"""
