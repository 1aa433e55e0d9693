"""The lists of badges that readers keep: made from the register, signed, and sent to each device."""
