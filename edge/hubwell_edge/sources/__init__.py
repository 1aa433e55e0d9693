"""Sources of observations: the sensors and readers of a device file, recorded files, load counters."""
