"""Commands of the register beside those of spaces and devices."""
