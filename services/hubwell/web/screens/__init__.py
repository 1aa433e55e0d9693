"""Paired screens: their own pages, which a token opens, and the page on which people look after them."""
