"""Air quality rules: readings are evaluated in their own transaction; episodes open and resolve there."""
