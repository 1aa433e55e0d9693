"""Deliveries: what leaves the hub after the commit, once, with retry."""
