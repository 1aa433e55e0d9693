"""Commands that need several capabilities at once: people and their badges, readers, keys."""
