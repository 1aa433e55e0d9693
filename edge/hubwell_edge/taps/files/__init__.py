"""Private files of a device with badge readers: epoch keys, the list of badges, and the sealed muster."""
