"""The hub itself, for administrators: what it is called and how it looks, and what is left to set up."""
