"""Outputs that show a person the answer to a tap: lamps, tones, displays. The kinds are in `registry`."""
