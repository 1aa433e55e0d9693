"""The register of people and their credentials: enrolment, revocation, merging; sessions and readers."""
