"""Use cases of the register: spaces, their table, floor plans, devices, and what is archived."""
