"""Badge taps on the device: pseudonym, outbox, and an answer to the person, without a network too."""
