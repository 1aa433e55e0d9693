"""Try a badge: virtual cards and the doors of the simulated hub, where the demonstration runs."""
