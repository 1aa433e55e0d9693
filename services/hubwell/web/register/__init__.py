"""The register of spaces and devices, for facilities and administrators."""
