"""The register of spaces and of the devices in them."""
