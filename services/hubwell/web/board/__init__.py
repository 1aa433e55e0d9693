"""Pages for everybody: spaces now, their plots, a space that fits, devices and alerts."""
