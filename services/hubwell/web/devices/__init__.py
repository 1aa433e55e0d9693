"""Pages of devices: what is wrong, what is heard and not registered, and a page for each device."""
