"""Deliveries to the outside, after the commit, once, with retries."""
