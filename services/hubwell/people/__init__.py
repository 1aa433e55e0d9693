"""People and what they hold to a reader: enrolling, credentials, revoking, merging, erasing."""
