"""What the edge does with a tap: pseudonym, outbox, and an answer, with the network gone too."""
