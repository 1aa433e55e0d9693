"""The hub's own register: spaces and the devices in them."""
