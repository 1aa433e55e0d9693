"""Defects: what people report as broken in a space, until facilities have seen to it."""
