"""Free spaces that people take at the door with a badge: what was pressed, and what comes of the tap."""
