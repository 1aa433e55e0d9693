"""Documents that privacy law asks for, written from the live configuration."""
