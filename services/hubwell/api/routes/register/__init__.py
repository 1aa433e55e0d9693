"""The register of spaces, for facilities and administrators."""
