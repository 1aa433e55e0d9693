"""Allow-lists, the readers' lists of badges: built from the register, signed, and sent to each device."""
