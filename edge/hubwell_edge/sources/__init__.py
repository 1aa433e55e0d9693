"""Sources of observations: sensors and readers of a device file, recorded files, load counters."""
